/** Ops as steps of functional models: the recorded operation computes what the op does. */
import { expect, test } from "vitest";
import { Input, Model, ops, tensor } from "../../src/index.ts";
import { valuesOf } from "../support/layouts.ts";

test("an optional tensor keeps its place when one before it is left out", async () => {
  const x = Input({ shape: [3] });
  const [mean, variance, scale] = [
    [0, 1, 2],
    [1, 4, 9],
    [1, 2, 3],
  ];
  const options = { scale, epsilon: 0 };
  const y = ops.batchNormalization(x, mean, variance, -1, options);
  const model = new Model(x, y as never);
  const given = tensor([[1, 5, 8]]);
  const result = model(given) as typeof given;
  expect([...(await valuesOf(result)).data]).toEqual([1, 4, 6]);
  expect(await result.array()).toEqual(
    await ops.batchNormalization(given, mean, variance, -1, options).array(),
  );
});

test("ops whose class has another name in Keras are recorded", () => {
  const x = Input({ shape: [3] });
  const y = ops.layerNormalization(x, { gamma: [1, 2, 3] });
  expect(y.shape).toEqual([null, 3]);
});
