/**
 * The errors that Keratin throws. Each message says what happened, what was
 * expected and how to fix it; the fields say the same for programs.
 *
 * @module
 */

/** Facts that every error may carry. */
export interface ErrorFields {
  /** The op that refused, as it is registered (`matmul`). */
  op?: string | undefined;
  /** The layer in whose call it happened. */
  layer?: string | undefined;
  /** The shapes involved, as the user passed them. */
  shapes?: readonly (readonly (number | null)[])[] | undefined;
  /** The dtypes involved. */
  dtypes?: readonly string[] | undefined;
  /** The file involved. */
  path?: string | undefined;
  /** The error behind this one. */
  cause?: unknown;
}

let filtersTraces = true;

/** Whether the stacks of errors leave out the frames of this library. */
export function isTracebackFilteringEnabled(): boolean {
  return filtersTraces;
}

/** Has stacks begin where the library was called. The default. */
export function enableTracebackFiltering(): void {
  filtersTraces = true;
}

/** Has stacks show every frame, to look for a fault in the library itself. */
export function disableTracebackFiltering(): void {
  filtersTraces = false;
}

// The folder of this library: …/src/ or …/dist/, of which this file is …/util/errors.
const ownFrames = decodeURI(new URL("..", import.meta.url).pathname);

/** A stack without the frames of the library; as it is where nothing else would be left. */
function withoutOwnFrames(stack: string): string {
  const lines = stack.split("\n");
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const kept = lines.filter((line) => !isFrame(line) || !line.includes(ownFrames));
  return kept.some(isFrame) ? kept.join("\n") : stack;
}

/** What all errors of Keratin have in common. */
export class KeratinError extends Error {
  readonly op: string | undefined;
  layer: string | undefined;
  readonly shapes: readonly (readonly (number | null)[])[] | undefined;
  readonly dtypes: readonly string[] | undefined;
  readonly path: string | undefined;

  constructor(message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.op = fields.op;
    this.layer = fields.layer;
    this.shapes = fields.shapes;
    this.dtypes = fields.dtypes;
    this.path = fields.path;
    if (filtersTraces && this.stack !== undefined) this.stack = withoutOwnFrames(this.stack);
  }
}

/** Shapes that do not fit together, or an axis out of range. */
export class ShapeError extends KeratinError {}

/** A dtype that an op cannot take, or two that do not go together. */
export class DTypeError extends KeratinError {}

/** An argument outside of what a function takes. */
export class ArgumentError extends KeratinError {}

/** A device that is missing, not open, or cannot do what was asked. */
export class DeviceError extends KeratinError {}

/** Something that this backend, or this release, does not do. */
export class UnsupportedError extends KeratinError {}

/** A file that cannot be read or written, or does not hold what it should. */
export class SerializationError extends KeratinError {}

/** Something done inside a traced function that cannot be traced. */
export class TraceError extends KeratinError {}

/** A derivative that does not exist. */
export class GradientError extends KeratinError {}

/** Use of a tensor or variable whose memory has been given up. */
export class DisposedError extends KeratinError {}

/** An object used before it is ready: not built, not compiled, not fitted. */
export class StateError extends KeratinError {}

/** Memory has run out. */
export class OutOfMemoryError extends KeratinError {}

/** A kernel reported that it could not do its work. */
export class KernelError extends KeratinError {}

/** A program was stopped before it changed anything. */
export class CancelledError extends KeratinError {}

/** `[2, null, 3]`, as shapes are written in messages. */
export function formatShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((dim) => (dim === null ? "null" : String(dim))).join(", ")}]`;
}

/** A short description of any value, for messages. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return value.name ? `function ${value.name}` : "a function";
  if (Array.isArray(value)) {
    return value.length <= 8 && value.every((v) => typeof v !== "object" || v === null)
      ? `[${value.map(describe).join(", ")}]`
      : `an array of ${value.length}`;
  }
  if (typeof value === "object") {
    const name = (value as object).constructor?.name;
    return name === undefined || name === "Object" ? "an object" : `a ${name}`;
  }
  return String(value);
}
