/**
 * Writing HDF5 files as Keras does: old libraries and Keras read them.
 *
 * Our own code, because h5wasm writes neither float16 on Node 20 nor opaque
 * data, which is how Keras stores bfloat16. Source: "HDF5 File Format
 * Specification Version 3.0", superblock 2, object headers 2, contiguous data.
 *
 * @module
 */
import type { DType } from "../../util/dtypes.ts";
import type { Hdf5Data } from "./hdf5.ts";

/** A group to be written. */
export interface Hdf5Tree {
  readonly attributes: Record<string, string | readonly string[]>;
  readonly groups: Record<string, Hdf5Tree>;
  readonly datasets: Record<string, Hdf5Data>;
}

/** An empty group. */
export function emptyTree(): Hdf5Tree {
  return { attributes: {}, groups: {}, datasets: {} };
}

/** The group at a path, made where it is missing. */
export function groupAt(root: Hdf5Tree, path: string): Hdf5Tree {
  return path
    .split("/")
    .filter((part) => part !== "")
    .reduce((group, part) => {
      group.groups[part] ??= emptyTree();
      return group.groups[part] as Hdf5Tree;
    }, root);
}

const undefinedAddress = 0xffffffffffffffffn;

/** Bytes that grow, little-endian. */
class Bytes {
  #data = new Uint8Array(256);
  #view = new DataView(this.#data.buffer);
  length = 0;

