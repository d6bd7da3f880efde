/** Files that are missing, cut off, damaged, or lie: typed errors, and models as they were. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { KeratinError, memory, SerializationError, saving } from "../../../src/index.ts";
import { emptyTree, groupAt, writeHdf5 } from "../../../src/keras/saving/hdf5-writer.ts";
import { failure } from "../../support/failing.ts";
import { settledMemory } from "../../support/memory.ts";
import {
  configOf,
  find,
  folder,
  makeModel,
  patched,
  repacked,
  stateOf,
  train,
  weightsOf,
} from "./files.ts";

let archive: Uint8Array;
let weights: Uint8Array;

beforeAll(async () => {
  const model = makeModel();
  await train(model, 0, 1);
  archive = await saving.packModel(model);
  weights = weightsOf(archive);
});

/** Offsets all over a file, and all of its ends. */
function offsets(length: number, count: number): number[] {
  const inner = Array.from({ length: count }, (_, i) => Math.floor((i * length) / count));
  return [...new Set([0, 1, 3, 4, 8, 21, 22, ...inner, length - 22, length - 1])];
}

const refuses = (data: Uint8Array | string): Promise<SerializationError> =>
  failure(SerializationError, () => saving.loadModel(data));

describe("no file", () => {
  test("missing", async () => {
    const path = join(folder(), "none.keras");
    const error = await refuses(path);
    expect(error.path).toBe(path);
    expect(error.message).toMatch(/no such file/);
  });

  test("a folder of something else", async () => {
    const error = await refuses(folder());
    expect(error.message).toMatch(/config\.json/);
  });

  test("a folder in the place of weights", async () => {
    const model = makeModel();
    const error = await failure(SerializationError, () => model.loadWeights(folder()));
    expect(error.message).toMatch(/folder/);
  });

  test("an empty one, and text", async () => {
    expect((await refuses(new Uint8Array(0))).message).toMatch(/empty/);
    expect((await refuses(new TextEncoder().encode("model: dense"))).message).toMatch(/neither/);
    const path = join(folder(), "text.keras");
    writeFileSync(path, "PK text");
    expect((await refuses(path)).path).toBe(path);
  });
});

describe("cut off", () => {
  test(".keras, anywhere", async () => {
    for (const at of offsets(archive.length, 60)) await refuses(archive.subarray(0, at));
  });

  test("weights, anywhere: no weight changes", async () => {
    const model = makeModel("sgd");
    await train(model, 0, 1);
    const before = await stateOf(model);
    for (const at of offsets(weights.length, 60)) {
      await failure(SerializationError, () => model.loadWeights(weights.subarray(0, at)));
    }
    expect(await stateOf(model)).toEqual(before);
  });

  test("the weights inside of a whole archive", async () => {
    for (const at of offsets(weights.length, 20)) {
      await refuses(repacked(archive, { "model.weights.h5": weights.subarray(0, at) }));
    }
  });
});

