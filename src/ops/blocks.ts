/**
 * Blocks of spatial axes: windows side by side, and depth to space.
 *
 * Windows of several axes are taken one axis after another: along each, the
 * elements of all windows are slices at given indices.
 *
 * @module
 */
import { standardizeDataFormat } from "../runtime/settings.ts";
import { type PublicOp, publicOp, requiredArgument, tensorArgument } from "../tensor/public-op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ArgumentError, describe, formatShape, ShapeError } from "../util/errors.ts";
import { reshapeTo } from "./broadcasting.ts";
import { addSlices, constantIndices, takeSlices } from "./indexing.ts";
import { type TensorLike, toTensor } from "./promote.ts";
import { padWith, permute, sliceStrided } from "./shaping.ts";
import { checkWindows, outputSize, type Spatial, spatial } from "./windows.ts";

/** Windows over some axes. */
export interface Windows {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  /** Low and high of each axis in turn. */
  readonly padding: readonly number[];
}

/** Where the elements of all windows lie along one axis: for each place in the window, each window. */
function places(window: number, stride: number, dilation: number, count: number): Tensor {
  const indices = new Int32Array(window * count);
  for (let i = 0; i < window; i++) {
    for (let o = 0; o < count; o++) indices[i * count + o] = i * dilation + o * stride;
  }
  return constantIndices(indices);
}

/** The elements of `axes` as [window, count] each, in one axis: window * count. */
export function spreadWindows(x: Tensor, axes: readonly number[], windows: Windows): Tensor {
  const { window, strides, dilation, padding } = windows;
  const low = x.shape.map(() => 0);
  const high = x.shape.map(() => 0);
  for (const [i, axis] of axes.entries()) {
    low[axis] = padding[2 * i] as number;
    high[axis] = padding[2 * i + 1] as number;
  }
  const size = axes.map((axis) => x.shape[axis] as number);
  const counts = outputSize(size, window, strides, padding, dilation);
  return axes.reduce(
    (y, axis, i) =>
      takeSlices(
        y,
        places(
          window[i] as number,
          strides[i] as number,
          dilation[i] as number,
          counts[i] as number,
        ),
        axis,
      ),
    padWith(x, 0, low, high),
  );
}

/** The transpose of `spreadWindows`: what lies at one place of axes of `size` is added up. */
function gatherWindows(
  x: Tensor,
  axes: readonly number[],
  size: readonly number[],
  windows: Windows,
): Tensor {
  const { window, strides, dilation, padding } = windows;
  const counts = outputSize(size, window, strides, padding, dilation);
  const low = x.shape.map(() => 0);
  const high = x.shape.map(() => 0);
  let y = x;
  for (const [i, axis] of axes.entries()) {
    const at = places(
      window[i] as number,
      strides[i] as number,
      dilation[i] as number,
      counts[i] as number,
    );
    const [before, behind] = [padding[2 * i] as number, padding[2 * i + 1] as number];
    y = addSlices(at, y, axis, (size[i] as number) + before + behind);
    low[axis] = before;
    high[axis] = y.shape[axis] as number;
    high[axis] = (high[axis] as number) - behind;
  }
  return sliceStrided(
    y,
    low,
    y.shape.map((dim, i) => (axes.includes(i) ? (high[i] as number) : dim)),
  );
}

/** Options of `unfold` and `fold`. */
export interface FoldOptions {
  dilation?: Spatial | undefined;
  /** On both sides. */
  padding?: Spatial | undefined;
  stride?: Spatial | undefined;
}

function foldWindows(op: string, kernelSize: Spatial, options: FoldOptions): Windows {
  const { dilation = 1, padding = 0, stride = 1 } = options;
  const around = typeof padding === "number" ? [padding, padding] : [...padding];
  if (around.length !== 2 || !around.every((n) => Number.isInteger(n) && n >= 0)) {
    throw new ArgumentError(
      `${op}: padding must be an integer >= 0 or two of them, got ${describe(padding)}.`,
      { op },
    );
  }
  return {
    window: spatial(op, "kernelSize", kernelSize, 2),
    strides: spatial(op, "stride", stride, 2),
    dilation: spatial(op, "dilation", dilation, 2),
    padding: around.flatMap((n) => [n, n]),
  };
}

