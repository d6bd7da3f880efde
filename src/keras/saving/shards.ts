/**
 * Weights in several files, which a `.weights.json` lists:
 *
 *     { "metadata": { "total_size": … },
 *       "weight_map": { "/layers/dense/vars": "name_00000.weights.h5" or [ … ] } }
 *
 * @module
 */
import { platform } from "../../platform/platform.ts";
import { SerializationError } from "../../util/errors.ts";
import { isPlainObject } from "../../util/pytree.ts";
import { Hdf5File } from "./hdf5.ts";

/** The files that hold a group, by its path without the slash in front. */
type WeightMap = ReadonlyMap<string, readonly string[]>;

function weightMap(data: Uint8Array, path: string): WeightMap {
  const refuse = (reason: string, cause?: unknown): SerializationError =>
    new SerializationError(`${path} is no list of files of weights: ${reason}.`, { path, cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(data));
  } catch (error) {
    throw refuse("it is no JSON", error);
  }
  const entries = isPlainObject(parsed) ? parsed["weight_map"] : undefined;
  if (!isPlainObject(entries)) throw refuse('"weight_map" is missing');
  const map = new Map<string, readonly string[]>();
  for (const [group, given] of Object.entries(entries)) {
    const files: readonly unknown[] = Array.isArray(given) ? given : [given];
    for (const file of files) {
      // Beside the list, and nowhere else.
      if (typeof file !== "string" || !/^[^/\\]+\.h5$/.test(file)) {
        throw refuse(`${JSON.stringify(file)} is no name of an .h5 file beside it`);
      }
    }
    map.set(group.replace(/^\//, ""), files as readonly string[]);
  }
  return map;
}

/** The files of a list, read as one. */
export class ShardedFile implements Pick<Hdf5File, "path" | "list" | "read" | "close"> {
  readonly path: string;
  readonly #map: WeightMap;
  readonly #files: ReadonlyMap<string, Hdf5File>;

  private constructor(path: string, map: WeightMap, files: ReadonlyMap<string, Hdf5File>) {
    this.path = path;
    this.#map = map;
    this.#files = files;
  }

  /**
   * @param data The list.
   * @param path Where it lies: the files lie beside it.
   * @throws {SerializationError} If the list or one of the files is damaged or missing.
   */
  static async open(data: Uint8Array, path: string): Promise<ShardedFile> {
    const map = weightMap(data, path);
    const folder = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
    const files = new Map<string, Hdf5File>();
    try {
      for (const name of new Set([...map.values()].flat())) {
        const file = `${folder}${name}`;
        files.set(name, await Hdf5File.open(await platform().readFile(file), file));
      }
    } catch (error) {
      for (const file of files.values()) file.close();
      throw error;
    }
    return new ShardedFile(path, map, files);
  }

  #holding(group: string): readonly Hdf5File[] {
    return (this.#map.get(group) ?? []).map((name) => this.#files.get(name) as Hdf5File);
  }

  /** What is directly in a group, in whichever file; null if none has it. */
  list(group: string): { groups: string[]; datasets: string[] } | null {
    const lists = this.#holding(group).flatMap((file) => file.list(group) ?? []);
    if (lists.length === 0) return null;
    return {
      groups: [...new Set(lists.flatMap(({ groups }) => groups))],
      datasets: [...new Set(lists.flatMap(({ datasets }) => datasets))],
    };
  }

  /** @throws {SerializationError} If no file has the dataset, or it is damaged. */
  read(path: string): ReturnType<Hdf5File["read"]> {
    const slash = path.lastIndexOf("/");
    const [group, name] = [path.slice(0, slash), path.slice(slash + 1)];
    const files = this.#holding(group);
    const file =
      files.length === 1 ? files[0] : files.find((one) => one.list(group)?.datasets.includes(name));
    if (file !== undefined) return file.read(path);
    throw new SerializationError(`${this.path}: no file holds "${path}".`, { path: this.path });
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }
}
