/**
 * Variables: named tensors that change.
 *
 * @module
 */
import { currentBackend } from "../runtime/device.ts";
import { bumpTraceEpoch } from "../runtime/epoch.ts";
import { autocastDType, floatx, withAutocast } from "../runtime/precision.ts";
import { Storage } from "../runtime/storage.ts";
import {
  type DType,
  isFloat,
  itemSize,
  standardizeDType,
  type TypedArrayOf,
} from "../util/dtypes.ts";
import { ArgumentError, DisposedError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { printAs } from "../util/inspect.ts";
import { autoName, checkName, currentPath } from "../util/naming.ts";
import { checkShape, type Shape, sameShape, sizeOf } from "../util/shapes.ts";
import { apply } from "./apply.ts";
import { castTo } from "./cast.ts";
import { outsideTrace, state } from "./context.ts";
import { type ArrayLike, convertArray } from "./create.ts";
import { defineOp, type OpDefinition } from "./define-op.ts";
import { type NestedArray, Tensor } from "./tensor.ts";
import { tidy } from "./tidy.ts";

/** Makes a variable's first value. */
export type VariableInitializer = (shape: Shape, options: { dtype: DType }) => Tensor;

/** How replicas' values of a variable are put together. */
export type Aggregation = "none" | "mean" | "sum" | "only_first_replica";

/** When replicas' values of a variable are put together. */
export type Synchronization = "none" | "on_read" | "on_write" | "auto";

/** Options of `Variable`. */
export interface VariableOptions {
  /** Required with an initializer. */
  shape?: Shape | undefined;
  /** Default: that of the value; floatx with an initializer. */
  dtype?: DType | "float" | "int" | null | undefined;
  trainable?: boolean | undefined;
  /** Whether layers read it in their compute dtype. */
  autocast?: boolean | undefined;
  aggregation?: Aggregation | null | undefined;
  synchronization?: Synchronization | null | undefined;
  name?: string | null | undefined;
}

const accumulations = {
  add: elementwisePair("assign_add", "add"),
  subtract: elementwisePair("assign_sub", "subtract"),
};

function elementwisePair(name: string, kernel: string): OpDefinition {
  return defineOp({
    name,
    kernel,
    infer: ([x]) => x as Tensor,
    vjp: null,
    traits: { elementwise: true },
  });
}

function checkGiven(what: string, value: Tensor, shape: Shape | undefined): Tensor {
  if (shape !== undefined && !sameShape(shape, value.shape)) {
    throw new ShapeError(
      `${what}: the value has shape ${formatShape(value.shape)}, expected ${formatShape(shape)}.`,
      { shapes: [value.shape, shape] },
    );
  }
  return value;
}

/** Names of strings (initializers) that `Variable` may be given: set by `keras`. */
let initializerNamed: ((name: string) => VariableInitializer) | null = null;

/** @internal Lets `Variable` take the names of initializers. */
export function registerInitializerNames(find: (name: string) => VariableInitializer): void {
  initializerNamed = find;
}

/** Bytes that new variables may still take, and what is thrown beyond them. */
interface Budget {
  bytes: number;
  readonly exceeded: (shape: Shape) => Error;
}

let budget: Budget | null = null;

/** @internal Runs `fn`, in which variables may be made of so many bytes altogether. */
export function withVariableBudget<T>(
  bytes: number,
  exceeded: (shape: Shape) => Error,
  fn: () => T,
): T {
  const outer = budget;
  budget = { bytes, exceeded };
  try {
    return fn();
  } finally {
    budget = outer;
  }
}

/**
 * A tensor with a name whose value can be replaced. It keeps its memory for
 * life; what was read from it before stays what it was.
 *
 * @example
 * const counter = new Variable(0, { dtype: "int32" });
 * counter.assignAdd(1);
 * await counter.value.item(); // 1
 */
export class Variable {
  readonly shape: Shape;
  readonly name: string;
  readonly path: string;
  readonly autocast: boolean;
  readonly aggregation: Aggregation;
  readonly synchronization: Synchronization;
  /** Applied to the value after each update by an optimizer. */
  constraint: ((value: Tensor) => Tensor) | null = null;
  /** Adds to the loss. */
  regularizer: ((value: Tensor) => Tensor) | null = null;
  /** Whether an optimizer puts the gradient in place of the value. */
  overwriteWithGradient = false;
  readonly #dtype: DType;
  #trainable: boolean;
  #storage: Storage;

  constructor(
    initializer: VariableInitializer | Tensor | Variable | ArrayLike | string,
    options: VariableOptions = {},
  ) {
    this.name = checkName(options.name ?? autoName(new.target.name), "Variable");
    const parent = currentPath();
    this.path = parent === "" ? this.name : `${parent}/${this.name}`;
    this.#trainable = options.trainable ?? true;
    this.autocast = options.autocast ?? true;
    this.aggregation = options.aggregation ?? "none";
    this.synchronization = options.synchronization ?? "none";
    const dtype =
      options.dtype === undefined || options.dtype === null
        ? null
        : standardizeDType(options.dtype, floatx());
    const backend = currentBackend();
    // Whatever the initializer computes is freed again at once.
    const {
      shape,
      dtype: actual,
      storage,
    } = outsideTrace(() =>
      tidy(() => {
        const value = this.#initialValue(initializer, options.shape, dtype);
        const own = new Storage(backend, sizeOf(value.shape) * itemSize(value.dtype));
        backend.create(own, null);
        backend.assign(own, value.storage);
        return { shape: value.shape, dtype: value.dtype, storage: own };
      }),
    );
    this.shape = shape;
    this.#dtype = actual;
    this.#storage = storage;
    bumpTraceEpoch();
    state.tracer?.onFailure(() => this.dispose());
  }

  #initialValue(
    initializer: ConstructorParameters<typeof Variable>[0],
    shape: Shape | undefined,
    dtype: DType | null,
  ): Tensor {
    const what = `Variable "${this.name}"`;
    const make = typeof initializer === "string" ? initializerNamed?.(initializer) : initializer;
    if (make === undefined || typeof make === "string") {
      throw new ArgumentError(`${what}: no initializer ${describe(initializer)}.`);
    }
    if (typeof make !== "function" && !(make instanceof Variable)) {
      const value =
        make instanceof Tensor
          ? castTo(make, dtype ?? make.dtype)
          : convertArray(make, dtype ?? undefined, what);
      return checkGiven(what, value, shape);
    }
    if (make instanceof Variable) {
      return checkGiven(what, castTo(make.value, dtype ?? make.dtype), shape);
    }
    if (shape === undefined) {
      throw new ArgumentError(
        `${what}: with an initializer, give the shape too: ` +
          "new Variable(initializer, { shape: […] }).",
      );
    }
    checkShape(what, shape);
    const kind = dtype ?? floatx();
    if (budget !== null) {
      budget.bytes -= sizeOf(shape) * itemSize(kind);
      if (budget.bytes < 0) throw budget.exceeded(shape);
    }
    return checkGiven(what, castTo(make([...shape], { dtype: kind }), kind), shape);
  }

  /** The dtype it is read as: inside a layer's call its compute dtype. */
  get dtype(): DType {
    const cast = autocastDType();
    return this.autocast && cast !== null && isFloat(this.#dtype) ? cast : this.#dtype;
  }

  /** The dtype it is kept in. */
  get storageDtype(): DType {
    return this.#dtype;
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Whether optimizers change it. */
  get trainable(): boolean {
    return this.#trainable;
  }
  set trainable(value: boolean) {
    if (value !== this.#trainable) bumpTraceEpoch();
    this.#trainable = value;
  }

  /** Whether `dispose` has been called. */
  get isDisposed(): boolean {
    return this.#storage.isFreed;
  }

  /** @internal */
  get storage(): Storage {
    if (this.#storage.isFreed) {
      throw new DisposedError(`Variable "${this.path}" has been disposed.`);
    }
    return this.#storage;
  }

  /** The value now: later assignments do not change this tensor. */
  get value(): Tensor {
    const { tracer, tapes, shadow } = state;
    const given = shadow?.get(this);
    let value: Tensor;
    if (given !== undefined) {
      value = given;
    } else if (tracer !== null) {
      value = tracer.readVariable(this);
    } else {
      const alias = new Storage(this.storage.backend, this.storage.bytes);
      alias.backend.alias(alias, this.storage);
      value = new Tensor(this.shape, this.#dtype, alias, null);
    }
    for (const tape of tapes) {
      const reads = tape.reads.get(this);
      if (reads === undefined) tape.reads.set(this, [value]);
      else if (reads.at(-1) !== value) reads.push(value);
    }
    return castTo(value, this.dtype);
  }

  /** @internal The value now, in the dtype that it is stored in. */
  get rawValue(): Tensor {
    return withAutocast(null, () => outsideTrace(() => this.value));
  }

  /**
   * Replaces the value.
   *
   * @throws {ShapeError} If the shape differs.
   */
  assign(value: Tensor | Variable | ArrayLike): Tensor {
    const given =
      value instanceof Tensor
        ? value
        : value instanceof Variable
          ? value.value
          : convertArray(value, this.#dtype, `Variable "${this.path}"`);
    this.checkAssignable(given);
    const cast = castTo(given, this.#dtype);
    // An object of its own, so that a tape can tell the read from the value.
    if (state.shadow !== null) state.shadow.set(this, cast.detached());
    else if (state.tracer !== null) state.tracer.assignVariable(this, cast);
    else this.storage.backend.assign(this.storage, cast.storage);
    return cast;
  }

  /** @internal @throws {ShapeError} If a value has another shape. */
  checkAssignable(value: Tensor): void {
    if (sameShape(value.shape, this.shape)) return;
    throw new ShapeError(
      `assign: the variable "${this.path}" has shape ${formatShape(this.shape)}, ` +
        `the value ${formatShape(value.shape)}. They must be the same.`,
      { op: "assign", shapes: [this.shape, value.shape] },
    );
  }

  /** Adds to the value, which keeps its shape. */
  assignAdd(value: Tensor | Variable | ArrayLike): Tensor {
    return this.#accumulate(accumulations.add, value);
  }

  /** Subtracts from the value, which keeps its shape. */
  assignSub(value: Tensor | Variable | ArrayLike): Tensor {
    return this.#accumulate(accumulations.subtract, value);
  }

  #accumulate(op: OpDefinition, value: Tensor | Variable | ArrayLike): Tensor {
    const change =
      value instanceof Tensor
        ? value
        : value instanceof Variable
          ? value.value
          : convertArray(value, this.#dtype, `Variable "${this.path}"`);
    if (change.ndim > 0 && !sameShape(change.shape, this.shape)) {
      throw new ShapeError(
        `${op.name}: the variable "${this.path}" has shape ${formatShape(this.shape)}, ` +
          `the change ${formatShape(change.shape)}. Give the same shape or a scalar.`,
        { op: op.name, shapes: [this.shape, change.shape] },
      );
    }
    return this.assign(apply(op, [castTo(this.value, this.#dtype), castTo(change, this.#dtype)]));
  }

  /** The values, flat. See `Tensor.data`. */
  data(): Promise<TypedArrayOf<DType>> {
    return outsideTrace(() => this.value.data());
  }

  /** The values as nested arrays. */
  array(): Promise<NestedArray> {
    return outsideTrace(() => this.value.array());
  }

  /** Frees the memory. The variable cannot be used any more. */
  dispose(): void {
    if (!this.#storage.isFreed) {
      this.#storage.release();
      bumpTraceEpoch();
    }
  }

  toString(): string {
    return `<Variable path=${this.path}, shape=${formatShape(this.shape)}, dtype=${this.#dtype}>`;
  }
}

printAs(Variable, (variable) => variable.toString());