/**
 * The windows of an image as columns.
 *
 * @param x [batch, channels, height, width].
 * @returns [batch, channels * window, windows], both row by row.
 * @throws {ShapeError} If `x` has another rank or no window fits.
 * @example
 * const x = ops.reshape(ops.arange(6), [1, 1, 2, 3]);
 * await ops.unfold(x, 2).array(); // [[[0, 1], [1, 2], [3, 4], [4, 5]]]
 */
export const unfold: PublicOp<
  (x: TensorLike, kernelSize: Spatial, options?: FoldOptions) => Tensor
> = publicOp(
  "keras.ops.unfold",
  { x: tensorArgument, kernel_size: requiredArgument, dilation: 1, padding: 0, stride: 1 },
  (given, kernelSize, options = {}) => {
    const x = toTensor("unfold", given);
    if (x.ndim !== 4) {
      throw new ShapeError(
        `unfold: expected [batch, channels, height, width], got ${formatShape(x.shape)}.`,
        { op: "unfold", shapes: [x.shape] },
      );
    }
    const windows = foldWindows("unfold", kernelSize, options);
    const { window, strides, dilation, padding } = windows;
    const [batch, channels, ...size] = x.shape as readonly [number, number, number, number];
    const [rows, columns] = outputSize(size, window, strides, padding, dilation) as [
      number,
      number,
    ];
    checkWindows("unfold", [rows, columns], x, window);
    const [high, wide] = window as readonly [number, number];
    const spread = reshapeTo(spreadWindows(x, [2, 3], windows), [
      batch,
      channels,
      high,
      rows,
      wide,
      columns,
    ]);
    return reshapeTo(permute(spread, [0, 1, 2, 4, 3, 5]), [
      batch,
      channels * high * wide,
      rows * columns,
    ]);
  },
);

/**
 * The transpose of `unfold`: columns put back as windows of an image, where
 * they add up.
 *
 * @param x [batch, channels * window, windows].
 * @returns [batch, channels, height, width].
 * @throws {ShapeError} If the columns are not those of such windows.
 * @example
 * await ops.fold(ops.ones([1, 2, 2]), [1, 3], [1, 2]).array(); // [[[[1, 2, 1]]]]
 */
export const fold: PublicOp<
  (x: TensorLike, outputSize: Spatial, kernelSize: Spatial, options?: FoldOptions) => Tensor
> = publicOp(
  "keras.ops.fold",
  {
    x: tensorArgument,
    output_size: requiredArgument,
    kernel_size: requiredArgument,
    dilation: 1,
    padding: 0,
    stride: 1,
  },
  (given, outputs, kernelSize, options = {}) => {
    const x = toTensor("fold", given);
    const windows = foldWindows("fold", kernelSize, options);
    const { window, strides, dilation, padding } = windows;
    const size = spatial("fold", "outputSize", outputs, 2);
    const [rows, columns] = outputSize(size, window, strides, padding, dilation) as [
      number,
      number,
    ];
    const [high, wide] = window as readonly [number, number];
    const [batch = 0, depth = 0, count = 0] = x.shape;
    if (x.ndim !== 3 || depth % (high * wide) !== 0 || count !== rows * columns) {
      throw new ShapeError(
        `fold: expected [batch, channels * ${high * wide}, ${rows * columns}] for windows of ` +
          `${formatShape(window)} in ${formatShape(size)}, got ${formatShape(x.shape)}.`,
        { op: "fold", shapes: [x.shape] },
      );
    }
    const channels = depth / (high * wide);
    const split = reshapeTo(x, [batch, channels, high, wide, rows, columns]);
    const spread = reshapeTo(permute(split, [0, 1, 2, 4, 3, 5]), [
      batch,
      channels,
      high * rows,
      wide * columns,
    ]);
    return gatherWindows(spread, [2, 3], size, windows);
  },
);

/** Options with a data format. */
export interface DataFormatOptions {
  dataFormat?: "channels_last" | "channels_first" | null | undefined;
}

