/**
 * What image ops share: ranks and layouts.
 *
 * @module
 */
import { standardizeDataFormat } from "../../runtime/settings.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { formatShape, ShapeError } from "../../util/errors.ts";
import type { DataFormatOptions } from "../blocks.ts";
import { reshapeTo } from "../broadcasting.ts";
import { permute } from "../shaping.ts";

type Format = DataFormatOptions["dataFormat"];

/** @throws {ShapeError} If `x` is no image and no batch of images. */
export function checkImages(op: string, x: Tensor, spatialAxes = 2): void {
  if (x.ndim === spatialAxes + 1 || x.ndim === spatialAxes + 2) return;
  const one = spatialAxes === 2 ? "image" : "volume";
  throw new ShapeError(
    `${op}: expected one ${one} (rank ${spatialAxes + 1}) or a batch of them ` +
      `(rank ${spatialAxes + 2}), got shape ${formatShape(x.shape)}.`,
    { op, shapes: [x.shape] },
  );
}

/** Where the channels of images are. */
export function channelAxis(x: Tensor, dataFormat: Format, spatialAxes = 2): number {
  const last = standardizeDataFormat(dataFormat) === "channels_last";
  return last ? x.ndim - 1 : x.ndim - 1 - spatialAxes;
}

/** The first spatial axis of images; the others follow. */
export function firstSpatialAxis(x: Tensor, dataFormat: Format, spatialAxes = 2): number {
  const last = standardizeDataFormat(dataFormat) === "channels_last";
  return last ? x.ndim - 1 - spatialAxes : x.ndim - spatialAxes;
}

/**
 * Images as [batch, spatial…, channels].
 *
 * @throws {ShapeError} If `x` is no image and no batch of images.
 */
export function toBatch(op: string, x: Tensor, dataFormat: Format, spatialAxes = 2): Tensor {
  checkImages(op, x, spatialAxes);
  const batched = x.ndim === spatialAxes + 2 ? x : reshapeTo(x, [1, ...x.shape]);
  if (standardizeDataFormat(dataFormat) === "channels_last") return batched;
  const axes = Array.from({ length: spatialAxes }, (_, i) => i + 2);
  return permute(batched, [0, ...axes, 1]);
}

/**
 * Runs `fn` on [batch, spatial…, channels] and gives its result the rank and
 * layout of `x`.
 *
 * @throws {ShapeError} If `x` is no image and no batch of images.
 */
export function onImages(
  op: string,
  x: Tensor,
  dataFormat: Format,
  fn: (x: Tensor) => Tensor,
  spatialAxes = 2,
): Tensor {
  const y = fn(toBatch(op, x, dataFormat, spatialAxes));
  const axes = Array.from({ length: spatialAxes }, (_, i) => i + 1);
  const last = standardizeDataFormat(dataFormat) === "channels_last";
  const output = last ? y : permute(y, [0, spatialAxes + 1, ...axes]);
  return x.ndim === spatialAxes + 2 ? output : reshapeTo(output, output.shape.slice(1));
}
