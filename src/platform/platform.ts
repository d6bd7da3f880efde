/**
 * Files, where there are any: the package entry says how to reach them.
 *
 * @module
 */
import { SerializationError } from "../util/errors.ts";

/** What saving and loading need of the machine. */
export interface Platform {
  /** The whole file. @throws {SerializationError} If it cannot be read. */
  readFile(path: string): Promise<Uint8Array>;
  /**
   * Writes a file under a temporary name and renames it: there is the old file,
   * or the whole new one.
   *
   * @throws {SerializationError} If it cannot be written; then nothing changed.
   */
  writeFile(path: string, data: Uint8Array): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  isDirectory(path: string): Promise<boolean>;
}

let current: Platform | null = null;

/** @internal Sets how files are reached. Only package entries call this. */
export function registerPlatform(platform: Platform): void {
  current = platform;
}

/** How files are reached here. @throws {SerializationError} Where there are none. */
export function platform(): Platform {
  if (current === null) {
    throw new SerializationError(
      "There are no files here: give the bytes of a file (a Uint8Array) instead of its path.",
    );
  }
  return current;
}