function checkBlocks(op: string, x: Tensor, block: number): void {
  if (!Number.isInteger(block) || block < 2) {
    throw new ArgumentError(`${op}: blockSize must be an integer >= 2, got ${describe(block)}.`, {
      op,
    });
  }
  if (x.ndim !== 4) {
    throw new ShapeError(
      `${op}: expected images [batch, height, width, channels] or channels first, got ` +
        `${formatShape(x.shape)}.`,
      { op, shapes: [x.shape] },
    );
  }
}

/** `x` with channels last; the result in the layout of `x`. */
function onChannelsLast(
  x: Tensor,
  dataFormat: DataFormatOptions["dataFormat"],
  fn: (x: Tensor) => Tensor,
): Tensor {
  if (standardizeDataFormat(dataFormat) === "channels_last") return fn(x);
  return permute(fn(permute(x, [0, 2, 3, 1])), [0, 3, 1, 2]);
}

/**
 * Channels put side by side as blocks of an image: [N, H, W, b * b * C] becomes
 * [N, b * H, b * W, C].
 *
 * @throws {ShapeError} If b * b does not divide the channels.
 * @example
 * const x = ops.reshape(ops.arange(4), [1, 1, 1, 4]);
 * await ops.ravel(ops.depthToSpace(x, 2)).array(); // [0, 1, 2, 3]
 */
export const depthToSpace: PublicOp<
  (x: TensorLike, blockSize: number, options?: DataFormatOptions) => Tensor
> = publicOp(
  "keras.ops.depth_to_space",
  { x: tensorArgument, block_size: requiredArgument, data_format: "channels_last" },
  (given, block, { dataFormat } = {}) => {
    const input = toTensor("depth_to_space", given);
    checkBlocks("depth_to_space", input, block);
    return onChannelsLast(input, dataFormat ?? "channels_last", (x) => {
      const [n, h, w, c] = x.shape as readonly [number, number, number, number];
      if (c % (block * block) !== 0) {
        throw new ShapeError(
          `depth_to_space: ${c} channels of shape ${formatShape(input.shape)} do not divide into ` +
            `blocks of ${block} x ${block}.`,
          { op: "depth_to_space", shapes: [input.shape] },
        );
      }
      const channels = c / (block * block);
      const split = reshapeTo(x, [n, h, w, block, block, channels]);
      return reshapeTo(permute(split, [0, 1, 3, 2, 4, 5]), [n, h * block, w * block, channels]);
    });
  },
);

/**
 * The inverse of `depthToSpace`: [N, b * H, b * W, C] becomes [N, H, W, b * b * C].
 *
 * @throws {ShapeError} If b does not divide height and width.
 * @example
 * const x = ops.reshape(ops.arange(4), [1, 2, 2, 1]);
 * await ops.ravel(ops.spaceToDepth(x, 2)).array(); // [0, 1, 2, 3]
 */
export const spaceToDepth: PublicOp<
  (x: TensorLike, blockSize: number, options?: DataFormatOptions) => Tensor
> = publicOp(
  "keras.ops.space_to_depth",
  { x: tensorArgument, block_size: requiredArgument, data_format: "channels_last" },
  (given, block, { dataFormat } = {}) => {
    const input = toTensor("space_to_depth", given);
    checkBlocks("space_to_depth", input, block);
    return onChannelsLast(input, dataFormat ?? "channels_last", (x) => {
      const [n, h, w, c] = x.shape as readonly [number, number, number, number];
      if (h % block !== 0 || w % block !== 0) {
        throw new ShapeError(
          `space_to_depth: height ${h} and width ${w} of shape ${formatShape(input.shape)} do not ` +
            `divide by ${block}.`,
          { op: "space_to_depth", shapes: [input.shape] },
        );
      }
      const split = reshapeTo(x, [n, h / block, block, w / block, block, c]);
      return reshapeTo(permute(split, [0, 1, 3, 2, 4, 5]), [
        n,
        h / block,
        w / block,
        block * block * c,
      ]);
    });
  },
);
