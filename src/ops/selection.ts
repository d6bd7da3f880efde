/**
 * Choosing elements by conditions.
 *
 * @module
 */
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import {
  type PublicOp,
  positionalTensor,
  publicOp,
  requiredArgument,
  tensorArgument,
} from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError } from "../util/errors.ts";
import { stridesOf } from "../util/shapes.ts";
import { floorDivide, mod } from "./arithmetic.ts";
import { reshapeTo, sumOver } from "./broadcasting.ts";
import { select as choose, where as chosen, notEqual } from "./comparison.ts";
import { iota } from "./creation.ts";
import { runLater, runNow, type Steps } from "./dynamic-shape.ts";
import { promoteAll, type TensorLike, toTensor } from "./promote.ts";
import { searchSorted } from "./search.ts";
import { cumsum } from "./sorting.ts";

/**
 * Places of the first `count` true elements of a vector: where the running
 * count first reaches 1, 2, …
 */
export function placesOf(flags: Tensor, count: number): Tensor {
  const seen = cumsum(castTo(flags, "int32"), { axis: 0 });
  return searchSorted(seen, iota([count], "int32", 0, 1), false);
}

/** The coordinates of flat places in a shape, one tensor for each axis. */
export function coordinates(places: Tensor, shape: readonly number[]): Tensor[] {
  const strides = stridesOf(shape);
  return shape.map((dim, i) => {
    const stride = strides[i] as number;
    const whole = stride === 1 ? places : floorDivide(places, scalar(stride, places.dtype));
    return i === 0 ? whole : mod(whole, scalar(dim, places.dtype));
  });
}

function* nonzeroSteps(op: string, given: TensorLike): Steps<Tensor[]> {
  const x = toTensor(op, given);
  const flags = reshapeTo(notEqual(x, scalar(0, x.dtype)), [x.size]);
  const count = yield sumOver(castTo(flags, "int32"), [0]);
  return coordinates(placesOf(flags, count), x.shape);
}

/**
 * The indices of the elements that are not 0, one int32 tensor for each axis.
 *
 * @throws {UnsupportedError} In a trace, and on devices that cannot be read
 *   synchronously: see `nonzeroAsync`.
 * @example
 * await ops.nonzero([0, 5, 0, 7])[0].array(); // [1, 3]
 */
export const nonzero: PublicOp<(x: TensorLike) => Tensor[]> = publicOp(
  "keras.ops.nonzero",
  { x: tensorArgument },
  (x) =>
    runNow(
      "nonzero",
      "Outside of traces there is `await ops.nonzeroAsync(x)`; within, mask with ops.where(condition, x1, x2).",
      nonzeroSteps("nonzero", x),
    ),
);

/** As `nonzero`, on every device. */
export async function nonzeroAsync(x: TensorLike): Promise<Tensor[]> {
  return runLater(nonzeroSteps("nonzero", x));
}

/** The type of `where`. */
export interface Where {
  (condition: TensorLike, x1: TensorLike, x2: TensorLike): Tensor;
  (condition: TensorLike, x1?: null, x2?: null): Tensor[];
}

function whereOf(condition: TensorLike): Tensor[];
function whereOf(condition: TensorLike, x1: TensorLike, x2: TensorLike): Tensor;
function whereOf(
  condition: TensorLike,
  x1?: TensorLike | null,
  x2?: TensorLike | null,
): Tensor | Tensor[] {
  const isGiven = (x: TensorLike | null | undefined): x is TensorLike =>
    x !== undefined && x !== null;
  if (isGiven(x1) && isGiven(x2)) {
    return chosen(condition, x1, x2);
  }
  if (isGiven(x1) || isGiven(x2)) {
    throw new ArgumentError("where: give both branches, x1 and x2, or neither.", { op: "where" });
  }
  return runNow(
    "where",
    "Give both branches: where(condition, x1, x2); or outside of traces `await ops.nonzeroAsync(condition)`.",
    nonzeroSteps("where", condition),
  );
}

/**
 * Elements of `x1` where `condition` is true, else of `x2`; all broadcast.
 * With a condition alone: the indices where it is true, as `nonzero`.
 *
 * @throws {UnsupportedError} With a condition alone in a trace, and on devices
 *   that cannot be read synchronously.
 * @example
 * await ops.where([true, false], [1, 2], [10, 20]).array(); // [1, 20]
 */
export const where: PublicOp<Where> = publicOp(
  "keras.ops.where",
  { condition: tensorArgument, x1: positionalTensor(null), x2: positionalTensor(null) },
  whereOf as Where,
);

/**
 * For each place the element of the first choice whose condition holds there,
 * else the default.
 *
 * @throws {ArgumentError} If there are not as many conditions as choices.
 * @example
 * await ops.select([[true, false], [true, true]], [[1, 2], [3, 4]]).array(); // [1, 4]
 */
export const select: PublicOp<
  (
    condlist: readonly TensorLike[],
    choicelist: readonly TensorLike[],
    options?: { default?: TensorLike | undefined },
  ) => Tensor
> = publicOp(
  "keras.ops.select",
  { condlist: tensorArgument, choicelist: tensorArgument, default: 0 },
  (conditions, choices, { default: otherwise = 0 } = {}) => {
    if (conditions.length !== choices.length || conditions.length === 0) {
      throw new ArgumentError(
        `select: ${conditions.length} conditions do not go with ${choices.length} choices.`,
        { op: "select" },
      );
    }
    const [last, ...values] = promoteAll("select", [otherwise, ...choices]) as [
      Tensor,
      ...Tensor[],
    ];
    return values.reduceRight((rest, value, i) => {
      const condition = castTo(toTensor("select", conditions[i] as TensorLike), "bool");
      return choose(condition, value, rest);
    }, last);
  },
);

/**
 * The coordinates of flat indices in a shape, one tensor for each axis, of the
 * dtype of the indices.
 *
 * @example
 * ops.unravelIndex([4], [2, 3]).map((x) => x.dataSync()[0]); // [1, 1]
 */
export const unravelIndex: PublicOp<(indices: TensorLike, shape: readonly number[]) => Tensor[]> =
  publicOp(
    "keras.ops.unravel_index",
    { indices: tensorArgument, shape: requiredArgument },
    (given, shape) => {
      const indices = toTensor("unravel_index", given);
      // Strides may not fit a small dtype.
      const isSmall = indices.dtype.endsWith("8") || indices.dtype.endsWith("16");
      const wide = castTo(indices, isSmall ? "int32" : indices.dtype);
      const dims = typeof shape === "number" ? [shape] : shape;
      return coordinates(wide, dims).map((x) => castTo(x, indices.dtype));
    },
  );
