/**
 * What every entry of the package exports.
 *
 * @module
 */
export { checkpoint } from "./autograd/checkpoint.ts";
export { type JvpOptions, jvp } from "./autograd/forward.ts";
export * from "./autograd/grad.ts";
export { type JitOptions, type Jitted, jit } from "./jit/jit.ts";
export * as activations from "./keras/activations/index.ts";
export * as backend from "./keras/backend.ts";
export * as callbacks from "./keras/callbacks/index.ts";
export * as config from "./keras/config.ts";
export * as constraints from "./keras/constraints/index.ts";
export { DTypePolicy } from "./keras/dtype-policies.ts";
export * as initializers from "./keras/initializers/index.ts";
export { KerasTensor } from "./keras/keras-tensor.ts";
export * as layers from "./keras/layers/index.ts";
export { Input, InputSpec, Layer } from "./keras/layers/index.ts";
export * as losses from "./keras/losses/index.ts";
export { Loss } from "./keras/losses/index.ts";
export * as metrics from "./keras/metrics/index.ts";
export { Metric } from "./keras/metrics/index.ts";
export * as models from "./keras/models/index.ts";
export { Model, Sequential } from "./keras/models/index.ts";
export { Operation } from "./keras/operation.ts";
export * as ops from "./keras/ops/index.ts";
export * as optimizers from "./keras/optimizers/index.ts";
export { Optimizer } from "./keras/optimizers/index.ts";
export * as quantizers from "./keras/quantizers/index.ts";
export * as random from "./keras/random.ts";
export * as regularizers from "./keras/regularizers/index.ts";
export { Regularizer } from "./keras/regularizers/index.ts";
export * as saving from "./keras/saving/index.ts";
export * as utils from "./keras/utils/index.ts";
export { hessian, type JacobianOptions, jacobian } from "./ops/jacobian.ts";
export { device, memory, setDevice } from "./runtime/device.ts";
export { apply } from "./tensor/apply.ts";
export { ComplexTensor } from "./tensor/complex.ts";
export { asFloat, tensor } from "./tensor/create.ts";
export { defineOp } from "./tensor/define-op.ts";
export { Tensor } from "./tensor/tensor.ts";
export { tidy } from "./tensor/tidy.ts";
export { Variable } from "./tensor/variable.ts";
export * from "./util/errors.ts";
