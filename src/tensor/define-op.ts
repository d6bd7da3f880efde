/**
 * The one way to define a primitive op.
 *
 * @module
 */
import { AttributePacker, type AttributeSchema, type Attributes } from "../runtime/attributes.ts";
import type { Backend, Kernel, TensorSpec } from "../runtime/backend.ts";
import { ArgumentError } from "../util/errors.ts";
import type { Tensor } from "./tensor.ts";

/** What a derivative rule may use. */
export interface VjpContext {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Gradients of the outputs; zeros where an output is unused. */
  readonly grads: readonly Tensor[];
  /** Whether the gradient of an input is wanted. */
  needs(input: number): boolean;
}

/**
 * Gradients of the inputs, in their order, from those of the outputs; null for
 * an input that has none. Written with ops, so that it differentiates again.
 */
export type VjpRule<A> = (context: VjpContext, attributes: A) => (Tensor | null)[];

/** A value of a traced function, as rewrite rules see it. */
export interface TracedValue extends TensorSpec {
  /** The call that computes it; null for what comes from outside. */
  readonly source: TracedCall | null;
  /** Of a constant: the number. */
  readonly constant: number | bigint | null;
}

/** A call in a traced function. */
export interface TracedCall {
  readonly op: OpDefinition;
  readonly inputs: readonly TracedValue[];
  readonly attributes: Attributes;
}

/**
 * A simpler way to the same bits: one of the values there are, or another call
 * on them; null where there is none. A value of another shape or dtype than the
 * output's is not taken.
 */
export type RewriteRule<A> = (
  inputs: readonly TracedValue[],
  attributes: A,
  output: TensorSpec,
) => TracedValue | TracedCall | null;

/** What the compiler may do with an op. */
export interface OpTraits {
  /**
   * Each output element depends on the elements at the same place of the
   * (broadcast) inputs. Its kernel cannot fail and needs no memory, and an
   * output may overwrite an input of its own size.
   */
  readonly elementwise?: boolean;
  /** Of an elementwise op: what an element takes, an addition taking 1. Default: 1. */
  readonly work?: number;
  /** The output is the input's bytes under another shape: no kernel runs. */
  readonly view?: boolean;
  /** The output is the input, repeated as NumPy broadcasts. */
  readonly broadcast?: boolean;
  /** The output is the sum over the attribute `axes`, which a loop can make as it goes. */
  readonly sum?: boolean;
  /** Never merged with another node of the same inputs. */
  readonly unique?: boolean;
}

/** What `defineOp` takes. */
export interface OpSpec<A extends Attributes> {
  /** The registered name, snake_case, unique. */
  readonly name: string;
  /** The name of its kernels, where it shares those of another op. */
  readonly kernel?: string;
  /** Kinds of the attributes, in the order in which kernels read them. */
  readonly attributes?: AttributeSchema;
  /** Shapes and dtypes of the outputs. Throws for inputs that do not fit. */
  readonly infer: (
    inputs: readonly TensorSpec[],
    attributes: A,
  ) => TensorSpec | readonly TensorSpec[];
  /**
   * null: not differentiable, asking for a gradient throws. `"decompose"`: the
   * derivative of its decomposition, for kernels of first derivatives.
   */
  readonly vjp: VjpRule<A> | "decompose" | null;
  /** The same computation in other ops: fallback, reference, second derivative. */
  readonly decompose?: (inputs: readonly Tensor[], attributes: A) => Tensor | readonly Tensor[];
  readonly traits?: OpTraits;
  /** What compiled functions run instead, where that is less. */
  readonly rewrite?: RewriteRule<A>;
}

/** A defined op. */
export interface OpDefinition<A extends Attributes = Attributes> {
  readonly name: string;
  readonly infer: OpSpec<A>["infer"];
  readonly vjp: OpSpec<A>["vjp"];
  readonly decompose: OpSpec<A>["decompose"];
  readonly traits: OpTraits;
  readonly rewrite: OpSpec<A>["rewrite"];
  readonly packer: AttributePacker;
  /** The kernel of this op on a backend, looked up once. */
  kernelOn(backend: Backend): Kernel | undefined;
}

const defined = new Map<string, OpDefinition>();

/**
 * Every op that has been defined, by its name.
 *
 * @internal
 */
export function definedOps(): ReadonlyMap<string, OpDefinition> {
  return defined;
}

/**
 * Defines a primitive op: its shape rule, its derivative and, where it is not
 * itself elementary, its decomposition. `apply` runs it.
 *
 * @throws {ArgumentError} If the name is taken or not snake_case.
 * @example
 * const double = defineOp({
 *   name: "example_double",
 *   infer: ([x]) => x,
 *   vjp: ({ grads: [dy] }) => [ops.add(dy, dy)],
 *   decompose: ([x]) => ops.add(x, x),
 * });
 * await apply(double, [tensor([1, 2])]).array(); // [2, 4]
 */
export function defineOp<A extends Attributes = Attributes>(spec: OpSpec<A>): OpDefinition<A> {
  if (!/^[a-z][a-z0-9_]*$/.test(spec.name)) {
    throw new ArgumentError(`defineOp: "${spec.name}" is not a snake_case name.`);
  }
  if (defined.has(spec.name)) {
    throw new ArgumentError(
      `defineOp: there is an op "${spec.name}" already. Choose another name.`,
    );
  }
  let lastBackend: Backend | null = null;
  let lastKernel: Kernel | undefined;
  const op: OpDefinition<A> = {
    name: spec.name,
    infer: spec.infer,
    vjp: spec.vjp,
    decompose: spec.decompose,
    traits: spec.traits ?? {},
    rewrite: spec.rewrite,
    packer: new AttributePacker(spec.attributes ?? {}),
    kernelOn(backend) {
      if (backend !== lastBackend) {
        lastBackend = backend;
        lastKernel = backend.resolve(spec.kernel ?? spec.name);
      }
      return lastKernel;
    },
  };
  defined.set(spec.name, op as unknown as OpDefinition);
  return op;
}
