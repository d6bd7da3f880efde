import { describe, expect, test } from "vitest";
import { layers, ops, tensor } from "../../../src/index.ts";
import { getMask, setMask } from "../../../src/keras/masks.ts";
import { layerTest } from "../../support/layer-test.ts";

for (const dataFormat of ["channels_last", "channels_first"] as const) {
  const shape = (...space: number[]): number[] =>
    dataFormat === "channels_last" ? [2, ...space, 3] : [2, 3, ...space];
  const options = { dataFormat, strides: 1, padding: "same" } as const;
  layerTest(layers.MaxPooling1D, {
    init: [{ dataFormat }],
    inputShape: shape(6),
    outputShape: shape(3),
  });
  layerTest(layers.AveragePooling1D, {
    init: [3, options],
    inputShape: shape(6),
    outputShape: shape(6),
  });
  layerTest(layers.MaxPooling2D, {
    init: [{ poolSize: [2, 3], strides: [2, 1], dataFormat }],
    inputShape: shape(5, 6),
    outputShape: shape(2, 4),
  });
  layerTest(layers.AveragePooling2D, {
    init: [[2, 3], options],
    inputShape: shape(5, 6),
    outputShape: shape(5, 6),
  });
  layerTest(layers.MaxPooling3D, {
    init: [{ dataFormat }],
    inputShape: shape(4, 4, 5),
    outputShape: shape(2, 2, 2),
  });
  layerTest(layers.AveragePooling3D, {
    init: [2, { dataFormat }],
    inputShape: shape(4, 4, 5),
    outputShape: shape(2, 2, 2),
  });
}

for (const Class of [layers.AdaptiveAveragePooling1D, layers.AdaptiveMaxPooling1D]) {
  layerTest(Class, { init: [3], inputShape: [2, 7, 4], outputShape: [2, 3, 4] });
}
for (const Class of [layers.AdaptiveAveragePooling2D, layers.AdaptiveMaxPooling2D]) {
  layerTest(Class, { init: [2], inputShape: [2, 5, 4, 3], outputShape: [2, 2, 2, 3] });
  layerTest(Class, {
    init: [[2, 3], { dataFormat: "channels_first" }],
    inputShape: [2, 3, 5, 4],
    outputShape: [2, 3, 2, 3],
  });
}
for (const Class of [layers.AdaptiveAveragePooling3D, layers.AdaptiveMaxPooling3D]) {
  layerTest(Class, {
    init: [[1, 2, 3]],
    inputShape: [2, 3, 3, 4, 2],
    outputShape: [2, 1, 2, 3, 2],
  });
}

layerTest(layers.GlobalAveragePooling1D, {
  init: [],
  inputShape: [2, 5, 3],
  outputShape: [2, 3],
  supportsMasking: true,
  passesMask: false,
});
layerTest(layers.GlobalMaxPooling1D, {
  init: [{ keepdims: true }],
  inputShape: [2, 5, 3],
  outputShape: [2, 1, 3],
});
for (const Class of [layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D]) {
  layerTest(Class, { init: [], inputShape: [2, 4, 5, 3], outputShape: [2, 3] });
  layerTest(Class, {
    init: [{ dataFormat: "channels_first", keepdims: true }],
    inputShape: [2, 3, 4, 5],
    outputShape: [2, 3, 1, 1],
  });
}
for (const Class of [layers.GlobalAveragePooling3D, layers.GlobalMaxPooling3D]) {
  layerTest(Class, { init: [], inputShape: [2, 2, 3, 4, 3], outputShape: [2, 3] });
}

describe("values", () => {
  const x = (): ReturnType<typeof tensor> => tensor([[[1], [2], [4], [8]]]);

  test("maxima and means of windows", async () => {
    expect(await new layers.MaxPooling1D()(x()).array()).toEqual([[[2], [8]]]);
    expect(await new layers.AveragePooling1D(2)(x()).array()).toEqual([[[1.5], [6]]]);
  });

  test("means and maxima of so many parts", async () => {
    expect(await new layers.AdaptiveAveragePooling1D(2)(x()).array()).toEqual([[[1.5], [6]]]);
    // Parts of 4 steps: 0 and 1, 1 and 2, 2 and 3.
    expect(await new layers.AdaptiveMaxPooling1D(3)(x()).array()).toEqual([[[2], [4], [8]]]);
  });

  test("means leave padding out", async () => {
    const layer = new layers.AveragePooling1D(2, { strides: 1, padding: "same" });
    expect(await layer(x()).array()).toEqual([[[1.5], [3], [6], [8]]]);
  });

  test("GlobalAveragePooling1D counts unmasked steps only, and ends the mask", async () => {
    const input = x();
    setMask(input, tensor([[true, true, true, false]]));
    const y = new layers.GlobalAveragePooling1D()(input);
    expect(((await y.data()) as Float32Array)[0]).toBeCloseTo(7 / 3, 6);
    expect(getMask(y)).toBeNull();
  });
});

test("refuses output sizes that are none", () => {
  expect(() => new layers.AdaptiveMaxPooling2D(0)).toThrow(/outputSize/);
  expect(() => new layers.AdaptiveAveragePooling2D([2, 2, 2])).toThrow(/outputSize.*2 integers/);
});

test("refuses other ranks", () => {
  expect(() => new layers.AdaptiveMaxPooling2D(2)(ops.ones([2, 4, 4]))).toThrow(/4 axes/);
  expect(() => new layers.MaxPooling2D()(ops.ones([2, 4, 4]))).toThrow(/4 axes.*\[2, 4, 4\]/);
  expect(() => new layers.GlobalMaxPooling1D()(ops.ones([2, 4]))).toThrow(/3 axes/);
});
