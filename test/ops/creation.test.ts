/** Tests of src/ops/creation.ts, src/tensor/fill.ts and src/tensor/cast.ts. */
import { apply, ops, type Tensor } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { type InputSpec, oneOf, uniform } from "../support/inputs.ts";
import { at, build, map, type Nd } from "../support/nd.ts";
import { opTest } from "../support/op-test.ts";
import {
  floatDTypes,
  integerDTypes,
  numberDTypes,
  primitive,
  unaryShapes,
} from "../support/shapes.ts";

const all: readonly DType[] = [...numberDTypes, "bool"];
const none: readonly InputSpec[] = [];

function creationTest(
  name: string,
  make: (dtype: DType) => Tensor,
  reference: Nd,
  { dtypes = numberDTypes, primitives = [] as readonly string[] } = {},
): void {
  for (const dtype of dtypes) {
    opTest(`${name}, ${dtype}`, {
      ops: primitives,
      run: () => make(dtype),
      reference: () => reference,
      shapes: [[]],
      inputs: none,
      dtypes: [dtype],
      differentiable: false,
    });
  }
}

const filled = (shape: readonly number[], value: number): Nd => build(shape, () => value);

creationTest("zeros", (dtype) => ops.zeros([2, 3], { dtype }), filled([2, 3], 0), { dtypes: all });
creationTest("ones", (dtype) => ops.ones(5, { dtype }), filled([5], 1), {
  dtypes: all,
  primitives: ["full"],
});
creationTest("full", (dtype) => ops.full([2, 0, 3], 7, { dtype }), filled([2, 0, 3], 7));
creationTest(
  "full of rank 6",
  (dtype) => ops.full([1, 2, 1, 2, 1, 37], 7, { dtype }),
  filled([1, 2, 1, 2, 1, 37], 7),
);
creationTest(
  "full of a tensor",
  (dtype) => ops.full([2, 3], [1, 2, 3], { dtype }),
  build([2, 3], ([, j]) => (j as number) + 1),
);
creationTest(
  "arange",
  (dtype) => ops.arange(2, 40, 3, { dtype }),
  build([13], ([i]) => 2 + 3 * (i as number)),
  { primitives: ["iota"] },
);
creationTest(
  "arange downwards",
  (dtype) => ops.arange(5, -3, -2, { dtype }),
  build([4], ([i]) => 5 - 2 * (i as number)),
  { dtypes: [...floatDTypes, "int32", "int64"] },
);
creationTest(
  "linspace",
  (dtype) => ops.linspace(-1, 1, { num: 9, dtype }),
  build([9], ([i]) => -1 + (i as number) / 4),
  { dtypes: floatDTypes },
);
creationTest(
  "linspace without its end",
  (dtype) => ops.linspace(0, 4, { num: 8, endpoint: false, dtype }),
  build([8], ([i]) => (i as number) / 2),
  { dtypes: floatDTypes },
);
for (const axis of [0, 1, 2]) {
  creationTest(
    `iota along axis ${axis}`,
    (dtype) =>
      apply(primitive("iota"), [], { shape: [2, 3, 4], dtype, axis, start: 1, step: 2 } as never),
    build([2, 3, 4], (index) => 1 + 2 * (index[axis] as number)),
    { primitives: ["iota"] },
  );
}
for (const k of [0, 1, -2]) {
  const ones = build([3, 4], ([i, j]) => Number((j as number) - (i as number) === k));
  creationTest(`eye ${k}`, (dtype) => ops.eye(3, { M: 4, k, dtype }), ones, { dtypes: all });
}
creationTest(
  "identity",
  (dtype) => ops.identity(3, { dtype }),
  build([3, 3], ([i, j]) => Number(i === j)),
);

for (const [name, op, value] of [
  ["zerosLike", ops.zerosLike, 0],
  ["onesLike", ops.onesLike, 1],
  ["fullLike", (x: Tensor) => ops.fullLike(x, 3), 3],
] as const) {
  opTest(name, {
    run: (x) => op(x),
    reference: (x) => map(x, () => value),
    shapes: unaryShapes,
    dtypes: numberDTypes,
    differentiable: "zero",
  });
}

// Values that every dtype holds, and fractions, which go towards 0.
const common = oneOf([0, 1, 2, 5, 100]);
for (const to of all) {
  opTest(`cast to ${to}`, {
    ops: ["cast"],
    // The dtype itself would be no cast.
    run: (x) => ops.cast(x, to),
    reference: (x) => map(x, (v) => (to === "bool" ? Number(v !== 0) : v)),
    shapes: [[37], [], [2, 0], [2, 3, 1, 2]],
    dtypes: all.filter((dtype) => dtype !== to),
    inputs: common,
    resultDType: to,
    differentiable: false,
  });
  if (!floatDTypes.includes(to)) {
    opTest(`cast of fractions to ${to}`, {
      run: (x) => ops.cast(x, to),
      reference: (x) => map(x, (v) => (to === "bool" ? Number(v !== 0) : Math.trunc(v))),
      shapes: [[37]],
      dtypes: floatDTypes,
      inputs: oneOf(
        to.startsWith("u") || to === "bool" ? [0, 0.5, 1.75, 9.5] : [-2.75, -0.5, 0, 1.5],
      ),
      resultDType: to,
      differentiable: "zero",
    });
  }
}
// A cast on the way of a gradient brings it back to the dtype of the input.
opTest("gradient through casts", {
  needs: ["float64"],
  run: (x) => ops.cast(ops.square(ops.cast(x, "float64")), x.dtype),
  reference: (x) => map(x, (v) => v * v),
  shapes: [[5], [2, 3]],
  inputs: uniform(),
});
opTest("convertToTensor", {
  run: (x) => ops.convertToTensor(x, { dtype: "float32" }),
  reference: (x) => x,
  shapes: [[3]],
  dtypes: integerDTypes,
  resultDType: "float32",
});
opTest("array", { run: (x) => ops.array(x), reference: (x) => x, shapes: [[3]] });

for (const name of ["tril", "triu"] as const) {
  for (const k of [0, 1, -1]) {
    opTest(`${name} ${k}`, {
      run: (x) => ops[name](x, { k }),
      reference: (x) =>
        build(x.shape, (index) => {
          const [i, j] = index.slice(-2) as [number, number];
          const kept = name === "tril" ? j - i <= k : j - i >= k;
          return kept ? at(x, index) : 0;
        }),
      shapes: [
        [3, 3],
        [2, 3, 4],
        [4, 2],
        [0, 3],
      ],
      dtypes: all,
      inputs: uniform(-5, 5),
    });
  }
}
