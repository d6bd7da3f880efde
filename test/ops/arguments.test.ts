/** What ops refuse, and how: typed errors that name the op, never a crash. */
import { describe, expect, test } from "vitest";
import {
  ArgumentError,
  DTypeError,
  type KeratinError,
  OutOfMemoryError,
  ops,
  random,
  ShapeError,
  type Tensor,
  tensor,
  UnsupportedError,
} from "../../src/index.ts";

type ErrorClass = new (...args: never[]) => KeratinError;

function caught(fn: () => unknown): KeratinError {
  try {
    fn();
  } catch (error) {
    return error as KeratinError;
  }
  throw new Error("nothing was thrown");
}

/** Asserts the class and that the message names the op. */
function refuses(fn: () => unknown, Class: ErrorClass | readonly ErrorClass[], says: RegExp): void {
  const error = caught(fn);
  const classes = Array.isArray(Class) ? Class : [Class];
  expect(
    classes.some((c) => error instanceof c),
    `${error.constructor.name}: ${error.message}`,
  ).toBe(true);
  expect(error.message).toMatch(says);
}

const matrix = ops.ones([2, 3]);
const vector = ops.ones([3]);

describe("axes out of range", () => {
  const withAxis: Record<string, (axis: number) => unknown> = {
    sum: (axis) => ops.sum(matrix, { axis }),
    prod: (axis) => ops.prod(matrix, { axis }),
    max: (axis) => ops.max(matrix, { axis }),
    min: (axis) => ops.min(matrix, { axis }),
    any: (axis) => ops.any(matrix, { axis }),
    all: (axis) => ops.all(matrix, { axis }),
    mean: (axis) => ops.mean(matrix, { axis }),
    var: (axis) => ops.variance(matrix, { axis }),
    logsumexp: (axis) => ops.logsumexp(matrix, { axis }),
    count_nonzero: (axis) => ops.countNonzero(matrix, { axis }),
    argmax: (axis) => ops.argmax(matrix, { axis }),
    argmin: (axis) => ops.argmin(matrix, { axis }),
    softmax: (axis) => ops.softmax(matrix, { axis }),
    log_softmax: (axis) => ops.logSoftmax(matrix, { axis }),
    sparsemax: (axis) => ops.sparsemax(matrix, { axis }),
    glu: (axis) => ops.glu(matrix, { axis }),
    cumsum: (axis) => ops.cumsum(matrix, { axis }),
    sort: (axis) => ops.sort(matrix, { axis }),
    argsort: (axis) => ops.argsort(matrix, { axis }),
    flip: (axis) => ops.flip(matrix, { axis }),
    squeeze: (axis) => ops.squeeze(matrix, { axis }),
    concatenate: (axis) => ops.concatenate([matrix, matrix], { axis }),
    split: (axis) => ops.split(matrix, 1, { axis }),
    repeat: (axis) => ops.repeat(matrix, 2, { axis }),
    take: (axis) => ops.take(matrix, [0], { axis }),
    take_along_axis: (axis) => ops.takeAlongAxis(matrix, [[0]], { axis }),
    swapaxes: (axis) => ops.swapaxes(matrix, axis, 0),
    moveaxis: (axis) => ops.moveaxis(matrix, axis, 0),
    normalize: (axis) => ops.normalize(matrix, { axis }),
    layer_normalization: (axis) => ops.layerNormalization(matrix, { axis }),
    batch_normalization: (axis) => ops.batchNormalization(matrix, vector, vector, axis),
    moments: (axis) => ops.moments(matrix, [axis]),
    categorical_crossentropy: (axis) => ops.categoricalCrossentropy(matrix, matrix, { axis }),
  };
  test.each(Object.entries(withAxis))("%s", (name, run) => {
    for (const axis of [2, -3, 100]) {
      refuses(() => run(axis), ShapeError, new RegExp(`^${name}: axis ${axis} is out of range`));
    }
    refuses(() => run(0.5), ArgumentError, new RegExp(`^${name}: expected an integer axis`));
  });
  test("axes that come twice", () => {
    refuses(() => ops.sum(matrix, { axis: [0, -2] }), ShapeError, /^sum: axis 0 is given twice/);
    refuses(() => ops.transpose(matrix, { axes: [0, 0] }), ShapeError, /^transpose: /);
    refuses(() => ops.transpose(matrix, { axes: [0] }), ShapeError, /no permutation/);
  });
});

