/** A disk that refuses: the old file or the whole new one, and nothing beside it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { FileHandle, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ArgumentError, callbacks, SerializationError, saving } from "../../../src/index.ts";
import { floats } from "../../support/data.ts";
import { failure } from "../../support/failing.ts";
import { folder, makeModel, stateOf } from "./files.ts";

/** What fails: the system call, and the code it fails with. */
const disk = vi.hoisted(() => ({ fails: null as [call: string, code: string] | null }));

function refusal(call: string): Error | null {
  if (disk.fails?.[0] !== call) return null;
  return Object.assign(new Error(`${disk.fails[1]}: mocked`), { code: disk.fails[1] });
}

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const open = async (...args: Parameters<typeof openFile>): Promise<FileHandle> => {
    const refused = refusal("open");
    if (refused !== null) throw refused;
    const file = await real.open(...args);
    const write = file.writeFile.bind(file);
    file.writeFile = async (data) => {
      const failed = refusal("write");
      if (failed === null) return write(data);
      // Half of it gets there.
      await write((data as Uint8Array).subarray(0, (data as Uint8Array).length >> 1));
      throw failed;
    };
    const sync = file.sync.bind(file);
    file.sync = async () => {
      const failed = refusal("sync");
      if (failed !== null) throw failed;
      return sync();
    };
    return file;
  };
  const rename: typeof real.rename = async (...args) => {
    const failed = refusal("rename");
    if (failed !== null) throw failed;
    return real.rename(...args);
  };
  return { ...real, open, rename };
});

afterEach(() => {
  disk.fails = null;
});

const failures: readonly [call: string, code: string, message: RegExp][] = [
  ["open", "EACCES", /permission is denied/],
  ["open", "EROFS", /read-only/],
  ["write", "ENOSPC", /disk is full/],
  ["write", "EDQUOT", /quota/],
  ["write", "EFBIG", /too large/],
  ["sync", "EIO", /EIO/],
  ["rename", "EPERM", /permission/],
];

describe("a write that fails", () => {
  for (const [call, code, message] of failures) {
    for (const ending of [".keras", ".weights.h5", ".h5"]) {
      test(`${call}: ${code}, ${ending}`, async () => {
        const dir = folder();
        const path = join(dir, `model${ending}`);
        const model = makeModel();
        const save = (): Promise<void> =>
          ending === ".weights.h5" ? model.saveWeights(path) : model.save(path);
        disk.fails = [call, code];
        // Nothing was there.
        const error = await failure(SerializationError, save);
        expect(error.path).toBe(path);
        expect(error.message).toMatch(message);
        expect(readdirSync(dir)).toEqual([]);
        // Something was there.
        writeFileSync(path, "old");
        const before = await stateOf(model);
        await failure(SerializationError, save);
        expect(readdirSync(dir)).toEqual([`model${ending}`]);
        expect(readFileSync(path, "utf8")).toBe("old");
        expect(await stateOf(model)).toEqual(before);
        // It can be tried again.
        disk.fails = null;
        await save();
        expect(readdirSync(dir)).toEqual([`model${ending}`]);
        expect(readFileSync(path).length).toBeGreaterThan(1000);
      });
    }
  }

  test("a checkpoint in the middle of fit: fit fails, the old file stays", async () => {
    const dir = folder();
    const path = join(dir, "best.keras");
    const model = makeModel();
    const checkpoint = new callbacks.ModelCheckpoint(path);
    const fill = new callbacks.LambdaCallback({
      onEpochBegin: (epoch) => {
        if (epoch === 1) disk.fails = ["write", "ENOSPC"];
      },
    });
    const options = { epochs: 3, verbose: 0, callbacks: [checkpoint, fill] } as const;
    await failure(SerializationError, () => model.fit(floats([8, 4]), floats([8, 2]), options));
    expect(readdirSync(dir)).toEqual(["best.keras"]);
    disk.fails = null;
    await saving.loadModel(path);
  });
});

describe("names that cannot be written", () => {
  test("a folder that is not there, or is a file", async () => {
    const dir = folder();
    const model = makeModel();
    const missing = await failure(SerializationError, () => model.save(join(dir, "no/x.keras")));
    expect(missing.message).toMatch(/no such file or folder/);
    writeFileSync(join(dir, "file"), "");
    const inFile = await failure(SerializationError, () => model.save(join(dir, "file/x.keras")));
    expect(inFile.message).toMatch(/no folder/);
    expect(readdirSync(dir)).toEqual(["file"]);
  });

  test("a folder", async () => {
    const path = join(folder(), "model.keras");
    mkdirSync(path);
    expect((await failure(SerializationError, () => makeModel().save(path))).message).toMatch(
      /folder/,
    );
    expect(readdirSync(path)).toEqual([]);
  });

  test("another ending", async () => {
    const model = makeModel();
    expect((await failure(ArgumentError, () => model.save("model.pt"))).message).toMatch(/\.keras/);
    expect((await failure(ArgumentError, () => model.saveWeights("w.keras"))).message).toMatch(
      /\.weights\.h5/,
    );
  });

  test("a file that is not to be replaced", async () => {
    const path = join(folder(), "model.keras");
    writeFileSync(path, "old");
    const error = await failure(SerializationError, () =>
      makeModel().save(path, { overwrite: false }),
    );
    expect(error.message).toMatch(/exists/);
    expect(readFileSync(path, "utf8")).toBe("old");
  });
});
