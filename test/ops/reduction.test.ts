/** Tests of src/ops/reduction.ts. */
import { ops, type Tensor } from "../../src/index.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { distinct, integers, oneOf, uniform } from "../support/inputs.ts";
import { count, map, type Nd, reduce } from "../support/nd.ts";
import { type OpTestSpec, opTest } from "../support/op-test.ts";
import { integerDTypes, numberDTypes } from "../support/shapes.ts";

type Options = { axis?: number | number[] | null; keepdims?: boolean };

const add = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]): number => add(values) / values.length;
const variance = (values: readonly number[]): number => {
  const m = mean(values);
  return mean(values.map((v) => (v - m) ** 2));
};

/** All axes; the last; the first; one between; some, kept. */
const choices: readonly { readonly options: Options; readonly shapes: OpTestSpec["shapes"] }[] = [
  { options: {}, shapes: [[], [37], [3, 5], [2, 3, 1, 4], [300], [1, 2, 2, 1, 2, 3]] },
  { options: { axis: -1 }, shapes: [[5], [3, 37], [2, 2, 1, 2, 1, 3]] },
  { options: { axis: 0, keepdims: true }, shapes: [[5], [7, 3], [4, 33]] },
  {
    options: { axis: 1 },
    shapes: [
      [2, 5, 3],
      [2, 3, 1, 4],
    ],
  },
  {
    options: { axis: [0, -1] },
    shapes: [
      [3, 5],
      [2, 3, 4],
      [2, 3, 2, 5],
    ],
  },
  {
    options: { axis: [1, 2], keepdims: true },
    shapes: [
      [2, 3, 4],
      [2, 3, 2, 2],
    ],
  },
  { options: { axis: [] }, shapes: [[2, 3]] },
];

function axesOf({ axis }: Options): readonly number[] | null {
  return axis === undefined || axis === null ? null : typeof axis === "number" ? [axis] : axis;
}

/** Tests a reduction over each choice of axes. */
function reductionTest(
  name: string,
  run: (x: Tensor, options: Options) => Tensor,
  fn: (values: number[]) => number,
  spec: Partial<OpTestSpec> & { empty?: boolean } = {},
): void {
  for (const [i, { options, shapes }] of choices.entries()) {
    const isNone = Array.isArray(options.axis) && options.axis.length === 0;
    const empty = spec.empty === true && !isNone ? [[0], [2, 0, 3]] : [];
    opTest(`${name} ${JSON.stringify(options)}`, {
      run: (x) => run(x, options),
      reference: (x) => reduce(x, axesOf(options), options.keepdims ?? false, fn),
      length: (shape) => count(shape as readonly number[]),
      ...spec,
      ...(isNone ? { ops: [] } : {}),
      shapes: i === 0 ? [...shapes, ...empty] : shapes,
    });
  }
}

const accumulated = (dtype: DType): DType =>
  dtype === "bool" || dtype === "int8" || dtype === "int16"
    ? "int32"
    : dtype === "uint8" || dtype === "uint16"
      ? "uint32"
      : dtype;

reductionTest("sum", ops.sum, add, { ops: ["sum"], empty: true });
reductionTest("sum of integers", ops.sum, add, {
  dtypes: [...integerDTypes, "bool"],
  inputs: uniform(-5, 5),
  resultDType: accumulated,
  differentiable: false,
});
const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);
reductionTest("prod", ops.prod, product, {
  ops: ["prod"],
  inputs: oneOf([-1.25, -0.75, 0.875, 1, 1.125, 1.25]),
  dtypes: ["float32", "float64"],
  empty: true,
});
reductionTest("prod of integers", ops.prod, product, {
  dtypes: integerDTypes,
  inputs: oneOf([1, 1, 1, 1, 1, 2]),
  resultDType: accumulated,
  differentiable: false,
});
opTest("prod with zeros", {
  run: (x) => ops.prod(x, { axis: -1 }),
  reference: (x) => reduce(x, [-1], false, product),
  shapes: [[8, 3]],
  inputs: oneOf([0, 1.5, 2]),
  dtypes: ["float64", "float32"],
  // At a zero the derivative is the product of the others; that one jumps with more zeros.
  secondDerivative: false,
});
reductionTest("max", ops.max, (values) => Math.max(...values), {
  ops: ["max"],
  inputs: distinct(0.0625),
  dtypes: ["float32", "float64", "float16"],
  cancels: false,
});
reductionTest("min", ops.min, (values) => Math.min(...values), {
  ops: ["min"],
  inputs: distinct(0.0625),
  dtypes: ["float32", "float64", "float16"],
  cancels: false,
});
for (const [name, fn] of [
  ["max", Math.max],
  ["min", Math.min],
] as const) {
  reductionTest(`${name} of integers`, ops[name], (values) => fn(...values), {
    dtypes: [...integerDTypes, "bool", "bfloat16"],
    inputs: uniform(-50, 50),
    differentiable: false,
    cancels: false,
  });
  reductionTest(`a${name}`, ops[`a${name}`], (values) => fn(...values), {
    inputs: distinct(0.0625),
    dtypes: ["float32"],
    cancels: false,
  });
}
opTest("max with an initial value", {
  run: (x) => ops.max(x, { axis: 0, initial: 0.3 }),
  reference: (x) => reduce(x, [0], false, (values) => Math.max(0.3, ...values)),
  shapes: [[3, 5]],
  inputs: distinct(),
});
opTest("max with NaN", {
  run: (x) => ops.max(x, { axis: -1 }),
  reference: (x) => reduce(x, [-1], false, (values) => Math.max(...values)),
  shapes: [
    [9, 3],
    [2, 40],
  ],
  inputs: oneOf([Number.NaN, 1, 2, 3, Number.NEGATIVE_INFINITY]),
  differentiable: false,
});
const truths = {
  dtypes: ["bool", ...numberDTypes] as readonly DType[],
  inputs: oneOf([0, 1, 1]),
  resultDType: "bool",
  differentiable: false,
  empty: true,
} as const;
reductionTest("any", ops.any, (values) => Number(values.some((v) => v !== 0)), {
  ops: ["any"],
  ...truths,
});
reductionTest("all", ops.all, (values) => Number(values.every((v) => v !== 0)), {
  ops: ["all"],
  ...truths,
});