describe("shapes that clash", () => {
  const pairs: Record<string, (a: Tensor, b: Tensor) => unknown> = {
    add: ops.add,
    subtract: ops.subtract,
    multiply: ops.multiply,
    divide: ops.divide,
    floor_divide: ops.floorDivide,
    mod: ops.mod,
    power: ops.power,
    maximum: ops.maximum,
    minimum: ops.minimum,
    arctan2: ops.arctan2,
    equal: ops.equal,
    less: ops.less,
    logical_and: ops.logicalAnd,
  };
  test.each(Object.entries(pairs))("%s", (name, run) => {
    const error = caught(() => run(ops.ones([2, 3]), ops.ones([2, 4])));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.op).toBe(name);
    expect(error.shapes).toEqual([
      [2, 3],
      [2, 4],
    ]);
    expect(error.message).toContain("(3 vs 4)");
  });
  test("where", () => {
    refuses(() => ops.where(ops.ones([2]), vector, vector), ShapeError, /^where: /);
    refuses(() => ops.where(matrix, vector, null as never), ArgumentError, /^where: /);
  });
  test("matmul, dot, tensordot", () => {
    const error = caught(() => ops.matmul(ops.ones([32, 784]), ops.ones([512, 10])));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toContain("[32, 784] x [512, 10] (784 vs 512)");
    expect(error.shapes).toEqual([
      [32, 784],
      [512, 10],
    ]);
    refuses(() => ops.matmul(ops.ones([]), vector), ShapeError, /^matmul: /);
    refuses(
      () => ops.matmul(ops.ones([2, 3, 4]), ops.ones([3, 4, 5])),
      ShapeError,
      /^matmul: .*\(2 vs 3\)/,
    );
    refuses(() => ops.dot(matrix, ops.ones([2])), ShapeError, /inner axes differ/);
    refuses(() => ops.tensordot(matrix, matrix, { axes: 1 }), ShapeError, /^tensordot: /);
    refuses(
      () => ops.tensordot(matrix, matrix, { axes: 3 }),
      [ShapeError, ArgumentError],
      /^tensordot: /,
    );
    refuses(
      () => ops.tensordot(matrix, matrix, { axes: [[0], [0, 1]] }),
      ArgumentError,
      /^tensordot: /,
    );
  });
  test("concatenate, stack", () => {
    refuses(() => ops.concatenate([matrix, vector]), ShapeError, /^concatenate: /);
    refuses(() => ops.concatenate([matrix, ops.ones([2, 4])]), ShapeError, /beside axis 0/);
    refuses(() => ops.concatenate([]), ArgumentError, /^concatenate: /);
    refuses(() => ops.stack([matrix, vector]), ShapeError, /^stack: /);
  });
  test("reshape, squeeze, broadcastTo, split, pad", () => {
    refuses(() => ops.reshape(matrix, [4, 2]), ShapeError, /\[2, 3\] \(6 elements\) into \[4, 2\]/);
    refuses(() => ops.reshape(matrix, [-1, -1]), ShapeError, /at most one/);
    refuses(() => ops.reshape(matrix, [-1, 4]), ShapeError, /no multiple/);
    refuses(() => ops.reshape(matrix, [-2, 3]), ShapeError, /^reshape: /);
    refuses(() => ops.reshape(matrix, [1.5, 4]), ShapeError, /^reshape: /);
    refuses(() => ops.squeeze(matrix, { axis: 0 }), ShapeError, /^squeeze: /);
    refuses(() => ops.broadcastTo(matrix, [3, 3]), ShapeError, /^broadcast_to: /);
    refuses(() => ops.broadcastTo(matrix, [3]), ShapeError, /^broadcast_to: /);
    refuses(() => ops.split(matrix, 2, { axis: 1 }), ShapeError, /^split: /);
    refuses(() => ops.split(matrix, 0), [ShapeError, ArgumentError], /^split: /);
    refuses(() => ops.pad(matrix, [[1, 1]].concat([[1, 1]], [[1, 1]])), ArgumentError, /^pad: /);
    refuses(() => ops.pad(matrix, 0.5), ArgumentError, /^pad: /);
    refuses(() => ops.pad(matrix, -3), [ShapeError, ArgumentError], /^pad: /);
    refuses(() => ops.pad(matrix, 5, { mode: "reflect" }), ShapeError, /^pad: /);
  });
  test("take_along_axis, top_k, in_top_k", () => {
    refuses(
      () => ops.takeAlongAxis(matrix, [[0], [0], [0]], { axis: 1 }),
      ShapeError,
      /^take_along_axis: /,
    );
    refuses(() => ops.topK(matrix, 4), ShapeError, /^top_k: /);
    refuses(() => ops.topK(matrix, -1), ArgumentError, /^top_k: /);
    refuses(() => ops.topK(matrix, 1.5), ArgumentError, /^top_k: /);
    refuses(() => ops.topK(ops.ones([]), 1), ShapeError, /^top_k: /);
    refuses(() => ops.inTopK([0, 1, 2], matrix, 1), ShapeError, /^in_top_k: /);
    refuses(() => ops.inTopK([0], vector, 1), ShapeError, /^in_top_k: /);
  });
  test("cross-entropies", () => {
    refuses(
      () => ops.categoricalCrossentropy(matrix, vector),
      ShapeError,
      /^categorical_crossentropy: /,
    );
    refuses(() => ops.sparseCategoricalCrossentropy([0], matrix), ShapeError, /^sparse_/);
    refuses(() => ops.binaryCrossentropy(matrix, vector), ShapeError, /^binary_crossentropy: /);
  });
  test("convolution and pooling", () => {
    const image = ops.ones([1, 5, 5, 3]);
    refuses(() => ops.conv(image, ops.ones([3, 3, 2, 4])), ShapeError, /^conv: /);
    refuses(() => ops.conv(image, ops.ones([3, 3, 3])), ShapeError, /^conv: /);
    refuses(() => ops.conv(image, ops.ones([7, 7, 3, 4])), ShapeError, /^conv: no window/);
    refuses(() => ops.conv(image, ops.ones([3, 3, 0, 4])), ShapeError, /^conv: /);
    refuses(() => ops.conv(image, ops.ones([0, 3, 3, 4])), ShapeError, /^conv: /);
    refuses(
      () => ops.conv(image, ops.ones([3, 3, 3, 4]), { strides: 0 }),
      ArgumentError,
      /strides/,
    );
    refuses(
      () => ops.conv(image, ops.ones([3, 3, 3, 4]), { dilationRate: -1 }),
      ArgumentError,
      /dilation/,
    );
    refuses(() => ops.conv(vector, vector), ShapeError, /^conv: /);
    refuses(() => ops.maxPool(image, 6), ShapeError, /^max_pool: no window/);
    refuses(() => ops.maxPool(image, 0), ArgumentError, /^max_pool: /);
    refuses(() => ops.averagePool(image, [2, 2, 2]), ArgumentError, /^average_pool: /);
    refuses(() => ops.averagePool(vector, 2), ShapeError, /^average_pool: /);
  });
  test("extremes of nothing", () => {
    const empty = ops.zeros([2, 0]);
    refuses(() => ops.max(empty, { axis: 1 }), ShapeError, /^max: /);
    refuses(() => ops.min(empty), ShapeError, /^min: /);
    refuses(() => ops.argmax(empty, { axis: 1 }), ShapeError, /^argmax: /);
    refuses(() => ops.argmin(empty), ShapeError, /^argmin: /);
  });
  test("matrices", () => {
    refuses(() => ops.qr(vector), ShapeError, /^qr: /);
    refuses(() => ops.tril(ops.ones([])), ShapeError, /^tril: /);
    refuses(() => ops.triu(vector), ShapeError, /^triu: /);
  });
});

