import { describe, expect, test } from "vitest";
import { Input, layers, ops, tensor } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Flatten, { init: [], inputShape: [2, 3, 4], outputShape: [2, 12] });
layerTest(layers.Flatten, {
  init: [{ dataFormat: "channels_first" }],
  inputShape: [2, 3, 4, 5],
  outputShape: [2, 60],
});
layerTest(layers.Reshape, { init: [[6, 2]], inputShape: [2, 3, 4], outputShape: [2, 6, 2] });
layerTest(layers.Reshape, { init: [[-1]], inputShape: [2, 3, 4], outputShape: [2, 12] });

test("Flatten gives vectors one axis", () => {
  expect(new layers.Flatten()(ops.ones([3])).shape).toEqual([3, 1]);
});

test("Flatten and Reshape keep unknown lengths unknown", () => {
  const x = Input({ shape: [null, 4] });
  expect(new layers.Flatten()(x).shape).toEqual([null, null]);
  expect(new layers.Reshape([-1, 2])(x).shape).toEqual([null, null, 2]);
});

test("Reshape refuses what does not fit", () => {
  expect(() => new layers.Reshape([5])(ops.ones([2, 3]))).toThrow(/\[2, 3\]/);
  expect(() => new layers.Reshape([-1, -1])(ops.ones([2, 3]))).toThrow(/-1/);
});

layerTest(layers.Permute, { init: [[2, 1]], inputShape: [2, 3, 4], outputShape: [2, 4, 3] });
layerTest(layers.RepeatVector, { init: [3], inputShape: [2, 4], outputShape: [2, 3, 4] });

layerTest(layers.Cropping1D, {
  init: [{ cropping: [2, 1] }],
  inputShape: [2, 6, 3],
  outputShape: [2, 3, 3],
});
layerTest(layers.ZeroPadding1D, {
  init: [{ padding: [2, 1], dataFormat: "channels_first" }],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 7],
});
layerTest(layers.UpSampling1D, {
  init: [{ size: 3 }],
  inputShape: [2, 4, 3],
  outputShape: [2, 12, 3],
});

for (const dataFormat of ["channels_last", "channels_first"] as const) {
  const shape = (...space: number[]): number[] =>
    dataFormat === "channels_last" ? [2, ...space, 3] : [2, 3, ...space];
  const cropping = [
    [1, 0],
    [0, 2],
  ];
  layerTest(layers.Cropping2D, {
    init: [{ cropping, dataFormat }],
    inputShape: shape(5, 6),
    outputShape: shape(4, 4),
  });
  layerTest(layers.Cropping3D, {
    init: [{ cropping: [1, 0, 1], dataFormat }],
    inputShape: shape(5, 3, 4),
    outputShape: shape(3, 3, 2),
  });
  layerTest(layers.ZeroPadding2D, {
    init: [{ padding: cropping, dataFormat }],
    inputShape: shape(3, 4),
    outputShape: shape(4, 6),
  });
  layerTest(layers.ZeroPadding3D, {
    init: [{ padding: 1, dataFormat }],
    inputShape: shape(2, 3, 4),
    outputShape: shape(4, 5, 6),
  });
  for (const interpolation of ["nearest", "bilinear"] as const) {
    layerTest(layers.UpSampling2D, {
      init: [{ size: [2, 3], dataFormat, interpolation }],
      inputShape: shape(3, 4),
      outputShape: shape(6, 12),
    });
  }
  layerTest(layers.UpSampling3D, {
    init: [{ size: [1, 2, 3], dataFormat }],
    inputShape: shape(2, 3, 2),
    outputShape: shape(2, 6, 6),
  });
}

describe("values", () => {
  const x = (): ReturnType<typeof tensor> => ops.reshape(tensor([1, 2, 3, 4]), [1, 2, 2, 1]);
  const rows = async (y: ReturnType<typeof tensor>): Promise<unknown> =>
    ops.squeeze(y, { axis: [0, 3] }).array();

  test("Cropping2D keeps what is between the borders", async () => {
    const layer = new layers.Cropping2D({ cropping: [0, [1, 0]] });
    expect(await rows(layer(x()))).toEqual([[2], [4]]);
  });

  test("ZeroPadding2D adds zeros at each end", async () => {
    const layer = new layers.ZeroPadding2D({
      padding: [
        [1, 0],
        [0, 1],
      ],
    });
    expect(await rows(layer(x()))).toEqual([
      [0, 0, 0],
      [1, 2, 0],
      [3, 4, 0],
    ]);
  });

  test("UpSampling2D repeats pixels", async () => {
    expect(await rows(new layers.UpSampling2D({ size: [1, 2] })(x()))).toEqual([
      [1, 1, 2, 2],
      [3, 3, 4, 4],
    ]);
  });

  test("Permute and RepeatVector", async () => {
    const matrix = tensor([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(await new layers.Permute([2, 1])(matrix).array()).toEqual([
      [
        [1, 3],
        [2, 4],
      ],
    ]);
    expect(await new layers.RepeatVector(2)(tensor([[1, 2]])).array()).toEqual([
      [
        [1, 2],
        [1, 2],
      ],
    ]);
  });
});

describe("errors", () => {
  test("borders that leave nothing", () => {
    expect(() => new layers.Cropping1D({ cropping: 2 })(ops.ones([1, 4, 2]))).toThrow(
      /axis 1.*\[1, 4, 2\]/,
    );
  });
  test("borders that are none", () => {
    expect(() => new layers.Cropping2D({ cropping: -1 })).toThrow(/cropping/);
    expect(() => new layers.ZeroPadding2D({ padding: [1, 2, 3] })).toThrow(/2 pairs/);
    expect(() => new layers.ZeroPadding3D({ padding: [1, 1, [1, -1]] })).toThrow(/padding\[2\]/);
  });
  test("sizes, permutations and interpolations that are none", () => {
    expect(() => new layers.UpSampling1D({ size: 0 })).toThrow(/size/);
    expect(() => new layers.UpSampling2D({ interpolation: "cubic" as "bicubic" })).toThrow(
      /interpolation.*"bicubic".*"cubic"/,
    );
    expect(() => new layers.Permute([0, 1])).toThrow(/dims/);
    expect(() => new layers.RepeatVector(0)).toThrow(/n must/);
  });
});
