/**
 * Reading HDF5, through h5wasm.
 *
 * Values are read as the bytes that lie in the file: h5wasm itself has no
 * float16 on Node 20 and no bfloat16 anywhere.
 *
 * @module
 */
import { type DType, isDType, itemSize } from "../../util/dtypes.ts";
import { KeratinError, SerializationError } from "../../util/errors.ts";
import { sizeOf } from "../../util/shapes.ts";

/** What an attribute holds. */
export type Hdf5Attribute = string | number | readonly string[] | readonly number[] | null;

/** A dataset: its bytes, little-endian, in the order of C. */
export interface Hdf5Data {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The parts of h5wasm that are used. */
interface H5Module {
  readonly FS: {
    writeFile(path: string, data: Uint8Array): void;
    unlink(path: string): void;
  };
  readonly HEAPU8: Uint8Array;
  _malloc(size: number): number;
  _free(pointer: number): void;
  get_names(file: bigint, path: string, recursive: boolean): string[];
  get_type(file: bigint, path: string): number;
  get_symbolic_link(file: bigint, path: string): string | null;
  get_external_link(file: bigint, path: string): { filename?: string } | null;
  get_dataset_metadata(file: bigint, path: string): H5Metadata;
  get_dataset_data(
    file: bigint,
    path: string,
    count: null,
    offset: null,
    strides: null,
    pointer: bigint,
  ): number;
}

interface H5Metadata {
  readonly type: number;
  readonly size: number;
  readonly signed: boolean;
  readonly littleEndian: boolean;
  readonly vlen: boolean;
  readonly total_size: number;
  readonly shape: readonly number[] | null;
  readonly chunks: readonly number[] | null;
  readonly enum_type?: unknown;
}

interface H5Item {
  readonly attrs: Readonly<Record<string, { readonly value: unknown }>>;
}

interface H5File extends H5Item {
  readonly file_id: bigint;
  get(path: string): H5Item | null;
  close(): void;
}

interface H5Library {
  readonly ready: Promise<H5Module>;
  readonly File: new (path: string, mode: string) => H5File;
}

const groupType = 0;
const datasetType = 1;
/** HDF5's classes of types. */
const classes = { integer: 0, float: 1, opaque: 5, enum: 8 } as const;
/** Packed data larger than so many times the file is refused. */
const maxRatio = 200;

let library: Promise<{ module: H5Module; File: H5Library["File"] }> | null = null;

function load(): Promise<{ module: H5Module; File: H5Library["File"] }> {
  library ??= import("h5wasm").then(async (loaded) => {
    const { default: h5 } = loaded as unknown as { default: H5Library };
    return { module: await h5.ready, File: h5.File };
  });
  return library;
}

let count = 0;

/** An open HDF5 file in memory. */
export class Hdf5File {
  readonly #module: H5Module;
  readonly #file: H5File;
  readonly #name: string;
  readonly #size: number;
  readonly path: string;

  private constructor(module: H5Module, file: H5File, name: string, size: number, path: string) {
    this.#module = module;
    this.#file = file;
    this.#name = name;
    this.#size = size;
    this.path = path;
  }

  /** @throws {SerializationError} If the bytes are no HDF5 file. */
  static async open(data: Uint8Array, path: string): Promise<Hdf5File> {
    if (data.length < 8 || String.fromCharCode(...data.subarray(1, 4)) !== "HDF") {
      throw new SerializationError(`${path} is no HDF5 file.`, { path });
    }
    checkLength(data, path);
    const { module, File } = await load();
    const name = `/keratin-${count++}.h5`;
    module.FS.writeFile(name, data);
    try {
      return new Hdf5File(module, new File(name, "r"), name, data.length, path);
    } catch (error) {
      module.FS.unlink(name);
      throw new SerializationError(`${path} cannot be read: it is damaged or cut off.`, {
        path,
        cause: error,
      });
    }
  }

  close(): void {
    this.#file.close();
    this.#module.FS.unlink(this.#name);
  }

  #refuse(where: string, reason: string, cause?: unknown): SerializationError {
    return new SerializationError(`${this.path}: "${where}" ${reason}.`, {
      path: this.path,
      cause,
    });
  }