const first =
  (better: (a: number, b: number) => boolean) =>
  (values: readonly number[]): number =>
    values.reduce((best, v, i) => (better(v, values[best] as number) ? i : best), 0);
for (const [name, pick] of [
  ["argmax", first((a, b) => a > b)],
  ["argmin", first((a, b) => a < b)],
] as const) {
  for (const [options, shapes] of [
    [{}, [[], [37], [3, 5], [1, 2, 1, 3, 1, 2]]],
    [{ axis: -1 }, [[5], [3, 37], [2, 1, 4]]],
    [{ axis: 0, keepdims: true }, [[5], [7, 3]]],
    [{ axis: 1 }, [[2, 5, 3]]],
  ] as const) {
    opTest(`${name} ${JSON.stringify(options)}`, {
      ops: [name],
      run: (x) => ops[name](x, options),
      reference: (x) =>
        reduce(
          x,
          "axis" in options ? [options.axis] : null,
          "keepdims" in options && options.keepdims,
          pick,
        ),
      shapes,
      dtypes: [...numberDTypes, "bool"],
      // Ties: the first one counts.
      inputs: integers(0, 3),
      resultDType: "int32",
      differentiable: false,
    });
  }
}

reductionTest("mean", ops.mean, mean, { steps: 2 });
reductionTest("mean of integers", ops.mean, mean, {
  dtypes: integerDTypes,
  inputs: uniform(-5, 5),
  resultDType: "float32",
  differentiable: false,
  steps: 2,
});
reductionTest("variance", ops.variance, variance, { steps: 4, gradientSteps: 8 });
reductionTest("std", ops.std, (values) => Math.sqrt(variance(values)), {
  steps: 4,
  gradientSteps: 12,
  // sqrt has no derivative at 0, the deviation of one element.
  differentiable: false,
});
opTest("gradient of std", {
  run: (x) => ops.std(x, { axis: -1 }),
  reference: (x) => reduce(x, [-1], false, (values) => Math.sqrt(variance(values))),
  shapes: [[3, 5]],
  length: 5,
  steps: 4,
  gradientSteps: 12,
});
for (const options of [{}, { axis: 0 }, { axis: [0, 2] }]) {
  opTest(`countNonzero ${JSON.stringify(options)}`, {
    run: (x) => ops.countNonzero(x, options),
    reference: (x) => reduce(x, axesOf(options), false, (v) => v.filter((n) => n !== 0).length),
    shapes: [[3, 5, 2]],
    dtypes: [...numberDTypes, "bool"],
    inputs: integers(0, 2),
    resultDType: "int32",
    differentiable: false,
  });
}
const logsumexp = (values: readonly number[]): number => {
  const top = Math.max(...values);
  return top + Math.log(add(values.map((v) => Math.exp(v - top))));
};
reductionTest("logsumexp", ops.logsumexp, logsumexp, { steps: 4, gradientSteps: 8 });
opTest("logsumexp of infinities", {
  run: (x) => ops.logsumexp(x, { axis: 0 }),
  reference: (x) => map({ shape: [1], data: x.data.slice(0, 1) }, (v) => v) as Nd,
  shapes: [[4, 1]],
  inputs: oneOf([Number.NEGATIVE_INFINITY]),
  differentiable: false,
});
