/**
 * Branches, loops and scans, eager and compiled, with gradients.
 *
 * The functions are traced once and run on the device: nothing is read back.
 * Tensors, variables and random state that they use are taken from around
 * them; variables that they assign have their new values afterwards.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import {
  optionalTensor,
  type PublicOp,
  publicOp,
  requiredArgument,
  tensorArgument,
  variadicArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { flatten, mapTree, sameStructure } from "../util/pytree.ts";
import { add } from "./arithmetic.ts";
import { less } from "./comparison.ts";
import { branch } from "./control/branch.ts";
import { loopTensors } from "./control/loop.ts";
import { type Scanned, scanTensors } from "./control/scan.ts";
import { arange } from "./creation.ts";
import { type TensorLike, toTensor } from "./promote.ts";

// biome-ignore lint/suspicious/noExplicitAny: functions over trees of the caller's own types
type TreeFunction = (...args: any[]) => any;
/** Tensors and what becomes one, in arrays and plain objects. */
// biome-ignore lint/suspicious/noExplicitAny: trees of the caller's own types
export type TensorTree = any;

/** The tensors of a tree, and the tree around them. */
interface Opened {
  readonly tensors: Tensor[];
  /** null in place of what is null; else a tensor goes there. */
  readonly structure: unknown;
}

function open(op: string, tree: unknown): Opened {
  const tensors: Tensor[] = [];
  const structure = mapTree(tree, (leaf) => {
    if (leaf === null || leaf === undefined) return null;
    tensors.push(toTensor(op, leaf as TensorLike));
    return true;
  });
  return { tensors, structure };
}

function close(structure: unknown, tensors: readonly Tensor[]): unknown {
  let next = 0;
  return mapTree(structure, (leaf) => (leaf === null ? null : tensors[next++]));
}

/** Runs a function that returns a tree; remembers the structure of its last result. */
class TreeResult {
  readonly #op: string;
  structure: unknown = null;

  constructor(op: string) {
    this.#op = op;
  }

