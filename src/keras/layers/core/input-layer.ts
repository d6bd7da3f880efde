/**
 * @module
 */
import { floatx } from "../../../runtime/precision.ts";
import { type DType, standardizeDType } from "../../../util/dtypes.ts";
import { ArgumentError, UnsupportedError } from "../../../util/errors.ts";
import { KerasTensor, type SymbolicShape } from "../../keras-tensor.ts";
import { Node } from "../../node.ts";
import type { Config, ParameterTable } from "../../object.ts";
import { Layer } from "../layer.ts";

/** Options of `Input` and `InputLayer`. */
export interface InputOptions {
  /** The shape of one sample. */
  shape?: SymbolicShape | undefined;
  batchSize?: number | null | undefined;
  dtype?: DType | null | undefined;
  sparse?: boolean | null | undefined;
  ragged?: boolean | null | undefined;
  /** The shape with the batch size. */
  batchShape?: SymbolicShape | undefined;
  name?: string | null | undefined;
  /** Whether null may be passed. */
  optional?: boolean | undefined;
}

/** Where a functional model's input comes in. `Input` makes one. */
export class InputLayer extends Layer {
  static override readonly parameters: ParameterTable = {
    shape: null,
    batch_size: null,
    dtype: null,
    sparse: null,
    ragged: null,
    batch_shape: null,
    name: null,
    optional: false,
  };
  readonly batchShape: SymbolicShape;
  readonly optional: boolean;
  readonly #dtype: DType;

  constructor(options: InputOptions = {}) {
    super({ name: options.name } as object);
    const { shape, batchShape, batchSize = null } = options;
    const given = batchShape ?? null;
    if ((shape ?? null) === null && given === null) {
      throw new ArgumentError(
        "Input: give the shape of one sample: Input({ shape: [28, 28, 1] }).",
      );
    }
    if (given !== null && ((shape ?? null) !== null || batchSize !== null)) {
      throw new ArgumentError("Input: batchShape goes without shape and batchSize.");
    }
    if (options.sparse || options.ragged) {
      throw new UnsupportedError("Input: sparse and ragged tensors are not supported.", {
        op: "InputLayer",
      });
    }
    this.batchShape = checkShape(given ?? [batchSize, ...(shape as SymbolicShape)]);
    this.#dtype = standardizeDType(options.dtype ?? floatx(), floatx());
    this.optional = options.optional ?? false;
    const tensor = new KerasTensor(this.batchShape, { dtype: this.#dtype, name: this.name });
    new Node(this, [], {}, tensor);
    this.built = true;
  }

  override get dtype(): DType {
    return this.#dtype;
  }
  override get inputDtype(): DType {
    return this.#dtype;
  }

  override call(inputs: unknown): unknown {
    return inputs;
  }

  override getConfig(): Config {
    return {
      batch_shape: [...this.batchShape],
      dtype: this.#dtype,
      sparse: false,
      ragged: false,
      name: this.name,
      optional: this.optional,
    };
  }

  override getBuildConfig(): null {
    return null;
  }
}

function checkShape(shape: SymbolicShape): SymbolicShape {
  const fits =
    Array.isArray(shape) &&
    shape.every((dim) => dim === null || (Number.isInteger(dim) && (dim as number) >= 0));
  if (!fits) {
    throw new ArgumentError(
      `Input: a shape is a list of lengths, null where unknown; got ${JSON.stringify(shape)}.`,
    );
  }
  return [...shape];
}

/**
 * A symbolic tensor to build a functional model from.
 *
 * @example
 * const x = Input({ shape: [4] });
 * const model = new Model(x, new layers.Dense(2)(x));
 * model.outputShape; // [null, 2]
 */
export function Input(options: InputOptions | SymbolicShape = {}): KerasTensor {
  const layer = new InputLayer(
    Array.isArray(options) ? { shape: options as SymbolicShape } : (options as InputOptions),
  );
  return layer.output as KerasTensor;
}
