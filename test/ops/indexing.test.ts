/** Tests of src/ops/indexing.ts. */
import { expect, test } from "vitest";
import { apply, ops } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { indicesInto, integers, uniform } from "../support/inputs.ts";
import { at, build, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import { integerDTypes, numberDTypes, primitive } from "../support/shapes.ts";

const all: readonly DType[] = [...numberDTypes, "bool"];
const first = (dtype: DType): DType => dtype;

function take(x: Nd, indices: Nd, axis: number): Nd {
  const behind = axis + indices.shape.length;
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return build(shape, (index) => {
    const n = at(indices, index.slice(axis, behind));
    const place = n < 0 ? n + (x.shape[axis] as number) : n;
    return at(x, [...index.slice(0, axis), place, ...index.slice(behind)]);
  });
}
for (const dtype of ["int32", "int64"] as const) {
  for (const axis of [0, 1, -1]) {
    opTest(`take, axis ${axis}, ${dtype} indices`, {
      ops: ["take", "take_backward"],
      run: (x, indices) => ops.take(x, indices, { axis }),
      reference: (x, indices) => take(x, indices, axis < 0 ? axis + x.shape.length : axis),
      shapes: [
        [[4, 5], [3]],
        [[4, 5], []],
        [
          [4, 3, 5],
          [2, 2],
        ],
        [[3, 4], [0]],
        [
          [2, 3, 1, 2],
          [2, 1, 2],
        ],
        [[7, 33], [40]],
      ],
      dtypes: dtype === "int32" ? all : ["float32"],
      inputs: [uniform(-50, 50), indicesInto(axis, 0, dtype)],
      resultDType: first,
      length: 40,
      unknownAxes: false,
    });
  }
}
opTest("take, flat, negative indices", {
  run: (x, indices) => ops.take(x, indices),
  reference: (x, indices) => take({ shape: [x.data.length], data: x.data }, indices, 0),
  shapes: [[[2, 3], [4]]],
  inputs: [uniform(), integers(-6, 5, "int32")],
  length: 4,
  unknownAxes: false,
});
for (const dtype of integerDTypes) {
  opTest(`take at ${dtype} indices`, {
    // Unsigned indices are taken as int64.
    needs: dtype === "uint32" ? ["int64"] : [],
    run: (x, indices) => ops.take(x, indices, { axis: 0 }),
    reference: (x, indices) => take(x, indices, 0),
    shapes: [[[5, 2], [3]]],
    dtypes: ["float32"],
    inputs: [uniform(), integers(0, 4, dtype)],
    unknownAxes: false,
    length: 3,
  });
}
opTest("take out of range", {
  run: (x, indices) => ops.take(x, indices, { axis: 0 }),
  reference: (_x, indices) => build([...indices.shape], () => Number.NaN),
  shapes: [[[5], [3]]],
  inputs: [uniform(), integers(5, 9, "int32")],
  differentiable: false,
  unknownAxes: false,
});
opTest("take_backward", {
  ops: ["take_backward", "take"],
  run: (indices, dy) =>
    apply(primitive("take_backward"), [indices, dy], { axis: 0, length: 6 } as never),
  reference: (indices, dy) =>
    build([6, ...dy.shape.slice(1)], ([i, ...rest]) => {
      let sum = 0;
      for (const [k, n] of indices.data.entries()) if (n === i) sum += at(dy, [k, ...rest]);
      return sum;
    }),
  shapes: [
    [[4], [4]],
    [[9], [9, 3]],
    [[0], [0, 3]],
  ],
  inputs: [integers(0, 5, "int32"), uniform()],
  resultDType: first,
  length: 9,
  internal: true,
  unknownAxes: false,
});

function takeAlong(x: Nd, indices: Nd, axis: number): Nd {
  return build(indices.shape, (index) => {
    const n = at(indices, index);
    const place = n < 0 ? n + (x.shape[axis] as number) : n;
    return at(
      x,
      index.map((value, i) => (i === axis ? place : value)),
    );
  });
}
for (const axis of [0, 1]) {
  opTest(`takeAlongAxis, axis ${axis}`, {
    ops: ["take_along_axis", "take_along_axis_backward"],
    run: (x, indices) => ops.takeAlongAxis(x, indices, { axis }),
    reference: (x, indices) => takeAlong(x, indices, axis),
    shapes:
      axis === 0
        ? [
            [
              [4, 3],
              [2, 3],
            ],
            [
              [5, 2, 3],
              [9, 2, 3],
            ],
          ]
        : [
            [
              [3, 4],
              [3, 6],
            ],
            [
              [2, 5, 3],
              [2, 4, 3],
            ],
            [
              [2, 5],
              [2, 0],
            ],
          ],
    dtypes: all,
    inputs: [uniform(-50, 50), indicesInto(axis)],
    resultDType: first,
    length: 9,
    unknownAxes: false,
  });
}
opTest("takeAlongAxis, flat, int64", {
  run: (x, indices) => ops.takeAlongAxis(x, indices),
  reference: (x, indices) =>
    takeAlong(
      { shape: [x.data.length], data: x.data },
      { shape: [indices.data.length], data: indices.data },
      0,
    ),
  shapes: [
    [
      [2, 3],
      [2, 2],
    ],
  ],
  inputs: [uniform(), integers(-6, 5, "int64")],
  length: 4,
  unknownAxes: false,
});
opTest("take_along_axis_backward", {
  ops: ["take_along_axis_backward", "take_along_axis"],
  run: (indices, dy) =>
    apply(primitive("take_along_axis_backward"), [indices, dy], { axis: 1, length: 5 } as never),
  reference: (indices, dy) =>
    build([dy.shape[0] as number, 5], ([i, j]) => {
      let sum = 0;
      for (let k = 0; k < (dy.shape[1] as number); k++) {
        if (at(indices, [i as number, k]) === j) sum += at(dy, [i as number, k]);
      }
      return sum;
    }),
  shapes: [
    [
      [3, 7],
      [3, 7],
    ],
    [
      [2, 0],
      [2, 0],
    ],
  ],
  inputs: [integers(0, 4, "int32"), uniform()],
  resultDType: first,
  length: 7,
  internal: true,
});

for (const axis of [-1, 0, 1]) {
  for (const dtype of ["float32", "int32", "bool"] as const) {
    opTest(`oneHot, axis ${axis}, ${dtype}`, {
      run: (x) => ops.oneHot(x, 4, { axis, dtype }),
      reference: (x) => {
        const along = axis < 0 ? axis + x.shape.length + 1 : axis;
        const shape = [...x.shape];
        shape.splice(along, 0, 4);
        return build(shape, (index) => {
          const place = index.filter((_, i) => i !== along);
          return Number(at(x, place) === index[along]);
        });
      },
      // Some are out of range: those rows are all zeros.
      shapes: [[5], [2, 3], [0, 2]],
      dtypes: integerDTypes,
      inputs: integers(0, 5),
      resultDType: dtype,
      differentiable: false,
    });
  }
}

for (const dtype of ["float32", "int32", "bool"] as const) {
  opTest(`multiHot, ${dtype}`, {
    run: (x) => ops.multiHot(x, 4, { dtype }),
    reference: (x) => {
      const [rows, length] = x.shape as [number, number];
      return build([rows, 4], ([i, k]) =>
        Number(Array.from({ length }, (_, j) => at(x, [i as number, j])).includes(k as number)),
      );
    },
    shapes: [[3, 2]],
    dtypes: ["int32", "int64"],
    inputs: integers(-1, 4),
    resultDType: dtype,
    differentiable: false,
  });
}
test("multiHot of a vector, and along another axis", async () => {
  expect(await ops.multiHot([0, 2], 3).array()).toEqual([1, 0, 1]);
  const classesFirst = ops.multiHot([[[0, 2]]], 3, { axis: 0 });
  expect(classesFirst.shape).toEqual([3, 1, 2]);
});