describe("dtypes that do not fit", () => {
  test("indices must be integers", () => {
    refuses(() => ops.take(matrix, tensor([0.5]), { axis: 0 }), DTypeError, /^take: /);
    refuses(() => ops.takeAlongAxis(matrix, matrix, { axis: 0 }), DTypeError, /^take_along_axis: /);
  });
  test("bits need integers", () => {
    for (const run of [ops.bitwiseAnd, ops.bitwiseOr, ops.bitwiseXor, ops.leftShift]) {
      refuses(() => run(matrix, matrix), [DTypeError, UnsupportedError], /bitwise|shift/);
    }
    refuses(() => ops.bitwiseNot(matrix), [DTypeError, UnsupportedError], /^bitwise_not: /);
  });
  test("no such dtype", () => {
    refuses(() => ops.cast(matrix, "float17" as never), DTypeError, /float17/);
    refuses(() => ops.zeros([2], { dtype: "complex64" as never }), UnsupportedError, /complex64/);
    refuses(() => random.normal([2], { dtype: "int32" as never }), DTypeError, /normal: /);
  });
  test("no tensor at all", () => {
    for (const value of [null, undefined, {}, "1", () => 1]) {
      refuses(() => ops.exp(value as never), [ArgumentError, DTypeError], /^exp: /);
      refuses(() => ops.add(matrix, value as never), [ArgumentError, DTypeError], /^add: /);
    }
    refuses(() => ops.exp([[1, 2], [3]]), ShapeError, /rows differ/);
    refuses(() => ops.exp([1, "2"] as never), DTypeError, /^exp: /);
  });
});

