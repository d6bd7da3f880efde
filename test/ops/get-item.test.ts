/** Tests of src/ops/get-item.ts. */
import { describe, expect, test } from "vitest";
import { ops, ShapeError, tensor } from "../../src/index.ts";
import type { IndexKey as Key } from "../../src/ops/get-item.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes } from "../support/shapes.ts";

/** The key, the shape of the result, and where its elements come from. x: [4, 5, 6]. */
const cases: readonly (readonly [string, Key, number[], (i: number[]) => number[]])[] = [
  ["x[1]", 1, [5, 6], ([a, b]) => [1, a as number, b as number]],
  ["x[-1, 2]", [-1, 2], [6], ([a]) => [3, 2, a as number]],
  [
    "x[1:3]",
    { start: 1, stop: 3 },
    [2, 5, 6],
    ([a, b, c]) => [1 + (a as number), b as number, c as number],
  ],
  [
    "x[..., ::-1]",
    ["...", { step: -1 }],
    [4, 5, 6],
    ([a, b, c]) => [a as number, b as number, 5 - (c as number)],
  ],
  [
    "x[:, -2::-2]",
    [{}, { start: -2, step: -2 }],
    [4, 2, 6],
    ([a, b, c]) => [a as number, 3 - 2 * (b as number), c as number],
  ],
  [
    "x[:, 1:100:3, 0]",
    [{}, { start: 1, stop: 100, step: 3 }, 0],
    [4, 2],
    ([a, b]) => [a as number, 1 + 3 * (b as number), 0],
  ],
  ["x[3:1]", { start: 3, stop: 1 }, [0, 5, 6], (i) => i],
  [
    "x[None, ..., None, 0]",
    [null, "...", null, 0],
    [1, 4, 5, 1],
    ([, a, b]) => [a as number, b as number, 0],
  ],
  [
    "x[[2, 0]]",
    [[2, 0]],
    [2, 5, 6],
    ([a, b, c]) => [[2, 0][a as number] as number, b as number, c as number],
  ],
  [
    "x[:, [[0, -1]]]",
    [{}, [[0, -1]]],
    [4, 1, 2, 6],
    ([a, , c, d]) => [a as number, [0, 4][c as number] as number, d as number],
  ],
  [
    "x[:, [0, 1], [2, -1]]",
    [{}, [0, 1], [2, -1]],
    [4, 2],
    ([a, b]) => [a as number, b as number, [2, 5][b as number] as number],
  ],
  [
    "x[[0, 1], :, [2, 3]]",
    [[0, 1], {}, [2, 3]],
    [2, 5],
    ([a, b]) => [a as number, b as number, 2 + (a as number)],
  ],
  ["x[1, :, [2, 3]]", [1, {}, [2, 3]], [2, 5], ([a, b]) => [1, b as number, 2 + (a as number)]],
  [
    "x[[[0], [1]], [1, 2]]",
    [
      [[0], [1]],
      [1, 2],
    ],
    [2, 2, 6],
    ([a, b, c]) => [a as number, 1 + (b as number), c as number],
  ],
];

for (const [name, key, shape, from] of cases) {
  opTest(`getItem ${name}`, {
    run: (x) => ops.getItem(x, key),
    reference: (x: Nd) => build(shape, (i) => at(x, from(i))),
    shapes: [[4, 5, 6]],
    dtypes: numberDTypes,
    unknownAxes: false,
  });
}

describe("getItem refuses", () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  test.each([
    ["an index out of range", 2, /index 2 is out of range for axis 0/],
    ["too many indices", [0, 0, 0], /3 indices are too many/],
    ["two ellipses", ["...", "..."], /one "..." at most/],
    ["a fraction", 0.5, /0.5 is no index/],
    ["a step of 0", { step: 0 }, /step of a range is 0/],
    ["a mask", [[true, false]], /integer indices/],
  ] as const)("%s", (_name, key, message) => {
    expect(() => ops.getItem(x, key as never)).toThrow(message);
  });

  test("with the shape as it was given", () => {
    expect(() => ops.getItem(x, 7)).toThrow(ShapeError);
  });
});
