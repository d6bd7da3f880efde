/**
 * Files in Node.
 *
 * @module
 */
import { mkdir, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { SerializationError } from "../util/errors.ts";
import type { Platform } from "./platform.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  EFBIG: "the file would be too large",
};

function refuse(what: string, path: string, error: unknown): SerializationError {
  const { code, message } = error as { code?: string; message?: string };
  const reason = (code === undefined ? undefined : reasons[code]) ?? message ?? String(error);
  return new SerializationError(`${path} cannot be ${what}: ${reason}.`, { path, cause: error });
}

let count = 0;

/** Files by Node's own functions. */
export const nodePlatform: Platform = {
  async readFile(path) {
    try {
      const data = await readFile(path);
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    } catch (error) {
      throw refuse("read", path, error);
    }
  },

  async writeFile(path, data) {
    const target = resolve(path);
    const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${count++}.tmp`);
    try {
      const file = await open(temporary, "wx");
      try {
        await file.writeFile(data);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, target);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw refuse("written", path, error);
    }
  },

  async makeDirectory(path) {
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      throw refuse("made", path, error);
    }
  },

  async exists(path) {
    return stat(path).then(
      () => true,
      () => false,
    );
  },

  async isDirectory(path) {
    return stat(path).then(
      (info) => info.isDirectory(),
      () => false,
    );
  },
};
