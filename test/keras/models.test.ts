/** Sequential, Functional and subclassed models: building, calling, names, summaries. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  Input,
  initializers,
  KerasTensor,
  Layer,
  layers,
  losses,
  Model,
  metrics,
  ops,
  optimizers,
  Sequential,
  ShapeError,
  StateError,
  saving,
  type Tensor,
  tensor,
  utils,
  type Variable,
  valueAndGrad,
} from "../../src/index.ts";
import type { CallOptions, LayerOptions } from "../../src/keras/layers/layer.ts";
import { distance, floats } from "../support/data.ts";
import { failure } from "../support/failing.ts";

const quiet = { verbose: 0, shuffle: false } as const;

beforeEach(() => utils.clearSession());

const flat = async (x: Tensor): Promise<Float32Array> => (await x.data()) as Float32Array;

describe("Sequential", () => {
  test("has weights from an Input on, or from its first call", () => {
    const given = new Sequential([Input({ shape: [3] }), new layers.Dense(2)]);
    expect(given.built).toBe(true);
    expect([given.inputShape, given.outputShape]).toEqual([
      [null, 3],
      [null, 2],
    ]);
    const later = new Sequential([new layers.Dense(2), new layers.Dense(4)]);
    expect(later.built).toBe(false);
    expect(later.weights).toEqual([]);
    expect(later(ops.ones([5, 3])).shape).toEqual([5, 4]);
    expect(later.weights.map(({ shape }) => shape)).toEqual([[3, 2], [2], [2, 4], [4]]);
  });

  test("grows and shrinks", () => {
    const model = new Sequential();
    model.add(Input({ shape: [3] }));
    model.add(new layers.Dense(2, { name: "a" }));
    model.add(new layers.Dense(4, { name: "b" }));
    expect(model.outputShape).toEqual([null, 4]);
    expect(model.pop()?.name).toBe("b");
    expect(model.outputShape).toEqual([null, 2]);
    expect(model.layers.map(({ name }) => name)).toEqual(["a"]);
  });

  test("refuses names twice, and what is no layer", () => {
    const model = new Sequential([new layers.Dense(1, { name: "a" })]);
    expect(() => model.add(new layers.Dense(1, { name: "a" }))).toThrow(/"a" is used twice/);
    expect(() => model.add(3 as never)).toThrow(/expected layers/);
  });

  test("is a layer of other models", () => {
    const inner = new Sequential([Input({ shape: [3] }), new layers.Dense(2)]);
    const outer = new Sequential([inner, new layers.Dense(1)]);
    expect(outer(ops.ones([4, 3])).shape).toEqual([4, 1]);
    expect(outer.weights).toHaveLength(4);
    inner.trainable = false;
    expect(outer.trainableWeights).toHaveLength(2);
  });
});

describe("Functional", () => {
  test("several inputs and outputs, in lists and by name", async () => {
    const [a, b] = [Input({ shape: [3], name: "a" }), Input({ shape: [2], name: "b" })];
    const sum = new layers.Add()([new layers.Dense(4)(a), new layers.Dense(4)(b)]);
    const head = new layers.Dense(1, { name: "head" })(sum);
    const lists = new Model([a, b], [sum, head]);
    const named = new Model({ a, b }, { sum, head });
    const [x, y] = [floats([5, 3], 1), floats([5, 2], 2)];
    const [first, second] = lists<[Tensor, Tensor]>([x, y]);
    const result = named<{ sum: Tensor; head: Tensor }>({ b: y, a: x });
    expect([first.shape, second.shape]).toEqual([
      [5, 4],
      [5, 1],
    ]);
    expect(await flat(result.head)).toEqual(await flat(second));
    expect(await flat(result.sum)).toEqual(await flat(first));
    lists.compile({ optimizer: "sgd", loss: ["mse", "mae"], lossWeights: [1, 0.5] });
    const { history } = await lists.fit([x, y], [floats([5, 4]), floats([5, 1])], quiet);
    expect(Object.keys(history)).toHaveLength(3);
    const [total, ...parts] = Object.values(history).map((values) => values[0] as number);
    expect(total).toBeCloseTo((parts[0] as number) + 0.5 * (parts[1] as number), 5);
  });

  test("layers that are shared have one set of weights, and learn from all calls", async () => {
    const shared = new layers.Dense(1, { useBias: false, kernelInitializer: "ones" });
    const [a, b] = [Input({ shape: [1] }), Input({ shape: [1] })];
    const model = new Model([a, b], new layers.Add()([shared(a), shared(b)]));
    expect(model.weights).toHaveLength(1);
    expect(shared.inboundNodes).toHaveLength(2);
    const inputs = [tensor([[2]]), tensor([[3]])];
    const [value, [gradient]] = valueAndGrad(() => ops.sum(model(inputs)) as Tensor, {
      variables: model.trainableWeights,
    })();
    expect(await value.item()).toBe(5);
    // d(2w + 3w)/dw
    expect(await (gradient as Tensor).array()).toEqual([[5]]);
  });

  test("models inside models, twice", async () => {
    const inner = new Sequential([
      Input({ shape: [2] }),
      new layers.Dense(2, { activation: "relu" }),
    ]);
    const x = Input({ shape: [2] });
    const model = new Model(x, inner(inner(x)));
    const data = floats([3, 2]);
    expect(await flat(model(data))).toEqual(await flat(inner(inner(data))));
    expect(model.weights).toHaveLength(2);
  });

  test("parts of a graph are models", async () => {
    const x = Input({ shape: [3] });
    const hidden = new layers.Dense(4)(x);
    const whole = new Model(x, new layers.Dense(1)(hidden));
    const features = new Model(x, hidden);
    const head = new Model(hidden, whole.output as KerasTensor);
    const data = floats([2, 3]);
    expect(await flat(head(features(data)))).toEqual(await flat(whole(data)));
  });

  test("ops and operators of Keras are steps too", async () => {
    const x = Input({ shape: [3] });
    const y = ops.relu(ops.subtract(x as never, 0.5)) as unknown as KerasTensor;
    expect(y).toBeInstanceOf(KerasTensor);
    const model = new Model(x, y);
    expect(await model(tensor([[0, 1, 2]])).array()).toEqual([[0, 0.5, 1.5]]);
  });

  test("getLayer", () => {
    const x = Input({ shape: [3] });
    const model = new Model(x, new layers.Dense(1, { name: "d" })(x), { name: "m" });
    expect(model.getLayer("d")).toBe(model.getLayer(1));
    expect(() => model.getLayer("e")).toThrow(/"m" has no layer "e".*d/);
  });

  test("outputs that do not follow from the inputs", () => {
    const [a, b] = [Input({ shape: [3] }), Input({ shape: [3] })];
    expect(() => new Model(a, new layers.Add()([a, b]))).toThrow(/input/);
  });

  test("an error in a layer inside names that layer", async () => {
    const x = Input({ shape: [null, 3] });
    const model = new Model(x, new layers.Dense(2, { name: "deep" })(x));
    const error = await failure(ShapeError, () => model(ops.ones([2, 4, 5])));
    expect(error.message).toMatch(/3/);
    expect(error.layer).toBeDefined();
  });
});

describe("subclasses", () => {
  class Residual extends Model {
    readonly dense: layers.Dense;
    readonly more: layers.Dense[];
    constructor(units: number, options: LayerOptions = {}) {
      super(options);
      this.dense = new layers.Dense(units, { activation: "relu" });
      this.more = [new layers.Dense(units), new layers.Dense(1)];
    }
    override call(x: Tensor, { training }: CallOptions = {}): Tensor {
      const [second, head] = this.more as [layers.Dense, layers.Dense];
      const hidden = this.dense(x);
      const y = ops.add(hidden, second(hidden)) as Tensor;
      return head(training ? ops.multiply(y, 1) : y);
    }
  }

  test("a model with a call of its own is built, trained and summarised", async () => {
    const model = new Residual(4);
    expect(model.weights).toHaveLength(0);
    model.compile({ optimizer: "sgd", loss: "mse" });
    const { history } = await model.fit(floats([8, 3]), floats([8, 1], 2), { ...quiet, epochs: 3 });
    expect(model.weights).toHaveLength(6);
    expect((history["loss"] as number[])[2]).toBeLessThan(
      (history["loss"] as number[])[0] as number,
    );
    expect(model.layers.map(({ name }) => name)).toEqual(["dense", "dense_1", "dense_2"]);
  });

  test("trainStep, with gradients and metrics of its own", async () => {
    class Custom extends Residual {
      readonly seen = new metrics.Mean({ name: "seen" });
      override trainStep([x, y]: Parameters<Model["trainStep"]>[0]): Record<string, Tensor> {
        const variables = this.trainableWeights;
        const [loss, gradients] = valueAndGrad(
          () => ops.mean(ops.square(ops.subtract(this.call(x as Tensor), y as Tensor))) as Tensor,
          { variables },
        )();
        this.optimizer?.apply(gradients, variables);
        this.seen.updateState(loss);
        return { seen: this.seen.result() as Tensor };
      }
    }
    const model = new Custom(4);
    model.compile({ optimizer: "sgd", loss: "mse" });
    const { history } = await model.fit(floats([8, 3]), floats([8, 1], 2), { ...quiet, epochs: 3 });
    expect(Object.keys(history)).toEqual(["seen"]);
    expect((history["seen"] as number[])[2]).toBeLessThan(
      (history["seen"] as number[])[0] as number,
    );
  });

  test("computeLoss", async () => {
    class Doubled extends Residual {
      override computeLoss(given: Parameters<Model["computeLoss"]>[0]): Tensor {
        return ops.multiply(super.computeLoss(given), 2) as Tensor;
      }
    }
    const make = (Class: typeof Residual): Model => {
      utils.clearSession();
      utils.setRandomSeed(1);
      const model = new Class(4);
      model.compile({ optimizer: "sgd", loss: "mse" });
      return model;
    };
    const [x, y] = [floats([8, 3]), floats([8, 1], 2)];
    const [plain, doubled] = [make(Residual), make(Doubled)];
    const [a, b] = [await plain.fit(x, y, quiet), await doubled.fit(x, y, quiet)];
    const [loss, twice] = [a, b].map(({ history }) => history["loss"]?.[0] as number);
    expect(twice).toBeCloseTo(2 * (loss as number), 5);
    expect(await flat(plain.getWeights()[0] as Tensor)).not.toEqual(
      await flat(doubled.getWeights()[0] as Tensor),
    );
  });

  test("a layer with addLoss and addWeight", async () => {
    class Penalised extends Layer {
      declare scale: Variable;
      override build(): void {
        this.scale = this.addWeight({ name: "scale", initializer: "ones" });
      }
      override call(x: Tensor): Tensor {
        this.addLoss(ops.multiply(this.scale, 3) as Tensor);
        return ops.multiply(x, this.scale) as Tensor;
      }
    }
    const model = new Sequential([Input({ shape: [2] }), new Penalised()]);
    model.compile({ optimizer: new optimizers.SGD({ learningRate: 0.1 }), loss: "mse" });
    const zeros = ops.zeros([4, 2]);
    const { history } = await model.fit(zeros, zeros, quiet);
    expect(history["loss"]?.[0]).toBeCloseTo(3, 6);
    expect(await model.weights[0]?.value.item()).toBeCloseTo(1 - 0.1 * 3, 6);
  });

  test("without a call: an error that says so", async () => {
    class Empty extends Layer {}
    expect(() => new Empty()(ops.ones([1]))).toThrow(/Empty has no call/);
  });

  test("comes back from a file by its class", async () => {
    class Saved extends Residual {
      override getConfig(): Record<string, unknown> {
        return { ...super.getConfig(), units: this.dense.units };
      }
      static override fromConfig<T>(
        this: new (
          ...args: never[]
        ) => T,
        config: Record<string, unknown>,
      ): T {
        const { units, ...options } = config;
        return Reflect.construct(this, [units, options]) as T;
      }
    }
    const model = new Saved(4);
    const x = floats([2, 3]);
    const expected = await flat(model(x));
    const copy = await saving.loadModel(await saving.packModel(model), {
      customObjects: { Saved },
    });
    expect(copy).toBeInstanceOf(Saved);
    expect(await flat(copy(x))).toEqual(expected);
  });
});

describe("names", () => {
  test("are made and counted as in Keras", () => {
    const all = [
      new layers.Dense(1),
      new layers.Dense(1),
      new layers.BatchNormalization(),
      new layers.GlobalAveragePooling2D(),
      new layers.Conv2D(1, 1),
      new Sequential(),
      new layers.InputLayer({ shape: [1] }),
      new layers.InputLayer({ shape: [1] }),
    ];
    expect(all.map(({ name }) => name)).toEqual([
      "dense",
      "dense_1",
      "batch_normalization",
      "global_average_pooling2d",
      "conv2d",
      "sequential",
      "input_layer",
      "input_layer_1",
    ]);
    expect(new Model(Input({ shape: [1] }), Input({ shape: [1] })).name).toBe("functional");
  });

  test("weights are named below their layers", () => {
    const model = new Sequential([Input({ shape: [2] }), new layers.Dense(1)], { name: "m" });
    expect(model.weights.map(({ path }) => path)).toEqual(["m/dense/kernel", "m/dense/bias"]);
    const x = Input({ shape: [2] });
    const functional = new Model(x, new layers.Dense(1, { name: "d" })(x));
    expect(functional.weights.map(({ path }) => path)).toEqual(["d/kernel", "d/bias"]);
  });

  test("shape inference takes none", () => {
    const layer = new layers.Dense(2);
    layer.computeOutputShape([null, 3]);
    expect(new layers.Dense(2).name).toBe("dense_1");
  });

  test("must have no slash", () => {
    expect(() => new layers.Dense(1, { name: "a/b" })).toThrow(/without "\/"/);
  });
});

describe("summary", () => {
  const linesOf = (model: Model, options: object = {}): string[] => {
    const lines: string[] = [];
    model.summary({ ...options, printFn: (line) => lines.push(line) });
    return lines.join("\n").split("\n");
  };

  test("of a chain, as Keras prints it", () => {
    const model = new Sequential(
      [
        Input({ shape: [8, 8, 1] }),
        new layers.Conv2D(4, 3, { activation: "relu" }),
        new layers.Flatten(),
        new layers.Dense(10),
      ],
      { name: "digits" },
    );
    expect(linesOf(model)).toEqual([
      'Model: "digits"',
      "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓",
      "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃",
      "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩",
      "│ conv2d (Conv2D)                 │ (None, 6, 6, 4)        │            40 │",
      "├─────────────────────────────────┼────────────────────────┼───────────────┤",
      "│ flatten (Flatten)               │ (None, 144)            │             0 │",
      "├─────────────────────────────────┼────────────────────────┼───────────────┤",
      "│ dense (Dense)                   │ (None, 10)             │         1,450 │",
      "└─────────────────────────────────┴────────────────────────┴───────────────┘",
      " Total params: 1,490 (5.82 KB)",
      " Trainable params: 1,490 (5.82 KB)",
      " Non-trainable params: 0 (0.00 B)",
    ]);
  });

  test("of a graph, with what is trainable, as Keras prints it", () => {
    const x = Input({ shape: [16], name: "tokens" });
    const long = new layers.Dense(32, { name: "a_layer_with_a_long_name", trainable: false });
    const y = new layers.Add()([new layers.BatchNormalization()(long(x)), new layers.Dense(32)(x)]);
    const model = new Model(x, [y, new layers.Dropout(0.1)(y)], { name: "g" });
    expect(linesOf(model, { showTrainable: true })).toEqual([
      'Model: "g"',
      "┏━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━┓",
      "┃ Layer (type)      ┃ Output Shape    ┃   Param # ┃ Connected to   ┃ Trai… ┃",
      "┡━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━┩",
      "│ tokens            │ (None, 16)      │         0 │ -              │   -   │",
      "│ (InputLayer)      │                 │           │                │       │",
      "├───────────────────┼─────────────────┼───────────┼────────────────┼───────┤",
      "│ a_layer_with_a_l… │ (None, 32)      │       544 │ tokens[0][0]   │   N   │",
      "│ (Dense)           │                 │           │                │       │",
      "├───────────────────┼─────────────────┼───────────┼────────────────┼───────┤",
      "│ batch_normalizat… │ (None, 32)      │       128 │ a_layer_with_… │   Y   │",
      "│ (BatchNormalizat… │                 │           │                │       │",
      "├───────────────────┼─────────────────┼───────────┼────────────────┼───────┤",
      "│ dense (Dense)     │ (None, 32)      │       544 │ tokens[0][0]   │   Y   │",
      "├───────────────────┼─────────────────┼───────────┼────────────────┼───────┤",
      "│ add (Add)         │ (None, 32)      │         0 │ batch_normali… │   -   │",
      "│                   │                 │           │ dense[0][0]    │       │",
      "├───────────────────┼─────────────────┼───────────┼────────────────┼───────┤",
      "│ dropout (Dropout) │ (None, 32)      │         0 │ add[0][0]      │   -   │",
      "└───────────────────┴─────────────────┴───────────┴────────────────┴───────┘",
      " Total params: 1,216 (4.75 KB)",
      " Trainable params: 608 (2.38 KB)",
      " Non-trainable params: 608 (2.38 KB)",
    ]);
  });

  test("of models inside, as Keras prints it", () => {
    expect(new layers.Dense(1).name).toBe("dense");
    const inner = new Sequential(
      [Input({ shape: [4] }), new layers.Dense(2), new layers.Dense(3)],
      { name: "inner" },
    );
    const model = new Sequential([inner, new layers.Dense(1)], { name: "outer" });
    const lines = linesOf(model, { expandNested: true });
    expect(lines).toEqual([
      'Model: "outer"',
      "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓",
      "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃",
      "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩",
      "│ inner (Sequential)              │ (None, 3)              │            19 │",
      "├─────────────────────────────────┼────────────────────────┼───────────────┤",
      "│    └ dense_1 (Dense)            │ (None, 2)              │            10 │",
      "├─────────────────────────────────┼────────────────────────┼───────────────┤",
      "│    └ dense_2 (Dense)            │ (None, 3)              │             9 │",
      "├─────────────────────────────────┼────────────────────────┼───────────────┤",
      "│ dense_3 (Dense)                 │ (None, 1)              │             4 │",
      "└─────────────────────────────────┴────────────────────────┴───────────────┘",
      " Total params: 23 (92.00 B)",
      " Trainable params: 23 (92.00 B)",
      " Non-trainable params: 0 (0.00 B)",
    ]);
  });

  test("of a model that has no weights yet", async () => {
    const model = new Sequential([new layers.Dense(2)]);
    const lines = linesOf(model);
    expect(lines.join("\n")).toMatch(/dense \(Dense\).*\?.*0 \(unbuilt\)/);
    expect(lines).toContain(" Total params: 0 (0.00 B)");
    await failure(StateError, () => model.countParams());
  });

  test("of a graph says what is connected", () => {
    const [a, b] = [Input({ shape: [3], name: "a" }), Input({ shape: [3], name: "b" })];
    const model = new Model([a, b], new layers.Add()([a, b]));
    const text = linesOf(model).join("\n");
    expect(text).toMatch(/Connected to/);
    expect(text).toMatch(/add \(Add\).*a\[0\]\[0\]/);
  });

  test("counts optimizer state after training", async () => {
    const model = new Sequential([Input({ shape: [2] }), new layers.Dense(1)]);
    model.compile({ optimizer: "adam", loss: "mse" });
    await model.fit(floats([4, 2]), floats([4, 1]), quiet);
    expect(linesOf(model).join("\n")).toMatch(/Optimizer params: 8/);
  });
});

test("layers, models, losses, metrics and initializers are called like functions", async () => {
  const dense = new layers.Dense(1, { kernelInitializer: "ones" });
  const loss = new losses.MeanSquaredError();
  const metric = new metrics.MeanAbsoluteError();
  const initializer = new initializers.Constant({ value: 2 });
  const schedule = new optimizers.schedules.ExponentialDecay(1, 10, 0.5);
  expect(await dense(tensor([[1, 2]])).array()).toEqual([[3]]);
  expect(await loss(tensor([[1]]), tensor([[3]])).item()).toBe(4);
  expect(await metric(tensor([[1]]), tensor([[3]])).item()).toBe(2);
  expect(await initializer([2], { dtype: "float32" }).array()).toEqual([2, 2]);
  expect(await schedule(10).item()).toBe(0.5);
  for (const object of [dense, loss, metric, initializer, schedule]) {
    expect(typeof object).toBe("function");
    expect(object instanceof object.constructor).toBe(true);
  }
  expect(dense.name).toBe("dense");
  expect(String(dense)).toBe("<Dense name=dense, built=true>");
});

test("layers take arrays, typed arrays and variables", async () => {
  const layer = new layers.Dense(1, { kernelInitializer: "ones" });
  expect(await layer([[1, 2]]).array()).toEqual([[3]]);
  expect(distance(await flat(layer([[1, 2]])), [3])).toBe(0);
  expect(() => layer("text" as never)).toThrow(/takes tensors by position/);
});
