/** Tests of src/nn/elastic-transform.ts. */
import { beforeAll, expect, test } from "vitest";
import { ArgumentError, ops, setDevice } from "../../src/index.ts";

beforeAll(() => setDevice("cpu"));

const image = ops.reshape(ops.arange(64, undefined, undefined, { dtype: "float32" }), [8, 8, 1]);
const read = (x: typeof image): Promise<unknown> => ops.ravel(x).array();

test("without displacement nothing moves", async () => {
  const same = ops.image.elasticTransform(image, { alpha: 0, seed: 3 });
  expect(await read(same)).toEqual(await read(image));
});

test("the same seed bends alike, another otherwise", async () => {
  const bend = (seed: number): Promise<unknown> =>
    read(ops.image.elasticTransform(image, { alpha: 5, sigma: 2, seed }));
  expect(await bend(1)).toEqual(await bend(1));
  expect(await bend(1)).not.toEqual(await bend(2));
});

test("all channels and both layouts are bent alike", async () => {
  const options = { alpha: 5, sigma: 2, seed: 1 } as const;
  const one = await read(ops.image.elasticTransform(image, options));
  const two = ops.image.elasticTransform(ops.concatenate([image, image], { axis: 2 }), options);
  expect(await read(ops.take(two, 1, { axis: 2 }) as typeof image)).toEqual(one);
  const first = ops.image.elasticTransform(ops.transpose(image, { axes: [2, 0, 1] }), {
    ...options,
    dataFormat: "channels_first",
  });
  expect(first.shape).toEqual([1, 8, 8]);
  expect(await read(first)).toEqual(one);
});

test("pixels move along the diagonal by the blurred noise", async () => {
  // Columns alone: what is read there is where it comes from.
  const columns = ops.broadcastTo(
    ops.arange(32, undefined, undefined, { dtype: "float32" }),
    [32, 32],
  );
  const x = ops.reshape(columns, [32, 32, 1]);
  const bent = ops.image.elasticTransform(x, { alpha: 1, sigma: 3, seed: 7, fillMode: "nearest" });
  const moved = (await ops.ravel(ops.subtract(bent, x)).array()) as number[];
  const inner = moved.filter((_, i) => i % 32 > 8 && i % 32 < 24);
  const size = Math.sqrt(inner.reduce((sum, v) => sum + v * v, 0) / inner.length);
  // Noise of deviation 3, blurred by 3: 3 / (2 sqrt(pi) 3).
  expect(size).toBeGreaterThan(0.1);
  expect(size).toBeLessThan(0.6);
});

test("bad sigmas and modes", () => {
  expect(() => ops.image.elasticTransform(image, { sigma: 0 })).toThrow(ArgumentError);
  expect(() => ops.image.elasticTransform(image, { interpolation: "cubic" as "nearest" })).toThrow(
    /elastic_transform/,
  );
});
