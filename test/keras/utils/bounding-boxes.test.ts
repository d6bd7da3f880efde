import { describe, expect, test } from "vitest";
import { jit, ops, type Tensor, tensor, utils, valueAndGrad } from "../../../src/index.ts";
import { ArgumentError, ShapeError, UnsupportedError } from "../../../src/util/errors.ts";

const { boundingBoxes } = utils;
const formats = [
  "xyxy",
  "yxyx",
  "xywh",
  "center_xywh",
  "center_yxhw",
  "rel_xyxy",
  "rel_yxyx",
  "rel_xywh",
  "rel_center_xywh",
];
const size = { height: 10, width: 20 };
// [batch, boxes, 4], two corners each.
const given = [
  [
    [1, 2, 6, 8],
    [0, 0, 20, 10],
  ],
];

async function expectClose(actual: Tensor, expected: unknown): Promise<void> {
  const wanted = tensor(expected as number[]);
  expect(actual.shape).toEqual(wanted.shape);
  const values = Array.from((await actual.data()) as Float32Array);
  for (const [i, v] of Array.from((await wanted.data()) as Float32Array).entries()) {
    expect(values[i]).toBeCloseTo(v, 4);
  }
}

describe("convertFormat", () => {
  test.each([
    ["yxyx", [2, 1, 8, 6]],
    ["xywh", [1, 2, 5, 6]],
    ["center_xywh", [3.5, 5, 5, 6]],
    ["center_yxhw", [5, 3.5, 6, 5]],
    ["rel_xyxy", [0.05, 0.2, 0.3, 0.8]],
    ["rel_yxyx", [0.2, 0.05, 0.8, 0.3]],
    ["rel_xywh", [0.05, 0.2, 0.25, 0.6]],
    ["rel_center_xywh", [0.175, 0.5, 0.25, 0.6]],
  ])("gives %s", async (format, expected) => {
    await expectClose(boundingBoxes.convertFormat([1, 2, 6, 8], "xyxy", format, size), expected);
  });

  test("finds back from every format by every other", async () => {
    for (const a of formats) {
      for (const b of formats) {
        const there = boundingBoxes.convertFormat(given, "xyxy", a, size);
        const further = boundingBoxes.convertFormat(there, a.toUpperCase(), b, size);
        await expectClose(boundingBoxes.convertFormat(further, b, "xyxy", size), given);
      }
    }
  });

  test("changes the boxes of an object and leaves the rest", async () => {
    const labels = tensor([[3, 4]]);
    const boxes = { boxes: tensor(given), labels, note: "kept" };
    const converted = boundingBoxes.convertFormat(boxes, "xyxy", "yxyx");
    expect(converted.labels).toBe(labels);
    expect(converted.note).toBe("kept");
    await expectClose(boxes.boxes, given);
    await expectClose(converted.boxes, [
      [
        [2, 1, 8, 6],
        [0, 0, 10, 20],
      ],
    ]);
  });

  test("refuses unknown formats, other shapes and images of unknown size", () => {
    const { convertFormat } = boundingBoxes;
    expect(() => convertFormat(given, "xyxy", "xyz")).toThrow(ArgumentError);
    expect(() => convertFormat(given, "xyxy", "rel_xyxy", { width: 3 })).toThrow(ArgumentError);
    expect(() => convertFormat([1, 2, 3], "xyxy", "yxyx")).toThrow(ShapeError);
  });
});

