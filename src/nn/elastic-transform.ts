/**
 * Images bent at random.
 *
 * @module
 */
import { add, multiply } from "../ops/arithmetic.ts";
import type { DataFormatOptions } from "../ops/blocks.ts";
import { reshapeTo } from "../ops/broadcasting.ts";
import { iota } from "../ops/creation.ts";
import { gaussianBlur } from "../ops/image/filters.ts";
import { onImages } from "../ops/image/layout.ts";
import type { FillMode } from "../ops/image/sampling.ts";
import {
  checkFillMode,
  orderOf,
  sampleAs,
  type TransformInterpolation,
} from "../ops/image/transforms.ts";
import { type TensorLike, toTensor } from "../ops/promote.ts";
import { concatenateAlong } from "../ops/shaping.ts";
import { castTo } from "../tensor/cast.ts";
import { scalar } from "../tensor/create.ts";
import { type PublicOp, publicOp, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { computedIn, isFloat } from "../util/dtypes.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { normal } from "./random.ts";
import { drawSeed, type Seed } from "./seed-generator.ts";

/** Options of `elasticTransform`. */
export interface ElasticTransformOptions extends DataFormatOptions {
  /** How far pixels move: the factor of the displacements. */
  alpha?: number | undefined;
  /** How smooth the displacements are: the deviation of their blur. */
  sigma?: number | undefined;
  interpolation?: TransformInterpolation | undefined;
  /** What lies outside: default `"reflect"`. */
  fillMode?: FillMode | undefined;
  fillValue?: number | undefined;
  seed?: Seed | undefined;
}

/**
 * Images whose pixels are moved by smoothed random displacements, in x and y
 * alike, as in Keras.
 *
 * Source: Simard et al. 2003, Best practices for convolutional neural networks
 * applied to visual document analysis.
 *
 * @param images [height, width, channels], a batch of them, or channels first.
 * @throws {ArgumentError} If sigma is not positive.
 * @example
 * ops.image.elasticTransform(ops.ones([8, 8, 3]), { seed: 1 }).shape; // [8, 8, 3]
 */
export const elasticTransform: PublicOp<
  (images: TensorLike, options?: ElasticTransformOptions) => Tensor
> = publicOp(
  "keras.ops.image.elastic_transform",
  {
    images: tensorArgument,
    alpha: 20,
    sigma: 5,
    interpolation: "bilinear",
    fill_mode: "reflect",
    fill_value: 0,
    seed: null,
    data_format: null,
  },
  (given, options = {}) => {
    const op = "elastic_transform";
    const { alpha = 20, sigma = 5, interpolation = "bilinear" } = options;
    const { fillMode = "reflect", fillValue = 0, seed, dataFormat } = options;
    if (!(sigma > 0)) {
      throw new ArgumentError(`${op}: sigma must be positive, got ${describe(sigma)}.`, { op });
    }
    const order = orderOf(op, interpolation);
    const mode = checkFillMode(op, fillMode);
    const key = drawSeed(seed);
    return onImages(op, toTensor(op, given), dataFormat, (x) => {
      const [batch, height, width, channels] = x.shape as readonly [number, number, number, number];
      const drawn = isFloat(x.dtype) ? x.dtype : "float32";
      const size = Math.trunc(6 * sigma) | 1;
      const points = height * width;
      // One key for both directions: they are the same.
      const noise = normal([batch, height, width, 1], { stddev: sigma, dtype: drawn, seed: key });
      const smooth = gaussianBlur(noise, {
        kernelSize: [size, size],
        sigma,
        dataFormat: "channels_last",
      });
      const compute = computedIn(drawn);
      const moved = multiply(
        castTo(reshapeTo(smooth, [batch, 1, points]), compute),
        scalar(alpha, compute),
      );
      const grid = [0, 1].map((axis) =>
        add(reshapeTo(iota([height, width], compute, axis), [1, 1, points]), moved),
      );
      const sampled = sampleAs(x, concatenateAlong(grid, 1), { order, mode, value: fillValue });
      return reshapeTo(sampled, [batch, height, width, channels]);
    });
  },
);
