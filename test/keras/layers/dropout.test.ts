import { describe, expect, test } from "vitest";
import { layers, ops, utils } from "../../../src/index.ts";
import { layerTest } from "../../support/layer-test.ts";

layerTest(layers.Dropout, {
  init: [0.5, { seed: 3 }],
  inputShape: [4, 3, 5],
  outputShape: [4, 3, 5],
  seedGenerators: 1,
  supportsMasking: true,
});

layerTest(layers.Dropout, {
  init: [0],
  inputShape: [4, 5],
  outputShape: [4, 5],
  supportsMasking: true,
});

describe("Dropout", () => {
  const ones = ops.ones([1000]);
  const values = async (layer: layers.Dropout, training?: boolean): Promise<Float32Array> =>
    (await layer(ones, { training }).data()) as Float32Array;

  test("drops its rate and scales the rest, only in training", async () => {
    const layer = new layers.Dropout(0.25, { seed: 1 });
    const kept = (await values(layer, true)).filter((x) => x !== 0);
    expect(Math.abs(kept.length / 1000 - 0.75)).toBeLessThan(0.06);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.75)]));
    expect([...(await values(layer, false))].every((x) => x === 1)).toBe(true);
    expect([...(await values(layer))].every((x) => x === 1)).toBe(true);
  });

  test("draws anew at each call, and again from the same seed", async () => {
    const [a, b] = [new layers.Dropout(0.5, { seed: 5 }), new layers.Dropout(0.5, { seed: 5 })];
    const first = await values(a, true);
    expect(await values(b, true)).toEqual(first);
    expect(await values(a, true)).not.toEqual(first);
  });

  test("without a seed it follows setRandomSeed", async () => {
    utils.setRandomSeed(11);
    const first = await values(new layers.Dropout(0.5), true);
    utils.setRandomSeed(11);
    expect(await values(new layers.Dropout(0.5), true)).toEqual(first);
  });

  test("noiseShape drops whole rows", async () => {
    const layer = new layers.Dropout(0.5, { seed: 2, noiseShape: [null, 1] });
    const rows = (await layer(ops.ones([50, 4]), { training: true }).array()) as number[][];
    for (const row of rows) expect(new Set(row).size).toBe(1);
  });

  test("refuses rates that are none", () => {
    expect(() => new layers.Dropout(1.5)).toThrow(/rate/);
    expect(() => new layers.Dropout(-0.1)).toThrow(/rate/);
  });
});