describe("bits that flipped", () => {
  test(".keras: what is loaded is what was saved", async () => {
    const right = await stateOf(await saving.loadModel(archive));
    let refused = 0;
    for (let i = 0; i < 120; i++) {
      const at = Math.floor((i * 7919 * archive.length) / 120) % archive.length;
      const flipped = patched(archive, at, (archive[at] as number) ^ (1 << (i % 8)));
      try {
        expect(await stateOf(await saving.loadModel(flipped)), `byte ${at}`).toEqual(right);
      } catch (error) {
        if (!(error instanceof KeratinError)) throw error;
        refused++;
      }
    }
    // Times and other fields that nobody needs are not protected.
    expect(refused).toBeGreaterThan(90);
  });

  test("weights: loaded, or refused and nothing changed; never anything else", async () => {
    const model = makeModel();
    await model.loadWeights(archive);
    const before = await stateOf(model);
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      const at = (i * 104729) % weights.length;
      const flipped = patched(weights, at, (weights[at] as number) ^ (1 << (i % 8)));
      try {
        await model.loadWeights(flipped);
        await model.loadWeights(archive);
      } catch (error) {
        if (!(error instanceof KeratinError)) throw error;
        expect(await stateOf(model), `byte ${at}`).toEqual(before);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});

describe("archives that lie", () => {
  test("names that lead outside", async () => {
    for (const name of ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "a\\..\\evil", "a\0b"]) {
      const error = await refuses(repacked(archive, { [name]: "x" }));
      expect(error.message).toMatch(/outside/);
    }
  });

  test("members twice", async () => {
    const other = repacked(archive, { "config.jsom": "{}" });
    const bytes = new TextEncoder().encode("config.jsom");
    let twice = other;
    for (let i = 0; i < 2; i++) twice = patched(twice, find(twice, bytes) + 10, 0x6e);
    expect((await refuses(twice)).message).toMatch(/twice/);
  });

  test("members that are missing", async () => {
    expect((await refuses(repacked(archive, { "config.json": null }))).message).toMatch(/config/);
    const error = await refuses(repacked(archive, { "model.weights.h5": null }));
    expect(error.message).toMatch(/model\.weights\.h5/);
  });

  test("a bomb", async () => {
    const bomb = zipSync({ "config.json": new Uint8Array(1 << 26) }, { level: 9 });
    const { bytes } = await settledMemory();
    expect((await refuses(bomb)).message).toMatch(/unpack to 67108864 bytes/);
    expect(memory().bytes).toBe(bytes);
  });

  test("a bomb that says it is small", async () => {
    const bomb = zipSync({ "config.json": new Uint8Array(1 << 26) }, { level: 9 });
    const size = new Uint8Array(new Uint32Array([1 << 26]).buffer);
    const directory = find(bomb, [0x50, 0x4b, 1, 2]);
    const at = find(bomb, size, directory);
    const lying = patched(bomb, at, 100, 0, 0, 0);
    expect((await refuses(lying)).message).toMatch(/larger|holds/);
  });

  test("packed members are read", async () => {
    const packed = repacked(archive, {}, 9);
    expect(packed.length).toBeLessThan(archive.length);
    expect(await stateOf(await saving.loadModel(packed))).toEqual(
      await stateOf(await saving.loadModel(archive)),
    );
  });

  test("sizes and places out of the file", async () => {
    const directory = find(archive, [0x50, 0x4b, 1, 2]);
    for (const field of [20, 24, 42]) {
      for (const value of [
        [0xff, 0xff, 0xff, 0x7f],
        [0xff, 0xff, 0xff, 0xff],
        [0xfe, 0xff, 0xff, 0xff],
      ]) {
        await refuses(patched(archive, directory + field, ...value));
      }
    }
  });
});

describe("configs that lie", () => {
  const withConfig = (change: (config: Record<string, unknown>) => void): Uint8Array => {
    const config = configOf(archive);
    change(config);
    return repacked(archive, { "config.json": JSON.stringify(config) });
  };
  const layersOf = (
    config: Record<string, unknown>,
  ): {
    class_name: string;
    config: Record<string, unknown>;
    module: string;
    build_config?: unknown;
  }[] => (config["config"] as { layers: never }).layers;

  test("no JSON, no object, no model", async () => {
    expect((await refuses(repacked(archive, { "config.json": "{" }))).message).toMatch(/no JSON/);
    expect((await refuses(repacked(archive, { "config.json": "[]" }))).message).toMatch(/object/);
    await refuses(repacked(archive, { "config.json": '{"a": 1}' }));
    await refuses(
      withConfig((config) => {
        config["class_name"] = "Adam";
        config["module"] = "keras.optimizers";
        config["config"] = {};
      }),
    );
  });

  test("weights far larger than the file: refused before they are made", async () => {
    for (const units of [1e9, 2 ** 31 - 1, 1e7]) {
      const { peakBytes } = memory();
      const error = await refuses(
        withConfig((config) => {
          for (const layer of layersOf(config)) {
            if (layer.class_name === "Dense") layer.config["units"] = units;
          }
        }),
      );
      expect(error.message).toMatch(/cannot hold/);
      expect(memory().peakBytes - peakBytes).toBeLessThan(1e6);
    }
  });

  test("numbers that are none", async () => {
    for (const units of [-1, 1.5, "many", null, 1e300]) {
      const data = withConfig((config) => {
        for (const layer of layersOf(config)) {
          if (layer.class_name === "Dense") layer.config["units"] = units;
        }
      });
      await expect(saving.loadModel(data)).rejects.toBeInstanceOf(KeratinError);
    }
  });

  test("names of modules that are not Keras's", async () => {
    for (const module of ["os", "subprocess", "builtins", "keras.src.utils.file_utils"]) {
      const data = withConfig((config) => {
        const [, second] = layersOf(config);
        Object.assign(second as object, { module, class_name: "system", config: { command: "x" } });
      });
      await expect(saving.loadModel(data)).rejects.toBeInstanceOf(KeratinError);
    }
  });

  test("names that JavaScript objects have", async () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      const data = withConfig((config) => {
        Object.assign(layersOf(config)[1] as object, { class_name: name });
      });
      await expect(saving.loadModel(data)).rejects.toBeInstanceOf(KeratinError);
    }
  });

  test("Python code in a Lambda is not run", async () => {
    const data = withConfig((config) => {
      Object.assign(layersOf(config)[1] as object, {
        class_name: "__lambda__",
        config: { code: "4wAAAAA=" },
      });
    });
    expect((await refuses(data)).message).toMatch(/never run/);
  });

  test("nesting without end", async () => {
    const deep = `${'{"class_name":"__tuple__","config":{"value":'.repeat(5000)}1${"}}".repeat(5000)}`;
    await refuses(
      repacked(archive, {
        "config.json": `{"class_name":"Sequential","config":{"layers":[${deep}]}}`,
      }),
    );
  });
});