  #guard<T>(where: string, fn: () => T): T {
    try {
      return fn();
    } catch (error) {
      if (error instanceof KeratinError) throw error;
      throw this.#refuse(where, "cannot be read: the file is damaged or cut off", error);
    }
  }

  /** What is directly in a group, in alphabetical order; null if there is no such group. */
  list(group: string): { groups: string[]; datasets: string[] } | null {
    if (!this.#exists(group)) return null;
    const found = { groups: [] as string[], datasets: [] as string[] };
    if (
      this.#guard(group, () => this.#module.get_type(this.#file.file_id, slash(group))) !==
      groupType
    ) {
      throw this.#refuse(group, "should be a group");
    }
    for (const name of this.#guard(group, () =>
      this.#module.get_names(this.#file.file_id, slash(group), false),
    )) {
      const path = join(group, name);
      this.#checkLink(path);
      const type = this.#guard(path, () => this.#module.get_type(this.#file.file_id, slash(path)));
      if (type === groupType) found.groups.push(name);
      else if (type === datasetType) found.datasets.push(name);
    }
    return found;
  }

  /** Links may lead anywhere: none is followed. */
  #checkLink(path: string): void {
    const { file_id: file } = this.#file;
    const symbolic = this.#guard(path, () => this.#module.get_symbolic_link(file, slash(path)));
    const external = this.#guard(path, () => this.#module.get_external_link(file, slash(path)));
    if (symbolic || external?.filename !== undefined) {
      throw this.#refuse(path, "is a link to elsewhere, which is not followed");
    }
  }

  #exists(path: string): boolean {
    let at = "";
    for (const part of path.split("/").filter((p) => p !== "")) {
      const names = this.#guard(at, () =>
        this.#module.get_names(this.#file.file_id, slash(at), false),
      );
      if (!names.includes(part)) return false;
      at = join(at, part);
      this.#checkLink(at);
      const type = this.#guard(at, () => this.#module.get_type(this.#file.file_id, slash(at)));
      if (type !== groupType && at !== path) return false;
    }
    return true;
  }

  /** The value of an attribute; null if it is not there. */
  attribute(path: string, name: string): Hdf5Attribute {
    if (!this.#exists(path)) return null;
    return this.#guard(path, () => {
      const item = path === "" ? this.#file : this.#file.get(slash(path));
      const attribute = item?.attrs[name];
      if (attribute === undefined) return null;
      const { value } = attribute;
      if (typeof value === "string" || typeof value === "number") return value;
      if (typeof value === "bigint") return Number(value);
      if (value === null || value === undefined) return null;
      return Array.from(value as ArrayLike<unknown>, (item) =>
        typeof item === "bigint" ? Number(item) : (item as string),
      ) as string[];
    });
  }

  /** @throws {SerializationError} If it is no dataset of numbers, or claims to be larger than it can be. */
  read(path: string): Hdf5Data {
    const { file_id: file } = this.#file;
    const module = this.#module;
    this.#checkLink(path);
    if (this.#guard(path, () => module.get_type(file, slash(path))) !== datasetType) {
      throw this.#refuse(path, "should be a dataset");
    }
    const metadata = this.#guard(path, () => module.get_dataset_metadata(file, slash(path)));
    const shape = metadata.shape ?? [];
    const dtype = this.#dtypeOf(path, metadata);
    const bytes = sizeOf(shape) * metadata.size;
    const limit = metadata.chunks === null ? this.#size : this.#size * maxRatio;
    if (!Number.isSafeInteger(bytes) || bytes > limit) {
      throw this.#refuse(path, `claims ${bytes} bytes, more than the file can hold`);
    }
    if (bytes === 0) return { dtype, shape, bytes: new Uint8Array(0) };
    const pointer = module._malloc(bytes);
    if (pointer === 0) throw this.#refuse(path, `needs ${bytes} bytes, which there are not`);
    try {
      return this.#guard(path, () => {
        module.get_dataset_data(file, slash(path), null, null, null, BigInt(pointer));
        const data = module.HEAPU8.slice(pointer, pointer + bytes);
        // The byte order of opaque data is not defined: it is what it is.
        if (!metadata.littleEndian && metadata.type !== classes.opaque) swap(data, metadata.size);
        return { dtype, shape, bytes: data };
      });
    } finally {
      module._free(pointer);
    }
  }

  #dtypeOf(path: string, { type, size, signed, vlen }: H5Metadata): DType {
    let dtype: string | undefined;
    if (!vlen && type === classes.integer) dtype = `${signed ? "" : "u"}int${size * 8}`;
    else if (!vlen && type === classes.float) dtype = `float${size * 8}`;
    else if (type === classes.enum && size === 1) dtype = "bool";
    else if (
      type === classes.opaque &&
      size === 2 &&
      this.attribute(path, "dtype") === "bfloat16"
    ) {
      dtype = "bfloat16";
    }
    if (dtype === undefined || !isKnown(dtype, size)) {
      throw this.#refuse(path, "holds data of a type that is not supported");
    }
    return dtype as DType;
  }
}

/** The file says how long it is: one that was cut off is not opened. */
function checkLength(data: Uint8Array, path: string): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const version = data[8] ?? 0;
  // Where the end of the file stands, for addresses of 8 bytes.
  const at = version < 2 ? (version === 0 ? 40 : 44) : 28;
  if (data.length < at + 8 || view.getBigUint64(at, true) > BigInt(data.length)) {
    throw new SerializationError(`${path} is cut off.`, { path });
  }
}

function isKnown(dtype: string, size: number): boolean {
  return isDType(dtype) && itemSize(dtype) === size;
}

function slash(path: string): string {
  return `/${path}`;
}

function join(group: string, name: string): string {
  return group === "" ? name : `${group}/${name}`;
}

function swap(data: Uint8Array, size: number): void {
  for (let at = 0; at < data.length; at += size) data.subarray(at, at + size).reverse();
}