describe("deltas", () => {
  const anchors = tensor([
    [0, 0, 4, 2],
    [1, 1, 2, 5],
  ]);
  const boxes = tensor([
    [1, 1, 6, 3],
    [0, 2, 3, 4],
  ]);

  test("measure in sides of the anchor", async () => {
    const deltas = boundingBoxes.encodeBoxToDeltas(anchors, boxes, "xyxy", "xyxy", {
      encodingFormat: "center_xywh",
    });
    await expectClose(deltas, [
      [1.5 / 4, 1 / 2, Math.log(5 / 4), 0],
      [0, 0, Math.log(3), Math.log(2 / 4)],
    ]);
  });

  test.each([["center_xywh"], ["center_yxhw"]])("of %s decode to the boxes", async (format) => {
    const variance = [0.1, 0.1, 0.2, 0.2];
    const image = { variance, imageShape: [10, 20, 3] } as const;
    const deltas = boundingBoxes.encodeBoxToDeltas(anchors, boxes, "xyxy", "xyxy", {
      ...image,
      encodingFormat: format,
    });
    const decode = { ...image, encodedFormat: format };
    const back = boundingBoxes.decodeDeltasToBoxes(anchors, deltas, "xyxy", "rel_yxyx", decode);
    const wanted = boundingBoxes.convertFormat(boxes, "xyxy", "rel_yxyx", size);
    await expectClose(back, await wanted.array());
  });

  test("decode by level", async () => {
    const zeros = tensor([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    const { decodeDeltasToBoxes } = boundingBoxes;
    const levels = decodeDeltasToBoxes({ P3: anchors }, { P3: zeros }, "xyxy", "xyxy");
    expect(Object.keys(levels)).toEqual(["P3"]);
    await expectClose(levels["P3"] as Tensor, await anchors.array());
    expect(() => decodeDeltasToBoxes({ P3: anchors }, {}, "xyxy", "xyxy")).toThrow(ArgumentError);
  });

  test("refuse other formats, variances and images of unknown size", () => {
    const { encodeBoxToDeltas, decodeDeltasToBoxes } = boundingBoxes;
    const a = [anchors, boxes, "xyxy", "xyxy"] as const;
    expect(() => encodeBoxToDeltas(...a, { encodingFormat: "xyxy" })).toThrow(ArgumentError);
    expect(() => decodeDeltasToBoxes(...a, { encodedFormat: "xyxy" })).toThrow(ArgumentError);
    expect(() => encodeBoxToDeltas(...a, { variance: [1, 1] })).toThrow(ShapeError);
    expect(() => encodeBoxToDeltas(anchors, boxes, "rel_xyxy", "xyxy")).toThrow(ArgumentError);
  });
});

describe("overlap", () => {
  const a = [
    [0, 0, 4, 4],
    [2, 2, 6, 6],
  ];
  const b = [
    [0, 0, 4, 4],
    [8, 8, 9, 9],
    [0, 0, 2, 4],
  ];
  const expected = [
    [1, 0, 0.5],
    [4 / 28, 0, 0],
  ];

  test("is the shared area over the whole one", async () => {
    await expectClose(boundingBoxes.computeIou(a, b, "xyxy"), expected);
    await expectClose(boundingBoxes.computeIou([a, a], [b, b], "xyxy"), [expected, expected]);
  });

  test("takes one set of boxes for a batch of others", async () => {
    await expectClose(boundingBoxes.computeIou([a, a], b, "xyxy"), [expected, expected]);
    await expectClose(boundingBoxes.computeIou(a, [b, b], "xyxy"), [expected, expected]);
  });

  test("leaves masked boxes out", async () => {
    const none = [-1, -1, -1, -1];
    const options = { useMasking: true, maskVal: -7 };
    await expectClose(
      boundingBoxes.computeIou([...a, none], [a[0], none] as never, "xyxy", options),
      [
        [1, -7],
        [4 / 28, -7],
        [-7, -7],
      ],
    );
    await expectClose(boundingBoxes.computeIou([[...a, none]], [b], "xyxy", options), [
      [...expected, [-7, -7, -7]],
    ]);
  });

  test("of relative boxes takes the image", async () => {
    const relative = boundingBoxes.convertFormat(a, "xyxy", "rel_xyxy", size);
    const own = boundingBoxes.computeIou(relative, relative, "rel_xyxy", {
      imageShape: [10, 20, 3],
    });
    await expectClose(own, [
      [1, 4 / 28],
      [4 / 28, 1],
    ]);
    expect(() => boundingBoxes.computeIou(relative, relative, "rel_xyxy")).toThrow(ArgumentError);
    expect(() => boundingBoxes.computeCiou(relative, relative, "rel_xyxy")).toThrow(ArgumentError);
    expect(() => boundingBoxes.computeIou([1, 2, 3, 4], a, "xyxy")).toThrow(ShapeError);
  });

  test("complete: also how far centers are apart, and aspect ratios", async () => {
    // Shares 8 of 16; centers are 1 apart in a hull of 4 x 4.
    const v = (4 / Math.PI ** 2) * (Math.atan(2 / 4) - Math.atan(1)) ** 2;
    const alpha = v / (v - 0.5 + 1);
    const own = boundingBoxes.computeCiou([[0, 0, 4, 4]], [[0, 0, 2, 4]], "xyxy");
    await expectClose(own, [0.5 - 1 / 32 - alpha * v]);
  });

  test("has the same gradient compiled", async () => {
    const step = (x: Tensor): Tensor =>
      valueAndGrad((y: Tensor) => ops.sum(boundingBoxes.computeCiou(y, tensor(a), "xyxy")))(x)[1];
    const x = tensor([
      [0.5, 0, 3, 3],
      [3, 2, 6, 7],
    ]);
    await expectClose(jit(step)(x), await step(x).array());
  });
});

describe("changes", () => {
  test("clip to the image, and label what is gone", async () => {
    const boxes = [
      [-1, 2, 30, 8],
      [25, 0, 30, 5],
    ];
    const image = { boxes, labels: tensor([1, 2], { dtype: "int32" }), id: 5 };
    const clipped = boundingBoxes.clipToImageSize(image, size);
    await expectClose(clipped.boxes, [
      [0, 2, 20, 8],
      [20, 0, 20, 5],
    ]);
    expect(await clipped.labels.array()).toEqual([1, -1]);
    expect(clipped.id).toBe(5);
    const relative = { boxes: [[-0.5, 0.5, 0.5, 2]] };
    const inside = boundingBoxes.clipToImageSize(relative, { boundingBoxFormat: "rel_xyxy" });
    await expectClose(inside.boxes, [[0, 0.5, 0.5, 1]]);
    expect("labels" in inside).toBe(false);
  });

  test("crop and pad shift them", async () => {
    await expectClose(boundingBoxes.crop([[1, 2, 9, 9]], 3, 2, 4, 5), [[0, 0, 5, 4]]);
    await expectClose(boundingBoxes.pad([[1, 2, 9, 9]], 3, 2), [[3, 5, 11, 12]]);
  });

  test("a quarter turn takes a box to a box", async () => {
    // About the middle (4, 4) of 9 x 9 pixels: the centre of the box goes from (2, 4) to (4, y).
    const boxes = [[[1, 3, 3, 5]]];
    const zero = [0];
    const turned = boundingBoxes.affineTransform(boxes, [90], zero, zero, [1], zero, zero, 9, 9);
    const [[[x1, y1, x2, y2]]] = (await turned.array()) as [[[number, number, number, number]]];
    expect([x1, x2]).toEqual([expect.closeTo(3, 4), expect.closeTo(5, 4)]);
    expect(y2 - y1).toBeCloseTo(2, 4);
    expect(Math.abs((y1 + y2) / 2 - 4)).toBeCloseTo(2, 4);
  });

  test("scale about the fixed point, each sample by its own", async () => {
    const boxes = [[[0, 0, 4, 4]], [[0, 0, 4, 4]]];
    const zero = [0, 0];
    const options = { centerX: 0, centerY: 0 };
    const scaled = boundingBoxes.affineTransform(
      boxes,
      zero,
      zero,
      zero,
      [2, 0.5],
      zero,
      zero,
      9,
      9,
      options,
    );
    await expectClose(scaled, [[[0, 0, 8, 8]], [[0, 0, 2, 2]]]);
  });

  test("refuse other formats and shapes", () => {
    const { affineTransform, clipToImageSize, crop, pad } = boundingBoxes;
    const xywh = { boundingBoxFormat: "xywh" };
    expect(() => crop(given, 0, 0, 1, 1, xywh)).toThrow(UnsupportedError);
    expect(() => pad(given, 0, 0, xywh)).toThrow(UnsupportedError);
    expect(() => clipToImageSize({ boxes: given }, xywh)).toThrow(UnsupportedError);
    expect(() => clipToImageSize({ boxes: given }, { width: 2 })).toThrow(ArgumentError);
    expect(() => affineTransform([[1, 2, 3, 4]], [0], [0], [0], [1], [0], [0], 9, 9)).toThrow(
      ShapeError,
    );
  });
});
