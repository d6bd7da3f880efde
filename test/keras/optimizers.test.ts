/** Clipping, schedules, loss scaling, averages and accumulation. */
import { describe, expect, test } from "vitest";
import {
  Input,
  layers,
  ops,
  optimizers,
  Sequential,
  StateError,
  type Tensor,
  tensor,
  Variable,
} from "../../src/index.ts";
import { distance, floats } from "../support/data.ts";
import { failure } from "../support/failing.ts";

const quiet = { verbose: 0, shuffle: false } as const;

const values = async (variable: Variable): Promise<number[]> =>
  Array.from((await variable.data()) as ArrayLike<number>);

/** What one step of SGD with rate 1 takes off two zero variables, for these gradients. */
async function steps(options: object, ...gradients: number[][]): Promise<number[][]> {
  const optimizer = new optimizers.SGD({ learningRate: 1, ...options });
  const variables = gradients.map((g) => new Variable(tensor(g.map(() => 0))));
  optimizer.build(variables);
  optimizer.apply(
    gradients.map((g) => tensor(g)),
    variables,
  );
  return Promise.all(variables.map(async (v) => (await values(v)).map((x) => 0 - x)));
}

describe("clipping", () => {
  test("clipnorm: each gradient to its own norm", async () => {
    const [a, b] = await steps({ clipnorm: 1 }, [3, 4], [0.3, 0.4]);
    expect(distance(a as number[], [0.6, 0.8])).toBeLessThan(1e-6);
    expect(distance(b as number[], [0.3, 0.4])).toBeLessThan(1e-6);
  });

  test("globalClipnorm: all by one factor", async () => {
    const [a, b] = await steps({ globalClipnorm: 6.5 }, [3, 4], [12, 0]);
    expect(distance([...(a as number[]), ...(b as number[])], [1.5, 2, 6, 0])).toBeLessThan(1e-5);
    expect(await steps({ globalClipnorm: 100 }, [3, 4], [12, 0])).toEqual([
      [3, 4],
      [12, 0],
    ]);
  });

  test("clipvalue: each element", async () => {
    expect(await steps({ clipvalue: 2 }, [3, -4], [1, -1])).toEqual([
      [2, -2],
      [1, -1],
    ]);
  });

  test("a gradient of zeros stays one", async () => {
    expect(await steps({ clipnorm: 1 }, [0, 0])).toEqual([[0, 0]]);
  });

  test("only one of them", () => {
    expect(() => new optimizers.SGD({ clipnorm: 1, clipvalue: 1 })).toThrow(/only one of/);
  });

  test("in fit", async () => {
    const make = (options: object): Sequential => {
      const model = new Sequential([
        Input({ shape: [3] }),
        new layers.Dense(1, { kernelInitializer: "zeros" }),
      ]);
      model.compile({
        optimizer: new optimizers.SGD({ learningRate: 1, ...options }),
        loss: "mse",
      });
      return model;
    };
    const clipped = make({ globalClipnorm: 0.01 });
    const [x, y] = [floats([4, 3]), ops.multiply(floats([4, 1]), 1000)];
    await clipped.fit(x, y, quiet);
    const all = (await Promise.all(clipped.weights.map(values))).flat();
    expect(Math.hypot(...all)).toBeCloseTo(0.01, 6);
  });
});

describe("the learning rate", () => {
  test("is a number that can be set", async () => {
    const optimizer = new optimizers.SGD({ learningRate: 0.5 });
    optimizer.learningRate = 0.25;
    expect(await optimizer.learningRate.item()).toBe(0.25);
    expect(optimizer.getConfig()["learning_rate"]).toBe(0.25);
  });

  test("follows a schedule by the steps done", async () => {
    const schedule = new optimizers.schedules.PiecewiseConstantDecay([1, 2], [4, 2, 1]);
    const optimizer = new optimizers.SGD({ learningRate: schedule });
    const w = new Variable(tensor([0]));
    const taken: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = (await values(w))[0] as number;
      optimizer.apply([tensor([1])], [w]);
      taken.push(before - ((await values(w))[0] as number));
    }
    expect(taken).toEqual([4, 4, 2, 1]);
    const error = await failure(StateError, () => {
      optimizer.learningRate = 1;
    });
    expect(error.message).toMatch(/schedule/);
  });

  test("refuses what is none", () => {
    expect(() => new optimizers.SGD({ learningRate: "fast" as never })).toThrow(/learningRate/);
  });
});

