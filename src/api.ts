/**
 * What every entry of the package exports.
 *
 * @module
 */
export * from "./autograd/grad.ts";
export { jit, type JitOptions, type Jitted } from "./jit/jit.ts";
export * as initializers from "./keras/initializers/index.ts";
export * as random from "./keras/random.ts";
export * as saving from "./keras/saving/index.ts";
export * as utils from "./keras/utils/index.ts";
export * as ops from "./ops/index.ts";
export { device, memory, setDevice } from "./runtime/device.ts";
export { apply } from "./tensor/apply.ts";
export { asFloat, tensor } from "./tensor/create.ts";
export { defineOp } from "./tensor/define-op.ts";
export { Tensor } from "./tensor/tensor.ts";
export { tidy } from "./tensor/tidy.ts";
export { Variable } from "./tensor/variable.ts";
export * from "./util/errors.ts";
