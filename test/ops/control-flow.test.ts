/**
 * Branches, loops and scans.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError,
  GradientError,
  grad,
  jit,
  KerasTensor,
  memory,
  ops,
  random,
  ShapeError,
  type Tensor,
  tensor,
  Variable,
} from "../../src/index.ts";
import { devices, useDevice } from "../support/devices.ts";
import { settledMemory } from "../support/memory.ts";

type Fn = (x: Tensor) => Tensor;

/** f, f′ and f″ at x, eager and compiled. */
async function derivatives(f: Fn, x: number): Promise<number[][]> {
  const functions: Fn[] = [f, grad(f), grad((y: Tensor) => grad(f)(y))];
  const at = async (g: Fn): Promise<number> => Number(await g(tensor(x)).item());
  const rows: number[][] = [];
  for (const compile of [(g: Fn) => g, (g: Fn): Fn => jit(g)]) {
    const row: number[] = [];
    for (const g of functions) row.push(await at(compile(g)));
    rows.push(row);
  }
  return rows;
}

describe.each(devices)("control flow on %s", (name) => {
  beforeAll(() => useDevice(name));

  it("differentiates a scan twice", async () => {
    // w³ + w² + 2 w + 3
    const horner: Fn = (w) =>
      ops.scan((s: Tensor, v: Tensor) => [ops.add(ops.multiply(s, w), v), null], tensor(1), {
        xs: tensor([1, 2, 3]),
      })[0];
    expect(await derivatives(horner, 2)).toEqual([
      [19, 18, 14],
      [19, 18, 14],
    ]);
  });

  it("differentiates through stacked results, backwards and by what is scanned", async () => {
    const f: Fn = (w) => {
      const xs = ops.multiply(w, tensor([1, 2, 3]));
      const [last, ys] = ops.scan(
        (s: Tensor, v: Tensor) => [ops.multiply(s, v), ops.square(v)],
        ops.square(w),
        { xs, reverse: true },
      );
      return ops.add(last, ops.sum(ys));
    };
    // 6 w⁵ + 14 w²
    expect(await derivatives(f, 1)).toEqual([
      [20, 58, 148],
      [20, 58, 148],
    ]);
  });

  it("differentiates a bounded loop twice, an unbounded one not at all", async () => {
    const power =
      (limit?: number): Fn =>
      (w) =>
        ops.whileLoop(
          (i: Tensor) => ops.less(i, 3),
          (i: Tensor, y: Tensor) => [ops.add(i, 1), ops.multiply(y, w)],
          [0, tensor(1)],
          limit === undefined ? {} : { maximumIterations: limit },
        )[1];
    expect(await derivatives(power(5), 2)).toEqual([
      [8, 12, 12],
      [8, 12, 12],
    ]);
    expect(await power(2)(tensor(2)).item()).toBe(4);
    expect(await power()(tensor(2)).item()).toBe(8);
    expect(() => grad(power())(tensor(2))).toThrow(GradientError);
    expect(() => grad(power())(tensor(2))).toThrow(/maximumIterations/);
  });

  it("differentiates the branch that was taken", async () => {
    const f: Fn = (w) =>
      ops.cond(
        ops.greater(w, 1),
        () => ops.square(w),
        () => ops.multiply(w, 3),
      );
    expect(await derivatives(f, 2)).toEqual([
      [4, 4, 2],
      [4, 4, 2],
    ]);
    expect(await derivatives(f, 1)).toEqual([
      [3, 3, 0],
      [3, 3, 0],
    ]);
    // The other branch would divide by zero.
    const safe: Fn = (w) =>
      ops.cond(
        ops.equal(w, 0),
        () => ops.add(w, 1),
        () => ops.divide(1, w),
      );
    expect(await grad(safe)(tensor(0)).item()).toBe(1);
  });

  it("switches, clamped", async () => {
    const functions = [
      (y: Tensor) => y,
      (y: Tensor) => ops.square(y),
      (y: Tensor) => ops.negative(y),
    ];
    const found: unknown[] = [];
    for (const index of [-5, 0, 1, 2, 7]) {
      found.push(await ops.switch(index, functions, tensor(3)).item());
    }
    expect(found).toEqual([3, 3, 9, -3, -3]);
  });

  it("repeats with bounds that are numbers or tensors", async () => {
    const f = (upper: number | Tensor): Tensor =>
      ops.foriLoop(
        1,
        upper,
        (i: Tensor, s: Tensor) => ops.add(s, ops.cast(i, "float32")),
        tensor(0),
      );
    expect(await f(4).item()).toBe(6);
    expect(await f(tensor(4, { dtype: "int32" })).item()).toBe(6);
    expect(await f(1).item()).toBe(0);
    expect(await f(tensor(0, { dtype: "int32" })).item()).toBe(0);
    const byVariable = new Variable(3, { dtype: "float32" });
    const [d] = grad(
      () =>
        ops.foriLoop(
          0,
          3,
          (_: Tensor, s: Tensor) => ops.add(s, ops.square(byVariable.value)),
          tensor(0),
        ),
      { variables: [byVariable] },
    )();
    expect(await d?.item()).toBe(18);
  });

  it("maps over trees", async () => {
    const [sums, products] = ops.map(
      ({ a, b }: { a: Tensor; b: Tensor }) => [ops.add(a, b), ops.multiply(a, b)],
      { a: tensor([1, 2]), b: tensor([3, 4]) },
    );
    expect(await sums.array()).toEqual([4, 6]);
    expect(await products.array()).toEqual([3, 8]);
    expect(
      await ops
        .vectorizedMap(
          (x: Tensor) => ops.sum(x),
          tensor([
            [1, 2],
            [3, 4],
          ]),
        )
        .array(),
    ).toEqual([3, 7]);
  });

  it("keeps variables and random state in step with a plain loop", async () => {
    const v = new Variable(0, { dtype: "float32" });
    const seed = new random.SeedGenerator(1);
    const round = (s: Tensor): Tensor => {
      v.assignAdd(1);
      return ops.add(s, ops.multiply(v.value, random.uniform([], { seed })));
    };
    const loop = (): Tensor => ops.foriLoop(0, 4, (_: Tensor, s: Tensor) => round(s), tensor(0));
    const plain = (): Tensor => {
      let s = tensor(0) as Tensor;
      for (let i = 0; i < 4; i++) s = round(s);
      return s;
    };
    const results: unknown[] = [];
    for (const f of [plain, loop, jit(loop)]) {
      v.assign(0);
      seed.state.assign([1, 0]);
      results.push([await f().item(), await v.value.item(), await seed.state.array()]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("assigns in the branch that is taken only", async () => {
    const a = new Variable(1, { dtype: "float32" });
    const b = new Variable(2, { dtype: "float32" });
    const f = jit((x: Tensor) =>
      ops.cond(
        ops.greater(x, 0),
        () => ops.add(a.assign(ops.add(b.value, 10)), 0),
        () => ops.add(b.assign(ops.add(a.value, 100)), 0),
      ),
    );
    expect(await f(tensor(1)).item()).toBe(12);
    expect([await a.value.item(), await b.value.item()]).toEqual([12, 2]);
    expect(await f(tensor(-1)).item()).toBe(112);
    expect([await a.value.item(), await b.value.item()]).toEqual([12, 112]);
  });

  it("nests", async () => {
    const f: Fn = (w) =>
      ops.foriLoop(
        0,
        3,
        (i: Tensor, s: Tensor) =>
          ops.cond(
            ops.equal(i, 1),
            () => s,
            () => ops.scan((c: Tensor, _: null) => [ops.multiply(c, w), null], s, { length: 2 })[0],
          ),
        tensor(1),
      );
    // w⁴
    expect(await derivatives(f, 2)).toEqual([
      [16, 32, 48],
      [16, 32, 48],
    ]);
  });

  it("takes gradients inside of loops", async () => {
    // Gradient descent on (x - 3)².
    const step = (x: Tensor): Tensor =>
      ops.subtract(x, ops.multiply(0.25, grad((y: Tensor) => ops.square(ops.subtract(y, 3)))(x)));
    const f = (x: Tensor): Tensor => ops.foriLoop(0, 20, (_: Tensor, y: Tensor) => step(y), x);
    expect(Number(await f(tensor(0)).item())).toBeCloseTo(3, 4);
    expect(Number(await jit(f)(tensor(0)).item())).toBeCloseTo(3, 4);
    expect(Number(await grad(f)(tensor(0)).item())).toBeCloseTo(0.5 ** 20, 6);
  });

  it("runs no round of nothing", async () => {
    const [carry, ys] = ops.scan((s: Tensor, x: Tensor) => [ops.add(s, x), x], tensor(5), {
      xs: ops.zeros([0]),
    });
    expect(await carry.item()).toBe(5);
    expect(await ys.array()).toEqual([]);
  });

  it("refuses what does not fit", () => {
    const x = tensor([1, 2]);
    expect(() =>
      ops.cond(
        x,
        () => x,
        () => x,
      ),
    ).toThrow(ShapeError);
    expect(() =>
      ops.cond(
        true,
        () => x,
        () => tensor(1),
      ),
    ).toThrow(ShapeError);
    expect(() =>
      ops.cond(
        true,
        () => x,
        () => [x, x],
      ),
    ).toThrow(ArgumentError);
    expect(() => ops.cond(true, x as never, () => x)).toThrow(ArgumentError);
    expect(() =>
      ops.scan((s: Tensor) => [ops.stack([s, s]), null], tensor(1), { length: 2 }),
    ).toThrow(ShapeError);
    expect(() => ops.scan((s: Tensor) => [s, null], tensor(1))).toThrow(/length/);
    expect(() => ops.scan((s: Tensor) => s as never, tensor(1), { length: 1 })).toThrow(
      /\[carry, y\]/,
    );
    expect(() =>
      ops.whileLoop(
        () => x,
        (y: Tensor) => y,
        tensor(1),
      ),
    ).toThrow(ShapeError);
    expect(() =>
      ops.whileLoop(
        () => true,
        (y: Tensor) => y,
        tensor(1),
        { maximumIterations: -1 },
      ),
    ).toThrow(ArgumentError);
    expect(() => ops.map((y: Tensor) => y, tensor(1))).toThrow(ShapeError);
    expect(() => ops.switch(0, [], x)).toThrow(ArgumentError);
  });

  it("leaves no memory behind", async () => {
    const f = jit((x: Tensor) => ops.foriLoop(0, 10, (_: Tensor, y: Tensor) => ops.sin(y), x));
    const x = tensor([1, 2, 3]);
    f(x).dispose();
    await x.data();
    const { storages } = await settledMemory();
    for (let i = 0; i < 50; i++) f(x).dispose();
    await x.data();
    // Less where something older was found dead meanwhile.
    expect(memory().storages).toBeLessThanOrEqual(storages);
  });
});

describe("control flow on symbolic tensors", () => {
  it("knows the shape of what it gives", async () => {
    await useDevice("cpu");
    const x = new KerasTensor([null, 3]);
    expect(ops.map((y: Tensor) => ops.sum(y), x).shape).toEqual([null]);
    const [carry, ys] = ops.scan(
      (s: Tensor, y: Tensor) => [ops.add(s, y), ops.square(y)],
      ops.zeros([3]),
      {
        xs: x,
      } as never,
    );
    expect(carry.shape).toEqual([3]);
    expect(ys.shape).toEqual([null, 3]);
  });
});
