import { describe, expect, test } from "vitest";
import { jit, losses, metrics, type Tensor, tensor, valueAndGrad } from "../../src/index.ts";
import { ArgumentError } from "../../src/util/errors.ts";

const labels = [0.2, 0.9, 0.4, 0.7];
const predictions = [0.1, 0.8, 0.6, 0.3];
const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
const covariance = (a: readonly number[], b: readonly number[]): number =>
  mean(a.map((v, i) => (v - mean(a)) * ((b[i] as number) - mean(b))));

describe("correlations", () => {
  test("pearson is the covariance over the standard deviations", async () => {
    const expected =
      covariance(labels, predictions) /
      Math.sqrt(covariance(labels, labels) * covariance(predictions, predictions));
    const own = metrics.pearsonCorrelation(tensor(labels), tensor(predictions));
    expect(own.shape).toEqual([]);
    expect(await own.item()).toBeCloseTo(expected, 5);
  });

  test("concordance also counts how far the means are apart", async () => {
    const shifted = predictions.map((v) => v + 0.5);
    const expected =
      (2 * covariance(labels, shifted)) /
      (covariance(labels, labels) +
        covariance(shifted, shifted) +
        (mean(labels) - mean(shifted)) ** 2);
    const own = metrics.concordanceCorrelation(tensor(labels), tensor(shifted));
    expect(await own.item()).toBeCloseTo(expected, 5);
    const pearson = metrics.pearsonCorrelation(tensor(labels), tensor(shifted));
    expect(await pearson.item()).toBeGreaterThan(expected + 0.1);
  });

  test("go along any axis", async () => {
    const a = tensor([
      [1, 5],
      [2, 3],
      [4, 1],
    ]);
    const own = await metrics.pearsonCorrelation(a, a, { axis: 0 }).data();
    expect(own).toHaveLength(2);
    for (const value of own as Float32Array) expect(value).toBeCloseTo(1, 5);
  });

  test.each([
    ["PearsonCorrelation", metrics.PearsonCorrelation],
    ["ConcordanceCorrelation", metrics.ConcordanceCorrelation],
  ])("%s survives its config and is better the larger it is", async (name, Class) => {
    const metric = metrics.deserialize(metrics.serialize(new Class({ axis: 0 }))) as InstanceType<
      typeof Class
    >;
    expect(metric).toBeInstanceOf(Class);
    expect(metric.axis).toBe(0);
    expect(metric.direction).toBe("up");
    expect(metrics.get(name)).toBeDefined();
    metric.updateState(tensor([[1], [2], [3]]), tensor([[3], [2], [1]]));
    // A perfect negative relation with equal means and spreads.
    expect(await metric.result().item()).toBeCloseTo(-1, 4);
  });
});

describe("tversky", () => {
  const yTrue = tensor([1, 0, 1, 0]);
  const yPred = tensor([0.8, 0.3, 0.4, 0.1]);
  const hits = 1.2;

  test("weighs false positives and false negatives apart", async () => {
    const loss = losses.tversky(yTrue, yPred, { alpha: 0.3, beta: 0.7 });
    // False positives 0.3 + 0.1, false negatives 0.2 + 0.6.
    expect(await loss.item()).toBeCloseTo(1 - hits / (hits + 0.3 * 0.4 + 0.7 * 0.8), 5);
  });

  test("is the dice loss with 0.5 and 0.5", async () => {
    const dice = await losses.dice(yTrue, yPred).item();
    expect(await losses.tversky(yTrue, yPred).item()).toBeCloseTo(dice as number, 5);
  });

  test("has the same gradient compiled", async () => {
    const step = (x: Tensor): Tensor => valueAndGrad((p: Tensor) => losses.tversky(yTrue, p))(x)[1];
    const eager = Array.from((await step(yPred).data()) as Float32Array);
    const compiled = Array.from((await jit(step)(yPred).data()) as Float32Array);
    expect(eager.every((v) => v !== 0)).toBe(true);
    for (const [i, v] of eager.entries()) expect(compiled[i]).toBeCloseTo(v, 6);
  });

  test("as a class keeps its arguments and knows its options", () => {
    const loss = losses.deserialize(
      losses.serialize(new losses.Tversky({ alpha: 0.3, beta: 0.7, axis: [1] })),
    ) as losses.Tversky;
    expect(loss).toBeInstanceOf(losses.Tversky);
    expect([loss.alpha, loss.beta, loss.axis]).toEqual([0.3, 0.7, [1]]);
    expect(() => new losses.Tversky({ gamma: 1 } as never)).toThrow(ArgumentError);
  });
});