describe("HDF5 that lies", () => {
  test("shapes larger than the file", async () => {
    const model = makeModel();
    const before = await stateOf(model);
    for (const shape of [[1e6, 1e6], [2 ** 40], [2 ** 31, 2 ** 31], [4, 6]]) {
      const root = emptyTree();
      groupAt(root, "layers/dense/vars").datasets["0"] = {
        dtype: "float32",
        shape,
        bytes: new Uint8Array(80),
      };
      await failure(SerializationError, () => model.loadWeights(writeHdf5(root)));
    }
    expect(await stateOf(model)).toEqual(before);
  });

  test("another number of weights, another shape: named, and nothing changes", async () => {
    const model = makeModel();
    await train(model, 0, 1);
    const before = await stateOf(model);
    const root = emptyTree();
    const vars = groupAt(root, "layers/dense/vars");
    vars.datasets["0"] = { dtype: "float32", shape: [4, 5], bytes: new Uint8Array(80) };
    let error = await failure(SerializationError, () => model.loadWeights(writeHdf5(root)));
    expect(error.message).toMatch(/"first" has 2 variables.*holds 1/);
    vars.datasets["1"] = { dtype: "float32", shape: [6], bytes: new Uint8Array(24) };
    error = await failure(SerializationError, () => model.loadWeights(writeHdf5(root)));
    expect(error.message).toMatch(/\[5\].*\[6\]/);
    // The first layer's weights fit: the second's are missing.
    vars.datasets["1"] = { dtype: "float32", shape: [5], bytes: new Uint8Array(20) };
    await failure(SerializationError, () => model.loadWeights(writeHdf5(root)));
    expect(await stateOf(model)).toEqual(before);
  });

  test("a folder of a model without its weights", async () => {
    const path = join(folder(), "model");
    mkdirSync(path);
    writeFileSync(join(path, "config.json"), JSON.stringify(configOf(archive)));
    await refuses(path);
    writeFileSync(join(path, "model.weights.h5"), weights);
    expect(await stateOf(await saving.loadModel(path))).toEqual(
      await stateOf(await saving.loadModel(archive)),
    );
  });
});
