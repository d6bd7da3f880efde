/**
 * The one way to a kernel.
 *
 * @module
 */
import type { Attributes } from "../runtime/attributes.ts";
import type { Operand, TensorSpec } from "../runtime/backend.ts";
import { currentBackend } from "../runtime/device.ts";
import { dtypeId } from "../util/dtypes.ts";
import { DeviceError, UnsupportedError } from "../util/errors.ts";
import { state, withoutTapes } from "./context.ts";
import { checkDType } from "./create.ts";
import type { OpDefinition } from "./define-op.ts";
import { newOutput, Tensor } from "./tensor.ts";

const noAttributes: Attributes = {};

/**
 * Runs an op with one output: infers its shape, then runs its kernel or, in a
 * trace, adds a node, and records it on the tapes.
 *
 * Inputs are tensors of one device, promoted already.
 *
 * @example
 * const cube = defineOp({
 *   name: "example_cube",
 *   infer: ([x]) => x,
 *   vjp: null,
 *   decompose: ([x]) => ops.multiply(x, ops.square(x)),
 * });
 * await apply(cube, [tensor([2, 3])]).array(); // [8, 27]
 */
export function apply<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: readonly Tensor[],
  attributes?: A,
): Tensor {
  return applyMany(op, inputs, attributes)[0] as Tensor;
}

/** As `apply`, for ops of any number of outputs. */
export function applyMany<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: readonly Tensor[],
  attributes: A = noAttributes as A,
): Tensor[] {
  const inferred = op.infer(inputs, attributes);
  const specs = isSpecList(inferred) ? inferred : [inferred];
  const general = op as unknown as OpDefinition;
  const { tracer } = state;
  let outputs: Tensor[];
  if (op.traits.view === true) {
    outputs =
      tracer === null
        ? [viewOf(inputs[0] as Tensor, specs[0] as TensorSpec)]
        : tracer.apply(general, inputs, attributes, specs);
  } else {
    const kernel = kernelFor(general, inputs, specs);
    if (kernel === undefined) {
      // Differentiated as what it is made of, unless it has a rule of its own.
      if (op.vjp === "decompose") return decompose(general, inputs, attributes, specs);
      outputs = withoutTapes(() => decompose(general, inputs, attributes, specs)).map((x) =>
        x.detached(),
      );
    } else if (tracer !== null) {
      outputs = tracer.apply(general, inputs, attributes, specs);
    } else {
      const backend = currentBackend();
      for (let i = 0; i < inputs.length; i++)
        checkDevice(op.name, inputs[i] as Tensor, backend.name);
      outputs = new Array<Tensor>(specs.length);
      for (let i = 0; i < specs.length; i++) outputs[i] = newOutput(specs[i] as TensorSpec);
      backend.run(
        op.name,
        kernel,
        inputs as readonly Operand[],
        outputs as Operand[],
        op.packer,
        attributes,
      );
    }
  }
  const { tapes } = state;
  if (tapes.length > 0) {
    const entry = { op: general, inputs, attributes, outputs };
    for (const tape of tapes) tape.entries.push(entry);
  }
  return outputs;
}

function isSpecList(specs: TensorSpec | readonly TensorSpec[]): specs is readonly TensorSpec[] {
  return Array.isArray(specs);
}

function viewOf(x: Tensor, spec: TensorSpec): Tensor {
  return new Tensor(spec.shape, spec.dtype, x.storage.retain(), null);
}

function kernelFor(
  op: OpDefinition,
  inputs: readonly Tensor[],
  outputs: readonly TensorSpec[],
): ReturnType<OpDefinition["kernelOn"]> {
  const backend = currentBackend();
  for (let i = 0; i < outputs.length; i++) {
    const { dtype } = outputs[i] as TensorSpec;
    if (!backend.dtypes.has(dtype)) checkDType(backend, dtype, op.name);
  }
  const kernel = op.kernelOn(backend);
  if (kernel === undefined) return undefined;
  const first = (inputs[0] ?? outputs[0]) as TensorSpec;
  return (kernel.dtypes >>> dtypeId(first.dtype)) & 1 ? kernel : undefined;
}

function checkDevice(op: string, x: Tensor, device: string): void {
  if (x.storage.backend.name !== device) {
    throw new DeviceError(
      `${op}: an input lies on ${x.storage.backend.name}, the current device is ${device}. ` +
        `Read it and make it anew there, or setDevice("${x.storage.backend.name}").`,
      { op },
    );
  }
}

function decompose(
  op: OpDefinition,
  inputs: readonly Tensor[],
  attributes: Attributes,
  specs: readonly TensorSpec[],
): Tensor[] {
  if (op.decompose === undefined) {
    const { name } = currentBackend();
    const dtype = ((inputs[0] ?? specs[0]) as TensorSpec).dtype;
    const kernel = op.kernelOn(currentBackend());
    throw new UnsupportedError(
      kernel === undefined
        ? `${op.name}: the device "${name}" has no kernel for it.`
        : `${op.name}: the device "${name}" cannot do it in ${dtype}. Cast the input.`,
      { op: op.name, dtypes: [dtype] },
    );
  }
  const result = op.decompose(inputs, attributes);
  return Array.isArray(result) ? [...(result as readonly Tensor[])] : [result as Tensor];
}