describe("sizes beyond what there is", () => {
  const size = [ShapeError, OutOfMemoryError];
  test("shapes that are none", () => {
    for (const shape of [[-1], [1.5], [Number.NaN], [2 ** 31], [Number.POSITIVE_INFINITY]]) {
      refuses(() => ops.zeros(shape), ShapeError, /^zeros: /);
      refuses(() => ops.full(shape, 1), ShapeError, /^full: /);
      refuses(() => random.uniform(shape), ShapeError, /^uniform: /);
    }
    refuses(() => ops.zeros(new Array(13).fill(1)), ShapeError, /13 axes/);
    refuses(() => ops.eye(-1), ShapeError, /^eye: /);
    refuses(() => ops.oneHot([0], -1), ShapeError, /^one_hot: /);
    refuses(() => ops.arange(0, 2 ** 40), ShapeError, /^arange: /);
    refuses(() => ops.arange(0, Number.NaN), [ShapeError, ArgumentError], /^arange: /);
    refuses(() => ops.linspace(0, 1, { num: -1 }), [ShapeError, ArgumentError], /^linspace: /);
    refuses(() => ops.repeat(matrix, -1), ArgumentError, /^repeat: /);
    refuses(() => ops.tile(matrix, -1), [ShapeError, ArgumentError], /^tile: /);
    refuses(() => ops.tile(matrix, 0.5), [ShapeError, ArgumentError], /^tile: /);
  });
  test("more elements than can be counted", () => {
    const huge = 2 ** 30;
    refuses(() => ops.zeros([huge, huge, huge]), ShapeError, /^zeros: /);
    refuses(() => ops.broadcastTo(ops.ones([]), [huge, huge, huge]), ShapeError, /^broadcast_to: /);
    refuses(() => ops.tile(ops.ones([4]), [huge, huge, huge]), ShapeError, /^tile: /);
  });
  test("more bytes than there are", () => {
    const side = 2 ** 24;
    const column = ops.ones([side, 1], { dtype: "int8" });
    const row = ops.ones([1, side], { dtype: "int8" });
    refuses(() => ops.add(column, row), size, /2\^|memory|elements|bytes/i);
    refuses(() => ops.where(ops.equal(column, column), row, row), size, /memory|elements|bytes/i);
    refuses(() => ops.matmul(column, row), size, /memory|elements|bytes/i);
    refuses(() => ops.broadcastTo(row, [side, side]), size, /memory|elements|bytes/i);
    refuses(() => ops.repeat(ops.ravel(row), side), ShapeError, /lengths are integers/);
    refuses(() => ops.zeros([side, side]), size, /memory|elements|bytes/i);
    refuses(
      () =>
        ops.pad(row, [
          [side, 0],
          [0, 0],
        ]),
      size,
      /memory|elements|bytes/i,
    );
    refuses(
      () => ops.oneHot(ops.ravel(column), side, { dtype: "int8" }),
      size,
      /memory|elements|bytes/i,
    );
    refuses(() => random.uniform([side, side]), size, /memory|elements|bytes/i);
  });
  test("after such a refusal everything goes on", async () => {
    expect(caught(() => ops.zeros([2 ** 24, 2 ** 24]))).toBeInstanceOf(OutOfMemoryError);
    expect(await ops.sum(ops.ones([3])).item()).toBe(3);
  });
});

