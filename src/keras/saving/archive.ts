/**
 * Zip archives, as `.keras` files are.
 *
 * fflate packs and inflates; it does not check what an archive says of itself,
 * so the directory is read and checked here.
 *
 * @module
 */
import { Inflate, zipSync } from "fflate";
import { SerializationError } from "../../util/errors.ts";

/** One file of an archive. */
interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** Inflating more than this many times the packed size is refused beyond a megabyte. */
const maxRatio = 200;
const megabyte = 1 << 20;

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const directorySignature = 0x02014b50;
const localSignature = 0x04034b50;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) {
    crc = (crcTable[(crc ^ (data[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** An archive in memory. Entries are read one by one. */
export class Archive {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();

  /** @throws {SerializationError} If it is no archive, or one that lies. */
  constructor(data: Uint8Array, path: string) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#path = path;
    this.#readDirectory();
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * The contents of a file; a view where it is stored as it is.
   *
   * @throws {SerializationError} If it is not there, or is not what the directory says.
   */
  read(name: string): Uint8Array {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw this.#refuse(`there is no "${name}" in it`);
    const start = this.#startOf(entry);
    const packed = this.#data.subarray(start, start + entry.compressedSize);
    let contents: Uint8Array;
    if (entry.method === 0) contents = packed;
    else contents = this.#inflate(entry, packed);
    if (crc32(contents) !== entry.crc) throw this.#refuse(`"${name}" is damaged (wrong checksum)`);
    return contents;
  }

  #inflate(entry: Entry, packed: Uint8Array): Uint8Array {
    const contents = new Uint8Array(entry.size);
    let length = 0;
    const inflate = new Inflate((chunk) => {
      if (length + chunk.length > entry.size) {
        throw this.#refuse(`"${entry.name}" is larger than it says`);
      }
      contents.set(chunk, length);
      length += chunk.length;
    });
    try {
      // In pieces: what lies about its size is stopped early.
      const piece = 65536;
      for (let at = 0; at < packed.length; at += piece) {
        inflate.push(packed.subarray(at, at + piece), at + piece >= packed.length);
      }
    } catch (error) {
      if (error instanceof SerializationError) throw error;
      throw this.#refuse(`"${entry.name}" cannot be unpacked`, error);
    }
    if (length !== entry.size) throw this.#refuse(`"${entry.name}" is shorter than it says`);
    return contents;
  }

  #refuse(reason: string, cause?: unknown): SerializationError {
    return new SerializationError(`${this.#path} cannot be read as a zip archive: ${reason}.`, {
      path: this.#path,
      cause,
    });
  }

  #readDirectory(): void {
    const view = this.#view;
    const end = this.#findEnd();
    let count = view.getUint16(end + 10, true);
    let size = view.getUint32(end + 12, true);
    let offset = view.getUint32(end + 16, true);
    if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
      [count, size, offset] = this.#readEnd64(end);
    }
    if (offset + size > end) throw this.#refuse("its directory is cut off");
    let at = offset;
    const ranges: [from: number, to: number][] = [];
    for (let i = 0; i < count; i++) {
      if (at + 46 > offset + size || view.getUint32(at, true) !== directorySignature) {
        throw this.#refuse("its directory is damaged");
      }
      const nameLength = view.getUint16(at + 28, true);
      const extraLength = view.getUint16(at + 30, true);
      const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
      if (next > offset + size) throw this.#refuse("its directory is damaged");
      const name = new TextDecoder().decode(this.#data.subarray(at + 46, at + 46 + nameLength));
      const entry = this.#readEntry(at, name, at + 46 + nameLength, extraLength);
      at = next;
      if (name.endsWith("/")) continue;
      if (this.#entries.has(name)) throw this.#refuse(`"${name}" is in it twice`);
      ranges.push([entry.offset, entry.offset + 30 + entry.compressedSize]);
      this.#entries.set(name, entry);
    }
    ranges.sort(([a], [b]) => a - b);
    for (let i = 1; i < ranges.length; i++) {
      if ((ranges[i - 1] as [number, number])[1] > (ranges[i] as [number, number])[0]) {
        throw this.#refuse("its files overlap");
      }
    }
  }

  #readEntry(at: number, name: string, extraAt: number, extraLength: number): Entry {
    const view = this.#view;
    checkName(name, (reason) => this.#refuse(reason));
    if (view.getUint16(at + 8, true) & 1) throw this.#refuse(`"${name}" is encrypted`);
    const method = view.getUint16(at + 10, true);
    if (method !== 0 && method !== 8) {
      throw this.#refuse(`"${name}" is packed in a way that is not supported (method ${method})`);
    }
    const raw = {
      size: view.getUint32(at + 24, true),
      compressedSize: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    };
    // Values that do not fit stand in the extra field, in this order.
    const large = this.#extra64(extraAt, extraLength);
    let next = 0;
    const real = { ...raw };
    for (const key of ["size", "compressedSize", "offset"] as const) {
      if (raw[key] !== 0xffffffff) continue;
      const value = large[next++];
      if (value === undefined) throw this.#refuse(`the size of "${name}" is missing`);
      real[key] = value;
    }
    if (real.offset + 30 + real.compressedSize > this.#data.length) {
      throw this.#refuse(`"${name}" is cut off`);
    }
    if (method === 0 && real.size !== real.compressedSize) {
      throw this.#refuse(`the sizes of "${name}" contradict each other`);
    }
    if (real.size > megabyte && real.size > maxRatio * real.compressedSize) {
      throw this.#refuse(
        `"${name}" would unpack to ${real.size} bytes, more than ${maxRatio} times its size`,
      );
    }
    return { name, method, crc: view.getUint32(at + 16, true), ...real };
  }

  #extra64(at: number, length: number): number[] {
    const view = this.#view;
    for (let i = at; i + 4 <= at + length; ) {
      const size = view.getUint16(i + 2, true);
      if (view.getUint16(i, true) === 1) {
        const values: number[] = [];
        for (let j = i + 4; j + 8 <= Math.min(i + 4 + size, at + length); j += 8) {
          values.push(Number(view.getBigUint64(j, true)));
        }
        return values;
      }
      i += 4 + size;
    }
    return [];
  }

  #findEnd(): number {
    const { length } = this.#data;
    // A comment of up to 65535 bytes may follow.
    for (let at = length - 22; at >= Math.max(0, length - 22 - 65535); at--) {
      if (this.#view.getUint32(at, true) === endSignature) return at;
    }
    throw this.#refuse(length === 0 ? "it is empty" : "it is none, or it is cut off");
  }

  #readEnd64(end: number): [count: number, size: number, offset: number] {
    const view = this.#view;
    const locator = end - 20;
    if (locator < 0 || view.getUint32(locator, true) !== locator64Signature) {
      throw this.#refuse("its directory is damaged");
    }
    const at = Number(view.getBigUint64(locator + 8, true));
    if (at + 56 > this.#data.length || view.getUint32(at, true) !== end64Signature) {
      throw this.#refuse("its directory is damaged");
    }
    return [
      Number(view.getBigUint64(at + 32, true)),
      Number(view.getBigUint64(at + 40, true)),
      Number(view.getBigUint64(at + 48, true)),
    ];
  }

  /** Where the contents begin, after the header that stands before them too. */
  #startOf(entry: Entry): number {
    const view = this.#view;
    const { offset, name } = entry;
    if (view.getUint32(offset, true) !== localSignature)
      throw this.#refuse(`"${name}" is not where it should be`);
    const start =
      offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
    if (start + entry.compressedSize > this.#data.length)
      throw this.#refuse(`"${name}" is cut off`);
    return start;
  }
}

function checkName(name: string, refuse: (reason: string) => SerializationError): void {
  const isOutside =
    name === "" ||
    name.startsWith("/") ||
    /^[A-Za-z]:/.test(name) ||
    name.includes("\\") ||
    name.includes("\0") ||
    name.split("/").includes("..");
  if (isOutside) throw refuse(`the name ${JSON.stringify(name)} leads outside of it`);
}

/** An archive of files, stored as they are. The same files give the same bytes. */
export function packArchive(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(files as Record<string, Uint8Array>, { level: 0, mtime: new Date(1980, 0, 1) });
}
