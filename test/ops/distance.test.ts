/** Tests of src/ops/distance.ts. */
import { expect, test } from "vitest";
import { ops, ShapeError, type Tensor } from "../../src/index.ts";
import { uniform } from "../support/inputs.ts";
import { at, broadcast, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";

opTest("cdist", {
  run: (x, y) => ops.cdist(x as Tensor, y as Tensor),
  reference: (x, y) => {
    const [a, b] = [x as Nd, y as Nd];
    const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const [m, d] = a.shape.slice(-2) as [number, number];
    const n = b.shape.at(-2) as number;
    return build([...batch, m, n], (index) => {
      const outer = index.slice(0, -2);
      const [i, j] = index.slice(-2) as [number, number];
      const differences = Array.from(
        { length: d },
        (_, k) => at(a, [...outer, i, k]) - at(b, [...outer, j, k]),
      );
      return Math.hypot(...differences);
    });
  },
  shapes: [
    [
      [3, 2],
      [4, 2],
    ],
    [
      [2, 3, 5],
      [2, 2, 5],
    ],
    [
      [2, 1, 3, 2],
      [4, 3, 2],
    ],
    [
      [0, 3],
      [2, 3],
    ],
  ],
  // Apart from each other: the distance has a kink at 0.
  inputs: [uniform(0.5, 2), uniform(-2, -0.5)],
  length: 5,
  steps: 3,
  cancels: 4,
  unknownAxes: false,
});

test("points of different dimension", () => {
  expect(() => ops.cdist(ops.ones([2, 3]), ops.ones([2, 4]))).toThrow(ShapeError);
  expect(() => ops.cdist([1, 2], [[1, 2]])).toThrow("cdist: expected rows of one length");
});
