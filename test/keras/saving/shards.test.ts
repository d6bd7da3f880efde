/** Weights in several files, and lists of them that lie. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Input, layers, Sequential, SerializationError } from "../../../src/index.ts";
import { emptyTree, groupAt, writeHdf5 } from "../../../src/keras/saving/hdf5-writer.ts";
import { failure } from "../../support/failing.ts";
import { folder } from "./files.ts";

const model = (): Sequential =>
  new Sequential([Input({ shape: [2] }), new layers.Dense(3), new layers.Dense(1)]);

function part(group: string, datasets: Record<string, [number[], number[]]>): Uint8Array {
  const root = emptyTree();
  const vars = groupAt(root, group);
  for (const [name, [shape, values]] of Object.entries(datasets)) {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    vars.datasets[name] = { dtype: "float32", shape, bytes };
  }
  return writeHdf5(root);
}

/** Two layers in three files: the kernel and the bias of the first lie apart. */
function written(): { path: string; map: Record<string, unknown> } {
  const at = folder();
  const first = "layers/dense/vars";
  writeFileSync(
    join(at, "m_0.weights.h5"),
    part(first, {
      0: [
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ],
    }),
  );
  writeFileSync(join(at, "m_1.weights.h5"), part(first, { 1: [[3], [7, 8, 9]] }));
  const second = {
    0: [
      [3, 1],
      [10, 11, 12],
    ],
    1: [[1], [13]],
  } as Record<string, [number[], number[]]>;
  writeFileSync(join(at, "m_2.weights.h5"), part("layers/dense_1/vars", second));
  const map = {
    "/layers/dense/vars": ["m_0.weights.h5", "m_1.weights.h5"],
    "/layers/dense_1/vars": "m_2.weights.h5",
  };
  const path = join(at, "m.weights.json");
  writeFileSync(path, JSON.stringify({ metadata: { total_size: 52 }, weight_map: map }));
  return { path, map };
}

const values = async (of: Sequential): Promise<number[][]> =>
  Promise.all(of.weights.map(async (weight) => Array.from((await weight.data()) as Float32Array)));

describe("sharded weights", () => {
  test("are read from the files of the list", async () => {
    const { path } = written();
    const target = model();
    await target.loadWeights(path);
    expect(await values(target)).toEqual([[1, 2, 3, 4, 5, 6], [7, 8, 9], [10, 11, 12], [13]]);
  });

  test("are refused as a whole, with what is wrong", async () => {
    const { path, map } = written();
    const target = model();
    const before = await values(target);
    const cases: [unknown, RegExp][] = [
      ["no json", /no JSON|weight_map/],
      [{}, /"weight_map" is missing/],
      [{ weight_map: [] }, /"weight_map" is missing/],
      [{ weight_map: { ...map, "/layers/dense/vars": 3 } }, /3 is no name/],
      [{ weight_map: { ...map, "/layers/dense/vars": "../m_0.weights.h5" } }, /beside it/],
      [{ weight_map: { ...map, "/layers/dense/vars": "/etc/x.h5" } }, /beside it/],
      [{ weight_map: { ...map, "/layers/dense/vars": "m_9.weights.h5" } }, /m_9.weights.h5/],
      [{ weight_map: { ...map, "/layers/dense_1/vars": "m_1.weights.h5" } }, /./],
      [{ weight_map: { "/layers/dense/vars": map["/layers/dense/vars"] } }, /./],
    ];
    for (const [list, message] of cases) {
      writeFileSync(path, JSON.stringify(list));
      const error = await failure(SerializationError, () => target.loadWeights(path));
      expect(error.message).toMatch(message);
      expect(await values(target)).toEqual(before);
    }
    writeFileSync(path, "{");
    await failure(SerializationError, () => target.loadWeights(path));
    expect(await values(target)).toEqual(before);
  });
});