describe("loss scaling", () => {
  const scaleOf = async (o: optimizers.LossScaleOptimizer): Promise<number> =>
    (await values(o.dynamicScale as Variable))[0] as number;

  test("skips a step that overflowed, halves the scale, and goes on", async () => {
    const inner = new optimizers.Adam({ learningRate: 0.1 });
    const optimizer = new optimizers.LossScaleOptimizer(inner, { initialScale: 8 });
    const w = new Variable(tensor([1, 2]));
    optimizer.build([w]);
    const state = async (): Promise<number[][]> =>
      Promise.all([w, ...inner.variables].map((v) => values(v)));
    const before = await state();
    for (const bad of [Number.POSITIVE_INFINITY, Number.NaN]) {
      optimizer.apply([tensor([1, bad])], [w]);
    }
    expect(await state()).toEqual(before);
    expect(await scaleOf(optimizer)).toBe(2);
    optimizer.apply([tensor([2, 2])], [w]);
    expect(await state()).not.toEqual(before);
    expect(await inner.iterations.item()).toBe(1);
  });

  test("divides gradients by the scale, and raises it after enough good steps", async () => {
    const inner = new optimizers.SGD({ learningRate: 1 });
    const optimizer = new optimizers.LossScaleOptimizer(inner, {
      initialScale: 4,
      dynamicGrowthSteps: 3,
    });
    const w = new Variable(tensor([0]));
    optimizer.build([w]);
    expect(await optimizer.scaleLoss(tensor(2)).item()).toBe(8);
    for (let i = 0; i < 3; i++) {
      expect(await scaleOf(optimizer)).toBe(4);
      optimizer.apply([tensor([4])], [w]);
    }
    expect(await values(w)).toEqual([-3]);
    expect(await scaleOf(optimizer)).toBe(8);
  });

  test("comes by itself with mixed_float16, and trains", async () => {
    const model = new Sequential([
      Input({ shape: [4] }),
      new layers.Dense(8, { activation: "relu", dtype: "mixed_float16" }),
      new layers.Dense(1, { dtype: "mixed_float16" }),
    ]);
    model.dtypePolicy = "mixed_float16";
    model.compile({ optimizer: "adam", loss: "mse" });
    expect(model.optimizer).toBeInstanceOf(optimizers.LossScaleOptimizer);
    const data = [floats([32, 4]), floats([32, 1], 2)] as const;
    const { history } = await model.fit(...data, { ...quiet, epochs: 30 });
    const losses = history["loss"] as number[];
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) * 0.9);
    model.compile({ optimizer: "adam", loss: "mse", autoScaleLoss: false });
    expect(model.optimizer).toBeInstanceOf(optimizers.Adam);
  });
});

describe("other ways of stepping", () => {
  test("accumulated gradients: one update by the mean", async () => {
    const optimizer = new optimizers.SGD({ learningRate: 1, gradientAccumulationSteps: 2 });
    const w = new Variable(tensor([0]));
    optimizer.build([w]);
    const seen: number[] = [];
    for (const g of [1, 3, 5, 7]) {
      optimizer.apply([tensor([g])], [w]);
      seen.push(...(await values(w)));
    }
    expect(seen.map((x) => x + 0)).toEqual([0, -2, -2, -8]);
    expect(await optimizer.iterations.item()).toBe(2);
  });

  test("averages of weights take their place in the end", async () => {
    const optimizer = new optimizers.SGD({ learningRate: 1, useEma: true, emaMomentum: 0.5 });
    const w = new Variable(tensor([0]));
    optimizer.build([w]);
    for (let i = 0; i < 3; i++) optimizer.apply([tensor([-2])], [w]);
    // Averages: 2, then (2 + 4) / 2, then (3 + 6) / 2.
    expect(await values(w)).toEqual([6]);
    optimizer.finalizeVariableValues([w]);
    expect(await values(w)).toEqual([4.5]);
  });

  test("weight decay, but for those left out", async () => {
    const optimizer = new optimizers.SGD({ learningRate: 0.5, weightDecay: 0.1 });
    const [w, bias] = [
      new Variable(tensor([1]), { name: "kernel" }),
      new Variable(tensor([1]), { name: "bias" }),
    ];
    optimizer.excludeFromWeightDecay({ varNames: ["bias"] });
    optimizer.build([w, bias]);
    optimizer.apply([tensor([0]), tensor([0])], [w, bias]);
    expect((await values(w))[0]).toBeCloseTo(0.95, 6);
    expect(await values(bias)).toEqual([1]);
    const error = await failure(StateError, () => optimizer.excludeFromWeightDecay({}));
    expect(error.message).toMatch(/before/);
  });

  test("constraints hold after each step", async () => {
    const layer = new layers.Dense(1, { kernelConstraint: "non_neg", kernelInitializer: "ones" });
    const model = new Sequential([Input({ shape: [1] }), layer]);
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 10 }), loss: "mse" });
    await model.fit([[1]], [[-5]], quiet);
    expect(await values(layer.kernel)).toEqual([0]);
  });

  test("another variable than it was built for", async () => {
    const optimizer = new optimizers.SGD();
    const [a, b] = [new Variable(tensor([0])), new Variable(tensor([0]), { name: "other" })];
    optimizer.build([a]);
    const error = await failure(StateError, () => optimizer.apply([tensor([1])], [b]));
    expect(error.message).toMatch(/other/);
  });
});

test("a step is the same, compiled and eagerly, for every optimizer", async () => {
  const all = Object.entries(optimizers).filter(
    ([name, value]) =>
      /^[A-Z]/.test(name) &&
      typeof value === "function" &&
      !["Optimizer", "LossScaleOptimizer"].includes(name),
  );
  expect(all.length).toBeGreaterThan(8);
  const [x, y]: [Tensor, Tensor] = [floats([12, 3]), floats([12, 2], 2)];
  for (const [name, Class] of all) {
    const train = async (runEagerly: boolean): Promise<number[]> => {
      const model = new Sequential([
        Input({ shape: [3] }),
        new layers.Dense(2, { kernelInitializer: "ones" }),
      ]);
      const optimizer = new (Class as unknown as new () => optimizers.Optimizer)();
      model.compile({ optimizer, loss: "mse", runEagerly });
      await model.fit(x, y, { ...quiet, batchSize: 4, epochs: 2 });
      return (await Promise.all(model.weights.map(values))).flat();
    };
    expect(distance(await train(false), await train(true)), name).toBeLessThan(1e-6);
  }
});
