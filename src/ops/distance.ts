/**
 * Distances between points.
 *
 * @module
 */
import type { PublicOp } from "../tensor/public-op.ts";
import { publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { formatShape, ShapeError } from "../util/errors.ts";
import { dimAt } from "../util/shapes.ts";
import { square, subtract } from "./arithmetic.ts";
import { sumOver } from "./broadcasting.ts";
import { sqrt } from "./exponential.ts";
import { promotePair, type TensorLike } from "./promote.ts";
import { expandDims } from "./shaping.ts";

/**
 * Euclidean distances between all pairs of rows: [..., m, d] and [..., n, d]
 * give [..., m, n].
 *
 * @throws {ShapeError} If there are fewer than two axes, or the last ones differ.
 * @example
 * await ops.cdist([[0, 0]], [[3, 4], [0, 1]]).array(); // [[5, 1]]
 */
export const cdist: PublicOp<(x: TensorLike, y: TensorLike) => Tensor> = publicOp(
  "keras.ops.cdist",
  { x: tensorArgument, y: tensorArgument },
  (givenX, givenY) => {
    const [x, y] = promotePair("cdist", givenX, givenY, "float");
    if (x.ndim < 2 || y.ndim < 2 || dimAt(x.shape, -1) !== dimAt(y.shape, -1)) {
      throw new ShapeError(
        "cdist: expected rows of one length in two axes or more, got " +
          `${formatShape(x.shape)} and ${formatShape(y.shape)}.`,
        { op: "cdist", shapes: [x.shape, y.shape] },
      );
    }
    const difference = subtract(expandDims(x, -2), expandDims(y, -3));
    return sqrt(sumOver(square(difference), [difference.ndim - 1]));
  },
);
