/** What calls are, to the compiler. */
import { describe, expectTypeOf, test } from "vitest";
import {
  Input,
  type KerasTensor,
  Layer,
  layers,
  losses,
  Model,
  metrics,
  ops,
  Sequential,
  type Tensor,
} from "../../src/index.ts";

describe("calls", () => {
  const x = Input({ shape: [3] });
  const t: Tensor = ops.ones([2, 3]);

  test("tensor to tensor, symbolic to symbolic", () => {
    const dense = new layers.Dense(2);
    expectTypeOf(dense(t)).toEqualTypeOf<Tensor>();
    expectTypeOf(dense(x)).toEqualTypeOf<KerasTensor>();
    expectTypeOf(dense([[1, 2, 3]])).toEqualTypeOf<Tensor>();
  });

  test("lists and objects", () => {
    const add = new layers.Add();
    expectTypeOf(add([t, t])).toEqualTypeOf<Tensor>();
    expectTypeOf(add([x, x])).toEqualTypeOf<KerasTensor>();
    const y = Input({ shape: [3] });
    const model = new Model({ x, y }, { a: add([x, y]), b: x });
    const outputs = model<{ a: Tensor; b: Tensor }>({ x: t, y: t });
    expectTypeOf(outputs).toEqualTypeOf<{ a: Tensor; b: Tensor }>();
  });

  test("the type does not depend on where the output goes", () => {
    const model = new Model(x, new layers.Dense(1)(new layers.Dense(2)(x)));
    expectTypeOf(model(t)).toEqualTypeOf<Tensor>();
    const chain = new Sequential([Input({ shape: [3] }), new layers.Dense(1)]);
    expectTypeOf(chain(t)).toEqualTypeOf<Tensor>();
    expectTypeOf(chain(x)).toEqualTypeOf<KerasTensor>();
  });

  test("several positional tensors", () => {
    class Score extends Layer {
      override get callParameters(): readonly string[] {
        return ["query", "value"];
      }
      override call(query: Tensor, value: Tensor): Tensor {
        return ops.multiply(query, value);
      }
    }
    expectTypeOf(new Score()(t, t)).toEqualTypeOf<Tensor>();
    expectTypeOf(new Score()(x, x)).toEqualTypeOf<KerasTensor>();
    expectTypeOf(new Score().call).toEqualTypeOf<(query: Tensor, value: Tensor) => Tensor>();
  });

  test("losses, metrics, predictions", () => {
    const model = new Sequential([Input({ shape: [3] }), new layers.Dense(1)]);
    expectTypeOf(new losses.MeanSquaredError()(t, t)).toEqualTypeOf<Tensor>();
    expectTypeOf(new metrics.Mean()(t)).toEqualTypeOf<Tensor>();
    expectTypeOf(() => model.predict(t)).returns.resolves.toEqualTypeOf<Tensor>();
  });

  test("options are checked", () => {
    const wrong = (): unknown[] => [
      // @ts-expect-error: no such option
      new layers.Dense(2, { acivation: "relu" }),
      // @ts-expect-error: a number of units
      new layers.Dense("2"),
      // @ts-expect-error: no such padding
      new layers.Conv2D(2, 3, { padding: "sam" }),
    ];
    expectTypeOf(wrong).toBeFunction();
  });
});