  #reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#data.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#data.length));
      larger.set(this.#data);
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  u8(...values: number[]): this {
    for (const value of values) {
      const at = this.#reserve(1);
      this.#view.setUint8(at, value);
    }
    return this;
  }
  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
    return this;
  }
  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
    return this;
  }
  u64(value: number | bigint): this {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }
  bytes(data: Uint8Array): this {
    const at = this.#reserve(data.length);
    this.#data.set(data, at);
    return this;
  }
  text(value: string): this {
    return this.bytes(new TextEncoder().encode(value));
  }
  padTo(multiple: number): this {
    while (this.length % multiple !== 0) this.u8(0);
    return this;
  }
  checksum(from = 0): this {
    return this.u32(lookup3(this.done().subarray(from)));
  }
  done(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Bob Jenkins' hash of 2006, as the format uses it. */
function lookup3(data: Uint8Array): number {
  let a = (0xdeadbeef + data.length) | 0;
  let b = a;
  let c = a;
  const word = (at: number): number => {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = (value << 8) | (data[at + i] ?? 0);
    return value;
  };
  let at = 0;
  for (; data.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = ((a - c) | 0) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (at === data.length) return c >>> 0;
  a = (a + word(at)) | 0;
  b = (b + word(at + 4)) | 0;
  c = (c + word(at + 8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}

/** Exponent size, mantissa size and bias of floats. */
const floats: Readonly<Record<number, readonly [number, number, number]>> = {
  2: [5, 10, 15],
  4: [8, 23, 127],
  8: [11, 52, 1023],
};

function datatype(dtype: DType): Uint8Array {
  const out = new Bytes();
  const bits = Number(/\d+$/.exec(dtype)?.[0] ?? 8);
  if (dtype === "bfloat16") return out.u8(0x15, 0, 0, 0).u32(2).done();
  if (dtype === "bool") {
    // An enumeration over int8, as h5py has it.
    out.u8(0x38, 2, 0, 0).u32(1);
    return out.bytes(datatype("int8")).text("FALSE\0").text("TRUE\0").u8(0, 1).done();
  }
  const size = bits / 8;
  if (dtype.startsWith("float")) {
    const [exponent, mantissa, bias] = floats[size] as readonly [number, number, number];
    return out
      .u8(0x11, 0x20, bits - 1, 0)
      .u32(size)
      .u16(0)
      .u16(bits)
      .u8(mantissa, exponent, 0, mantissa)
      .u32(bias)
      .done();
  }
  return out
    .u8(0x10, dtype.startsWith("uint") ? 0 : 8, 0, 0)
    .u32(size)
    .u16(0)
    .u16(bits)
    .done();
}

/** Strings of any length, in UTF-8. */
function stringType(): Uint8Array {
  return new Bytes().u8(0x19, 1, 1, 0).u32(16).u8(0x13, 0x10, 0, 0).u32(1).done();
}

function dataspace(shape: readonly number[] | null): Uint8Array {
  const out = new Bytes().u8(2, shape?.length ?? 0, 0, shape === null ? 0 : 1);
  for (const dim of shape ?? []) out.u64(dim);
  return out.done();
}

interface Message {
  readonly type: number;
  readonly data: Uint8Array;
}

/** An object: its messages, then a checksum. */
function header(messages: readonly Message[]): Uint8Array {
  const body = new Bytes();
  for (const { type, data } of messages) body.u8(type).u16(data.length).u8(0).bytes(data);
  return new Bytes().text("OHDR").u8(2, 2).u32(body.length).bytes(body.done()).checksum().done();
}

/** Attributes that are lists of strings take this many bytes at most. */
const maxAttribute = 64000;

/** A file that is put together from the leaves up. */
class Writer {
  readonly #out = new Bytes();
  /** Where each string lies: the heap's address, and its number there. */
  readonly #strings = new Map<string, readonly [address: number, index: number]>();

  write(root: Hdf5Tree): Uint8Array {
    this.#out.bytes(new Uint8Array(48));
    this.#writeStrings([...stringsOf(root)]);
    const address = this.#group(root);
    const file = this.#out.done().slice();
    const superblock = new Bytes()
      .bytes(new Uint8Array([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]))
      .u8(2, 8, 8, 0)
      .u64(0)
      .u64(undefinedAddress)
      .u64(file.length)
      .u64(address)
      .checksum();
    file.set(superblock.done());
    return file;
  }

  #append(data: Uint8Array): number {
    this.#out.padTo(8);
    const at = this.#out.length;
    this.#out.bytes(data);
    return at;
  }

  #writeStrings(strings: readonly string[]): void {
    // Numbers in a heap have 16 bits.
    const perHeap = 60000;
    for (let first = 0; first < strings.length; first += perHeap) {
      const part = strings.slice(first, first + perHeap);
      const body = new Bytes();
      for (const [i, text] of part.entries()) {
        const data = new TextEncoder().encode(text);
        body
          .u16(i + 1)
          .u16(1)
          .u32(0)
          .u64(data.length)
          .bytes(data)
          .padTo(8);
      }
      const size = Math.max(4096, 16 + body.length + 16);
      const free = size - 16 - body.length;
      body
        .u16(0)
        .u16(0)
        .u32(0)
        .u64(free)
        .bytes(new Uint8Array(free - 16));
      const heap = new Bytes().text("GCOL").u8(1, 0, 0, 0).u64(size).bytes(body.done());
      const address = this.#append(heap.done());
      for (const [i, text] of part.entries()) this.#strings.set(text, [address, i + 1]);
    }
  }

  #attribute(name: string, value: string | readonly string[]): Message {
    const isScalar = typeof value === "string";
    // h5py writes an empty list as no floats.
    const type = !isScalar && value.length === 0 ? datatype("float64") : stringType();
    const space = dataspace(isScalar ? null : [value.length]);
    const title = new TextEncoder().encode(`${name}\0`);
    const out = new Bytes().u8(3, 0).u16(title.length).u16(type.length).u16(space.length).u8(1);
    out.bytes(title).bytes(type).bytes(space);
    for (const text of isScalar ? [value] : value) {
      const [address, index] = this.#strings.get(text) as readonly [number, number];
      out.u32(new TextEncoder().encode(text).length).u64(address).u32(index);
    }
    return { type: 0x0c, data: out.done() };
  }

  #attributes(attributes: Hdf5Tree["attributes"]): Message[] {
    return Object.entries(attributes).flatMap(([name, value]) => {
      if (typeof value === "string" || value.length * 16 <= maxAttribute) {
        return [this.#attribute(name, value)];
      }
      // Too long for one attribute: Keras reads name0, name1, …
      const count = Math.ceil((value.length * 16) / maxAttribute);
      const size = Math.ceil(value.length / count);
      return Array.from({ length: count }, (_, i) =>
        this.#attribute(`${name}${i}`, value.slice(i * size, (i + 1) * size)),
      );
    });
  }

  #dataset({ dtype, shape, bytes }: Hdf5Data): number {
    const address = bytes.length === 0 ? undefinedAddress : this.#append(bytes);
    const messages: Message[] = [
      { type: 0x01, data: dataspace(shape.length === 0 ? null : shape) },
      { type: 0x03, data: datatype(dtype) },
      { type: 0x05, data: new Bytes().u8(3, 0x0a).done() },
      { type: 0x08, data: new Bytes().u8(3, 1).u64(address).u64(bytes.length).done() },
      ...this.#attributes(dtype === "bfloat16" ? { dtype: "bfloat16" } : {}),
    ];
    return this.#append(header(messages));
  }

  #group({ attributes, groups, datasets }: Hdf5Tree): number {
    const links: [name: string, address: number][] = [
      ...Object.entries(groups).map(([name, group]): [string, number] => [
        name,
        this.#group(group),
      ]),
      ...Object.entries(datasets).map(([name, data]): [string, number] => [
        name,
        this.#dataset(data),
      ]),
    ];
    const messages: Message[] = [
      { type: 0x02, data: new Bytes().u8(0, 0).u64(undefinedAddress).u64(undefinedAddress).done() },
      { type: 0x0a, data: new Bytes().u8(0, 0).done() },
      ...links.map(([name, address]) => {
        const title = new TextEncoder().encode(name);
        const link = new Bytes().u8(1, 0x11, 1).u16(title.length).bytes(title).u64(address);
        return { type: 0x06, data: link.done() };
      }),
      ...this.#attributes(attributes),
    ];
    return this.#append(header(messages));
  }
}

function* stringsOf(tree: Hdf5Tree): Generator<string> {
  const seen = new Set<string>();
  const stack = [tree];
  for (let group = stack.pop(); group !== undefined; group = stack.pop()) {
    const texts = Object.values(group.attributes).flat() as string[];
    if (Object.values(group.datasets).some(({ dtype }) => dtype === "bfloat16"))
      texts.push("bfloat16");
    for (const text of texts) {
      if (seen.has(text)) continue;
      seen.add(text);
      yield text;
    }
    stack.push(...Object.values(group.groups));
  }
}

/** The file that holds a tree. */
export function writeHdf5(root: Hdf5Tree): Uint8Array {
  return new Writer().write(root);
}
