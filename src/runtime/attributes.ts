/**
 * Attributes of ops: schemas, and the one packer that hands attributes to
 * native code and shaders as 32-bit words.
 *
 * @module
 */
import { type DType, dtypeId } from "../util/dtypes.ts";
import { ArgumentError } from "../util/errors.ts";

/**
 * The kind of an attribute: a 32-bit integer, a boolean, a float64, a 64-bit
 * integer, a list of integers or float64s, a dtype, or one of some strings
 * (packed as its position).
 */
export type AttributeKind =
  | "int"
  | "bool"
  | "float"
  | "int64"
  | "ints"
  | "floats"
  | "dtype"
  | readonly string[];

/** Names and kinds, in the order in which they are packed. */
export type AttributeSchema = Readonly<Record<string, AttributeKind>>;

/** What an attribute can be. */
export type AttributeValue = number | bigint | boolean | string | readonly number[] | undefined;

/** The attributes of one call. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A schema's entries, listed once. */
export class AttributePacker {
  readonly #names: readonly string[];
  readonly #kinds: readonly AttributeKind[];

  constructor(schema: AttributeSchema) {
    this.#names = Object.keys(schema);
    this.#kinds = Object.values(schema);
  }

  get isEmpty(): boolean {
    return this.#names.length === 0;
  }

  /** How many words these attributes take. */
  wordCount(attributes: Attributes): number {
    let count = 0;
    for (let i = 0; i < this.#names.length; i++) {
      const kind = this.#kinds[i] as AttributeKind;
      const value = attributes[this.#names[i] as string];
      if (kind === "float" || kind === "int64") count += 2;
      else if (kind === "ints") count += 1 + (value as readonly number[]).length;
      else if (kind === "floats") count += 1 + 2 * (value as readonly number[]).length;
      else count += 1;
    }
    return count;
  }

  /** Writes the attributes from `at` on and returns the position behind them. */
  pack(op: string, attributes: Attributes, words: Int32Array, at: number): number {
    let next = at;
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i] as string;
      const kind = this.#kinds[i] as AttributeKind;
      const value = attributes[name];
      if (value === undefined) {
        throw new ArgumentError(`${op}: attribute ${name} is missing.`, { op });
      }
      switch (kind) {
        case "int":
          words[next++] = value as number;
          break;
        case "bool":
          words[next++] = value ? 1 : 0;
          break;
        case "dtype":
          words[next++] = dtypeId(value as DType);
          break;
        case "float":
          next = putFloat(words, next, value as number);
          break;
        case "int64":
          next = putInt64(words, next, BigInt(value as number | bigint));
          break;
        case "ints": {
          const list = value as readonly number[];
          words[next++] = list.length;
          for (let k = 0; k < list.length; k++) words[next++] = list[k] as number;
          break;
        }
        case "floats": {
          const list = value as readonly number[];
          words[next++] = list.length;
          for (let k = 0; k < list.length; k++) next = putFloat(words, next, list[k] as number);
          break;
        }
        default: {
          const position = kind.indexOf(value as string);
          if (position < 0) {
            throw new ArgumentError(
              `${op}: attribute ${name} must be one of ${kind.join(", ")}, got ${String(value)}.`,
              { op },
            );
          }
          words[next++] = position;
        }
      }
    }
    return next;
  }
}

const float64 = new Float64Array(1);
const int64 = new BigInt64Array(float64.buffer);
const halves = new Int32Array(float64.buffer);

function putFloat(words: Int32Array, at: number, value: number): number {
  float64[0] = value;
  words[at] = halves[0] as number;
  words[at + 1] = halves[1] as number;
  return at + 2;
}

function putInt64(words: Int32Array, at: number, value: bigint): number {
  int64[0] = value;
  words[at] = halves[0] as number;
  words[at + 1] = halves[1] as number;
  return at + 2;
}