describe("signatures", () => {
  test("unknown options and surplus arguments", () => {
    refuses(() => ops.sum(matrix, { axes: 0 } as never), ArgumentError, /^sum: no option "axes"/);
    const call = ops.exp as unknown as (...args: unknown[]) => unknown;
    refuses(() => call(matrix, 1), ArgumentError, /^exp: 2 arguments are too many/);
    const reduce = ops.sum as unknown as (...args: unknown[]) => unknown;
    refuses(() => reduce(matrix, 0), ArgumentError, /^sum: expected options/);
  });
});

describe("arguments that are half right", () => {
  const cube = ops.ones([2, 2, 3]);
  const cases: readonly [string, () => unknown, ErrorClass, RegExp, (readonly number[])[]?][] = [
    [
      "moveaxis",
      () => ops.moveaxis(matrix, [0, 0], [0, 1]),
      ShapeError,
      /\[2, 3\] twice/,
      [[2, 3]],
    ],
    ["moveaxis", () => ops.moveaxis(matrix, [0, 1], [1, -1]), ShapeError, /twice/, [[2, 3]]],
    ["stack", () => ops.stack([]), ArgumentError, /at least one tensor/],
    ["stack", () => ops.stack(matrix as never), ArgumentError, /an array of tensors/],
    ["stack", () => ops.stack([ops.ones(new Array(12).fill(1))]), ShapeError, /13 axes/],
    ["concatenate", () => ops.concatenate(matrix as never), ArgumentError, /an array of tensors/],
    ["split", () => ops.split(vector, 0.5), ArgumentError, /0\.5 for shape \[3\]/, [[3]]],
    ["split", () => ops.split(vector, [0.5]), ArgumentError, /\[0\.5\]/, [[3]]],
    ["split", () => ops.split(vector, [Number.NaN]), ArgumentError, /NaN/, [[3]]],
    ["split", () => ops.split(ops.zeros([0]), 1e10), ArgumentError, /10000000000/, [[0]]],
    ["array_split", () => ops.arraySplit(vector, [0.5]), ArgumentError, /\[0\.5\]/, [[3]]],
    ["array_split", () => ops.arraySplit(vector, 1e10), ArgumentError, /10000000000/, [[3]]],
    ["hsplit", () => ops.hsplit(matrix, 2), ShapeError, /2 equal parts/, [[2, 3]]],
    ["pad", () => ops.pad(matrix, -1, { mode: "reflect" }), ArgumentError, /negative/, [[2, 3]]],
    ["pad", () => ops.pad(matrix, -1), ArgumentError, /negative/, [[2, 3]]],
    ["pad", () => ops.pad(vector, [[1, 2, 3]]), ArgumentError, /widths/],
    ["pad", () => ops.pad(vector, 1, { mode: "toString" as never }), ArgumentError, /mode must be/],
    ["tile", () => ops.tile(matrix, [-1, 1]), ArgumentError, /\[-1, 1\]/, [[2, 3]]],
    ["repeat", () => ops.repeat(matrix, 2 ** 31, { axis: 0 }), ShapeError, /4294967296/],
    ["repeat", () => ops.repeat(vector, [2 ** 31, 1, 1]), ShapeError, /2147483650/],
    ["roll", () => ops.roll(matrix, 0.5), ArgumentError, /shift must be an integer, got 0\.5/],
    ["roll", () => ops.roll(matrix, [], { axis: 0 }), ArgumentError, /at least one/, [[2, 3]]],
    ["rot90", () => ops.rot90(matrix, { k: 0.5 }), ArgumentError, /k must be an integer/],
    ["rot90", () => ops.rot90(matrix, { axes: [0, -2] }), ArgumentError, /two different axes/],
    ["flip", () => ops.flip(matrix, { axis: [0, -2] }), ShapeError, /twice/],
    ["squeeze", () => ops.squeeze(matrix, { axis: [0, 0] }), ShapeError, /twice/],
    [
      "expand_dims",
      () => ops.expandDims(ops.ones(new Array(12).fill(1)), 0),
      ShapeError,
      /13 axes/,
    ],
    ["expand_dims", () => ops.expandDims(matrix, [0, 0]), ShapeError, /twice/],
    ["reshape", () => ops.reshape(matrix, "a" as never), ShapeError, /expected a shape/],
    ["broadcast_to", () => ops.broadcastTo(matrix, 3 as never), ShapeError, /expected a shape/],
    ["zeros", () => ops.zeros(null as never), ShapeError, /expected a shape/],
    ["full", () => ops.full([2], ops.ones([3])), ShapeError, /3 vs 2/, [[3], [2]]],
    ["eye", () => ops.eye(2, { k: 0.5 }), ArgumentError, /k must be an integer/],
    ["tril", () => ops.tril(matrix, { k: 0.5 }), ArgumentError, /k must be an integer/],
    ["diagonal", () => ops.diagonal(matrix, { offset: 0.5 }), ArgumentError, /offset must be/],
    ["trace", () => ops.trace(matrix, { offset: 0.5 }), ArgumentError, /offset must be/],
    ["slice", () => ops.slice(matrix, [0.5, 0], [1, 1]), ArgumentError, /start must be an integer/],
    ["get_item", () => ops.getItem(matrix, [{ step: 0.5 }]), ArgumentError, /step must be/],
    ["get_item", () => ops.getItem(matrix, [{ start: 0.5 }]), ArgumentError, /start must be/],
    ["dot", () => ops.dot(matrix, matrix), ShapeError, /\[2, 3\] x \[2, 3\] \(3 vs 2\)/],
    [
      "matmul",
      () => ops.matmul(cube, ops.ones([3, 3, 2])),
      ShapeError,
      /\[2, 2, 3\] x \[3, 3, 2\].*\(2 vs 3\)/,
      [
        [2, 2, 3],
        [3, 3, 2],
      ],
    ],
    [
      "tensordot",
      () =>
        ops.tensordot(matrix, matrix, {
          axes: [
            [0, 0],
            [0, 0],
          ],
        }),
      ShapeError,
      /twice/,
    ],
    ["einsum", () => ops.einsum("ij,jk->ik", matrix, matrix), ShapeError, /"j" differ: 3 vs 2/],
    [
      "dstack",
      () => ops.dstack([matrix, vector]),
      ShapeError,
      /\[2, 3\] and \[3\] differ/,
      [[2, 3], [3]],
    ],
    ["append", () => ops.append(matrix, vector, { axis: 0 }), ShapeError, /differ/, [[2, 3], [3]]],
    ["arange", () => ops.arange(0, 10, 0), ArgumentError, /the step is 0/],
    ["arange", () => ops.arange(0, 10, 1e-12), ShapeError, /10000000000000/],
  ];
  test.each(cases)("%s %#", (op, run, Class, says, shapes) => {
    const error = caught(run);
    expect(error, error.message).toBeInstanceOf(Class);
    expect(error.op).toBe(op);
    expect(error.message).toMatch(says);
    expect(error.message.startsWith(`${op}: `)).toBe(true);
    if (shapes !== undefined) expect(error.shapes).toEqual(shapes);
  });
});