  take(tree: unknown, like?: unknown): Tensor[] {
    if (tree instanceof Promise) {
      throw new ArgumentError(
        `${this.#op}: a function returned a promise. The functions of control flow are synchronous.`,
        { op: this.#op },
      );
    }
    const { tensors, structure } = open(this.#op, tree);
    if (like !== undefined && !sameStructure(like, structure)) {
      throw new ArgumentError(
        `${this.#op}: a function returned ${describeTree(structure)}, expected ` +
          `${describeTree(like)}, as it was given.`,
        { op: this.#op },
      );
    }
    this.structure = structure;
    return tensors;
  }
}

function describeTree(structure: unknown): string {
  return structure === true
    ? "one tensor"
    : JSON.stringify(mapTree(structure, (leaf) => (leaf === null ? "null" : "tensor")));
}

function requireFunction(op: string, name: string, fn: unknown): TreeFunction {
  if (typeof fn !== "function") {
    throw new ArgumentError(`${op}: ${name} must be a function, got ${describe(fn)}.`, { op });
  }
  return fn as TreeFunction;
}

function oneOf(name: string, index: Tensor, functions: readonly (() => unknown)[]): TensorTree {
  const result = new TreeResult(name);
  let first: unknown;
  const tensors = branch(
    name,
    index,
    functions.map((fn) => () => {
      const taken = result.take(fn(), first);
      first ??= result.structure;
      return taken;
    }),
  );
  return close(first, tensors);
}

/**
 * The result of `trueFn` or of `falseFn`, as `pred` says.
 *
 * Both are traced, one is run. They take no arguments and return trees of
 * tensors of the same structure, shapes and dtypes.
 *
 * @param pred A boolean of one element.
 * @throws {ShapeError} If the functions return different shapes or dtypes.
 * @example
 * const x = tensor(-3);
 * await ops.cond(ops.less(x, 0), () => ops.negative(x), () => x).item(); // 3
 */
export const cond: PublicOp<
  (pred: TensorLike, trueFn: () => TensorTree, falseFn: () => TensorTree) => TensorTree
> = publicOp(
  "keras.ops.cond",
  { pred: tensorArgument, true_fn: requiredArgument, false_fn: requiredArgument },
  (pred: TensorLike, trueFn: () => TensorTree, falseFn: () => TensorTree): TensorTree => {
    const value = toTensor("cond", pred);
    if (value.size !== 1) {
      throw new ShapeError(
        `cond: pred must be one boolean, got shape ${formatShape(value.shape)}. ` +
          "Reduce it (ops.all, ops.any), or use ops.where.",
        { op: "cond", shapes: [value.shape] },
      );
    }
    return oneOf("cond", castTo(castTo(value, "bool"), "int32"), [
      requireFunction("cond", "falseFn", falseFn),
      requireFunction("cond", "trueFn", trueFn),
    ]);
  },
);

/**
 * The result of `branches[index]` on the operands; the index is clamped.
 *
 * @throws {ShapeError} If the functions return different shapes or dtypes.
 * @example
 * const x = tensor(3);
 * await ops.switch(1, [(y) => y, (y) => ops.square(y)], x).item(); // 9
 */
export const switchOp: PublicOp<
  (index: TensorLike, branches: readonly TreeFunction[], ...operands: TensorTree[]) => TensorTree
> = publicOp(
  "keras.ops.switch",
  { index: tensorArgument, branches: requiredArgument, operands: variadicArgument },
  (index: TensorLike, branches: readonly TreeFunction[], ...operands: TensorTree[]): TensorTree => {
    if (!Array.isArray(branches) || branches.length === 0) {
      throw new ArgumentError(
        `switch: branches must be a list of functions, got ${describe(branches)}.`,
        {
          op: "switch",
        },
      );
    }
    const at = toTensor("switch", index);
    if (at.size !== 1 || isFloat(at.dtype)) {
      throw new ArgumentError(
        `switch: index must be one integer, got ${at.dtype} ${formatShape(at.shape)}.`,
        { op: "switch", shapes: [at.shape] },
      );
    }
    return oneOf(
      "switch",
      castTo(at, "int32"),
      branches.map((fn, i) => {
        const checked = requireFunction("switch", `branch ${i}`, fn);
        return () => checked(...operands);
      }),
    );
  },
);

/** Options of `whileLoop`. */
export interface WhileLoopOptions {
  /** The most rounds; needed for gradients. Default: no limit. */
  maximumIterations?: number | null | undefined;
}

/**
 * Repeats `body` on the loop's values while `cond` holds.
 *
 * A list of values is passed to both functions as separate arguments; `body`
 * returns what it was given, in the same structure, shapes and dtypes.
 *
 * @throws {GradientError} When differentiated without `maximumIterations`.
 * @example
 * const [i, x] = ops.whileLoop(
 *   (i) => ops.less(i, 5),
 *   (i, x) => [ops.add(i, 1), ops.multiply(x, 2)],
 *   [0, tensor(1)],
 * );
 * await x.item(); // 32
 */
export const whileLoop: PublicOp<
  (
    cond: TreeFunction,
    body: TreeFunction,
    loopVars: TensorTree,
    options?: WhileLoopOptions,
  ) => TensorTree
> = publicOp(
  "keras.ops.while_loop",
  {
    cond: requiredArgument,
    body: requiredArgument,
    loop_vars: tensorArgument,
    maximum_iterations: null,
  },
  (
    condition: TreeFunction,
    body: TreeFunction,
    loopVars: TensorTree,
    { maximumIterations }: WhileLoopOptions = {},
  ): TensorTree => {
    requireFunction("while_loop", "cond", condition);
    requireFunction("while_loop", "body", body);
    if (
      maximumIterations !== null &&
      maximumIterations !== undefined &&
      !(Number.isInteger(maximumIterations) && maximumIterations >= 0)
    ) {
      throw new ArgumentError(
        `while_loop: maximumIterations must be a count or null, got ${describe(maximumIterations)}.`,
        { op: "while_loop" },
      );
    }
    const { tensors, structure } = open("while_loop", loopVars);
    const isList = Array.isArray(loopVars);
    const call = (fn: TreeFunction, carry: readonly Tensor[]): unknown => {
      const values = close(structure, carry);
      return isList ? fn(...(values as unknown[])) : fn(values);
    };
    const result = new TreeResult("while_loop");
    const carry = loopTensors(
      "while_loop",
      (now) => toTensor("while_loop", call(condition, now) as TensorLike),
      (now) => {
        const next = call(body, now);
        // One value in a list may come back by itself.
        const wrapped = isList && loopVars.length === 1 && !Array.isArray(next) ? [next] : next;
        return result.take(wrapped, structure);
      },
      tensors,
      maximumIterations ?? null,
    );
    return close(structure, carry);
  },
);

/**
 * Applies `bodyFun(i, value)` for i from `lower` to `upper`, excluded.
 *
 * Differentiable where the bounds are plain numbers.
 *
 * @example
 * await ops.foriLoop(0, 4, (i, sum) => ops.add(sum, i), tensor(0)).item(); // 6
 */
export const foriLoop: PublicOp<
  (
    lower: TensorLike,
    upper: TensorLike,
    bodyFun: (i: Tensor, value: TensorTree) => TensorTree,
    initVal: TensorTree,
  ) => TensorTree
> = publicOp(
  "keras.ops.fori_loop",
  {
    lower: tensorArgument,
    upper: tensorArgument,
    body_fun: requiredArgument,
    init_val: tensorArgument,
  },
  (
    lower: TensorLike,
    upper: TensorLike,
    bodyFun: (i: Tensor, value: TensorTree) => TensorTree,
    initVal: TensorTree,
  ): TensorTree => {
    requireFunction("fori_loop", "bodyFun", bodyFun);
    const { tensors, structure } = open("fori_loop", initVal);
    const result = new TreeResult("fori_loop");
    const round = (i: Tensor, carry: readonly Tensor[]): Tensor[] =>
      result.take(bodyFun(i, close(structure, carry)), structure);
    if (typeof lower === "number" && typeof upper === "number") {
      const { carry } = scanTensors(
        "fori_loop",
        (now, [i]) => ({ carry: round(i as Tensor, now), results: [] }),
        tensors,
        [arange(lower, Math.max(lower, upper), null, { dtype: "int32" })],
        { length: Math.max(0, upper - lower), reverse: false },
      );
      return close(structure, carry);
    }
    const from = castTo(toTensor("fori_loop", lower), "int32");
    const end = castTo(toTensor("fori_loop", upper), "int32");
    const [, ...carry] = loopTensors(
      "fori_loop",
      ([i]) => less(i as Tensor, end) as Tensor,
      ([i, ...now]) => [add(i as Tensor, scalar(1, "int32")) as Tensor, ...round(i as Tensor, now)],
      [from, ...tensors],
      null,
    );
    return close(structure, carry);
  },
);

/** Options of `scan`. */
export interface ScanOptions {
  /** Trees of tensors to go along, all of one first axis; null: none. */
  xs?: TensorTree;
  /** The number of rounds; needed without `xs`. */
  length?: number | null | undefined;
  /** Whether to go from the end to the beginning. */
  reverse?: boolean | undefined;
  /** Accepted as Keras has it; programs here run their rounds one by one. */
  unroll?: number | boolean | undefined;
}

function lengthOf(op: string, xs: readonly Tensor[], given: number | null | undefined): number {
  let length = given ?? null;
  for (const x of xs) {
    if (x.ndim === 0) {
      throw new ShapeError(`${op}: xs must have a first axis to go along, got a scalar.`, {
        op,
        shapes: [x.shape],
      });
    }
    const own = x.shape[0] as number;
    length ??= own;
    if (own !== length) {
      throw new ShapeError(
        `${op}: the first axes of xs (and length) must agree, got ${own} and ${length}.`,
        { op, shapes: xs.map(({ shape }) => shape) },
      );
    }
  }
  if (length === null || !Number.isInteger(length) || length < 0) {
    throw new ArgumentError(`${op}: without xs give the number of rounds as length.`, { op });
  }
  return length;
}

/**
 * Goes along the first axis of `xs` with a carry: `f(carry, x)` returns
 * `[carry, y]`; the last carry and all y, stacked, are the result.
 *
 * @returns `[carry, ys]`.
 * @throws {ShapeError} If a round changes the shape or dtype of the carry.
 * @example
 * const [total, sums] = ops.scan(
 *   (carry, x) => [ops.add(carry, x), ops.add(carry, x)],
 *   tensor(0),
 *   { xs: tensor([1, 2, 3]) },
 * );
 * await sums.array(); // [1, 3, 6]
 */
export const scan: PublicOp<
  (
    f: (carry: TensorTree, x: TensorTree) => readonly [TensorTree, TensorTree],
    init: TensorTree,
    options?: ScanOptions,
  ) => [TensorTree, TensorTree]
> = publicOp(
  "keras.ops.scan",
  {
    f: requiredArgument,
    init: tensorArgument,
    xs: optionalTensor,
    length: null,
    reverse: false,
    unroll: 1,
  },
  (
    f: (carry: TensorTree, x: TensorTree) => readonly [TensorTree, TensorTree],
    init: TensorTree,
    { xs, length, reverse = false }: ScanOptions = {},
  ): [TensorTree, TensorTree] => {
    requireFunction("scan", "f", f);
    const first = open("scan", init);
    const along = open("scan", xs ?? null);
    const carryResult = new TreeResult("scan");
    const ys = new TreeResult("scan");
    const { carry, results }: Scanned = scanTensors(
      "scan",
      (now, slices) => {
        const pair: unknown = f(close(first.structure, now), close(along.structure, slices));
        if (!Array.isArray(pair) || pair.length !== 2) {
          throw new ArgumentError(
            `scan: f must return [carry, y], got ${describe(pair)}. Without results: [carry, null].`,
            { op: "scan" },
          );
        }
        const next = carryResult.take(pair[0], first.structure);
        return { carry: next, results: ys.take(pair[1]) };
      },
      first.tensors,
      along.tensors,
      { length: lengthOf("scan", along.tensors, length), reverse },
    );
    return [close(first.structure, carry), close(ys.structure, results)];
  },
);

/**
 * `f` applied to each slice along the first axis of `xs`, the results stacked.
 *
 * @example
 * await ops.map((x) => ops.sum(x), tensor([[1, 2], [3, 4]])).array(); // [3, 7]
 */
export const map: PublicOp<(f: (x: TensorTree) => TensorTree, xs: TensorTree) => TensorTree> =
  publicOp(
    "keras.ops.map",
    { f: requiredArgument, xs: tensorArgument },
    (f: (x: TensorTree) => TensorTree, xs: TensorTree): TensorTree => mapSlices("map", f, xs),
  );

/**
 * `f` applied to each slice along the first axis of the elements, the results
 * stacked: the same as `map`, under Keras's other name.
 *
 * @example
 * await ops.vectorizedMap((x) => ops.sum(x), tensor([[1, 2], [3, 4]])).array(); // [3, 7]
 */
export const vectorizedMap: PublicOp<
  (f: (x: TensorTree) => TensorTree, elements: TensorTree) => TensorTree
> = publicOp(
  "keras.ops.vectorized_map",
  { function: requiredArgument, elements: tensorArgument },
  (f: (x: TensorTree) => TensorTree, elements: TensorTree): TensorTree =>
    mapSlices("vectorized_map", f, elements),
);

function mapSlices(op: string, f: (x: TensorTree) => TensorTree, xs: TensorTree): TensorTree {
  requireFunction(op, "f", f);
  const along = open(op, xs);
  if (along.tensors.length === 0)
    throw new ArgumentError(`${op}: there is nothing to map.`, { op });
  const ys = new TreeResult(op);
  const { results } = scanTensors(
    op,
    (_, slices) => ({ carry: [], results: ys.take(f(close(along.structure, slices))) }),
    [],
    along.tensors,
    { length: lengthOf(op, along.tensors, null), reverse: false },
  );
  return close(ys.structure, results);
}

/** The leaves of a tree as tensors. */
export function tensorsOf(op: string, tree: TensorTree): Tensor[] {
  return flatten(tree).map((leaf) => toTensor(op, leaf as TensorLike));
}
