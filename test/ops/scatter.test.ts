/** Tests of src/ops/scatter.ts. */
import { describe, expect, it } from "vitest";
import { ArgumentError, DTypeError, ops, ShapeError, tensor } from "../../src/index.ts";
import { slicesAt } from "../../src/ops/scatter.ts";
import { awayFrom, distinct, type InputSpec, integers } from "../support/inputs.ts";
import { count, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { numberDTypes } from "../support/shapes.ts";

const rules = {
  set: (_: number, update: number) => update,
  add: (old: number, update: number) => old + update,
  mul: (old: number, update: number) => old * update,
  max: Math.max,
  min: Math.min,
};

/** Updates one after the other; indices outside are left out. */
function applied(
  x: Nd,
  indices: Nd,
  updates: Nd,
  combine: (old: number, update: number) => number,
): Nd {
  const depth = indices.shape.at(-1) as number;
  const width = count(x.shape.slice(depth));
  const data = x.data.slice();
  for (let i = 0; i < count(indices.shape.slice(0, -1)); i++) {
    let row = 0;
    let inside = true;
    for (let axis = 0; axis < depth; axis++) {
      const length = x.shape[axis] as number;
      let at = indices.data[i * depth + axis] as number;
      if (at < 0) at += length;
      inside &&= at >= 0 && at < length;
      row = row * length + at;
    }
    if (!inside) continue;
    for (let k = 0; k < width; k++) {
      const place = row * width + k;
      data[place] = combine(data[place] as number, updates.data[i * width + k] as number);
    }
  }
  return { shape: x.shape, data };
}

// Some twice, some from the end, some outside.
const places: InputSpec = integers(-3, 3, "int32");
const shapes = [
  [[3], [5, 1], [5]],
  [
    [3, 4],
    [4, 1],
    [4, 4],
  ],
  [
    [3, 3, 2],
    [2, 3, 2],
    [2, 3, 2],
  ],
  [[3, 3], [6, 2], [6]],
  [
    [3, 4],
    [0, 1],
    [0, 4],
  ],
  [
    [3, 0],
    [2, 1],
    [2, 0],
  ],
];

opTest("ravel_index", {
  ops: ["ravel_index"],
  run: (indices) => slicesAt("test", indices, [3, 4, 5]),
  reference: (indices) => {
    const depth = indices.shape[1] as number;
    const sizes = [3, 4, 5].slice(0, depth);
    const count = indices.shape[0] as number;
    const data = Float64Array.from({ length: count }, (_, row) => {
      let flat = 0;
      for (const [axis, size] of sizes.entries()) {
        const raw = indices.data[row * depth + axis] as number;
        const at = raw < 0 ? raw + size : raw;
        if (at < 0 || at >= size) return -1;
        flat = flat * size + at;
      }
      return flat;
    });
    return { shape: [count], data };
  },
  shapes: [
    [40, 1],
    [40, 2],
    [40, 3],
    [0, 2],
  ],
  inputs: integers(-6, 6),
  dtypes: ["int32", "int64"],
  resultDType: "int32",
  differentiable: false,
  internal: true,
});

for (const reduction of ["set", "add", "mul", "max", "min"] as const) {
  const isExtreme = reduction === "max" || reduction === "min";
  opTest(`scatter_update, ${reduction}`, {
    ops: ["scatter_update"],
    run: (x, indices, updates) =>
      ops.scatterUpdate(x, indices, updates, {
        reduction: reduction === "set" ? null : reduction,
      }),
    reference: (x, indices, updates) => applied(x, indices, updates, rules[reduction]),
    shapes,
    inputs: [
      isExtreme ? distinct(0.25) : awayFrom([0]),
      places,
      // Apart from each other and from x, so that a small step keeps the order.
      isExtreme
        ? {
            values: (random, shape, dtype, all) =>
              distinct(0.25)
                .values(random, shape, dtype, all)
                .map((value) => (dtype.includes("float") ? value + 0.125 : value)),
          }
        : awayFrom([0]),
    ],
    dtypes: numberDTypes.filter((dtype) => reduction !== "mul" || dtype.includes("float")),
    steps: 6,
    unknownAxes: false,
  });
}

opTest("scatter", {
  ops: ["scatter_update"],
  run: (indices, values) => ops.scatter(indices, values, [4, 3]),
  reference: (indices, values) =>
    applied({ shape: [4, 3], data: new Float64Array(12) }, indices, values, rules.add),
  shapes: [
    [
      [5, 1],
      [5, 3],
    ],
    [
      [2, 2, 2],
      [2, 2],
    ],
  ],
  inputs: [integers(0, 2, "int32"), awayFrom([0])],
  resultDType: (dtype) => dtype,
  dtypes: ["float64", "float32"],
  steps: 6,
  unknownAxes: false,
});

describe("the product of updates", () => {
  it("has the right gradient at zeros", async () => {
    const { grad } = await import("../../src/index.ts");
    const x = tensor([2, 3, 5]);
    const f = (u: ReturnType<typeof tensor>) =>
      ops.sum(ops.scatterUpdate(x, [[0], [0], [1], [1], [2]], u, { reduction: "mul" }));
    // Row 0: 2·0·7, row 1: 3·0·0, row 2: 5·4.
    expect(await grad(f)(tensor([0, 7, 0, 0, 4])).array()).toEqual([14, 0, 0, 0, 5]);
  });
});

describe("scatters refuse", () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  it("updates that do not fit", () => {
    expect(() => ops.scatterUpdate(x, [[0]], [1, 2])).toThrow(ShapeError);
    expect(() => ops.scatter([[0, 0, 0]], [1], [2, 2])).toThrow(ShapeError);
    expect(() => ops.scatterUpdate(x, [[0.5]], [[1, 2]])).toThrow(DTypeError);
    expect(() => ops.scatter([[0]], [1], [-2])).toThrow(ShapeError);
    expect(() => ops.scatterUpdate(x, [[0]], [[1, 2]], { reduction: "mean" as never })).toThrow(
      ArgumentError,
    );
  });
});
