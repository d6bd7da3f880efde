/**
 * What a device must do. CPU, CUDA and WebGPU are backends; so is whatever a
 * test puts in their place.
 *
 * A backend may do everything later than it is asked to, in order: values are
 * then pending. It may be unable to read synchronously, and it may lack
 * dtypes. Nothing above this interface may assume otherwise.
 *
 * @module
 */
import type { DType, TypedArray } from "../util/dtypes.ts";
import type { Shape } from "../util/shapes.ts";
import type { AttributePacker, Attributes } from "./attributes.ts";
import type { Storage } from "./storage.ts";

/** Shape and dtype of a tensor. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A tensor's spec and where its values lie. */
export interface Operand extends TensorSpec {
  readonly storage: Storage;
}

/** A kernel of a backend: an op's name, resolved once. */
export interface Kernel {
  readonly id: number;
  /** Bit `dtypeId(d)`: runs on a first input (else first output) of dtype d. */
  readonly dtypes: number;
}

/**
 * Where a value of a plan lies: in the arena (index in units of 64 bytes, or
 * a slot, as the backend's `memoryModel` says), in the n-th argument, storage
 * held by the plan, result, or in the constants (in units of 64 bytes).
 */
export type Place = "arena" | "input" | "held" | "output" | "constant";

/** A value that instructions read or write. */
export interface PlanValue extends TensorSpec {
  readonly place: Place;
  readonly index: number;
}

/** A kernel in a fused loop: one output, of the loop's shape. */
export interface LoopStep {
  readonly op: string;
  readonly kernel: Kernel;
  /** Inputs of the instruction by their position, then results of the steps before. */
  readonly inputs: readonly number[];
  readonly dtype: DType;
  readonly packer: AttributePacker;
  readonly attributes: Attributes;
}

/** The sum of what a fused loop reads or computes, as an output of it. */
export interface LoopSum {
  /** `accumulate_rows`, or `accumulate_columns` for sums over columns. */
  readonly kernel: Kernel;
  /** What is added up, numbered as the inputs of steps are. */
  readonly value: number;
  /** All elements, or those of each row or column. */
  readonly over: "all" | "rows" | "columns";
}

/**
 * Elementwise kernels that run as one loop over a shape, to which the inputs
 * broadcast. Outputs may lie where inputs of their size do, but for sums.
 */
export interface Loop {
  readonly shape: Shape;
  readonly steps: readonly LoopStep[];
  /** For each output that is no sum the step that computes it; these come first. */
  readonly outputs: readonly number[];
  readonly sums: readonly LoopSum[];
  /** Elements of a row, where sums are over rows or columns; else 0. */
  readonly row: number;
}

/**
 * One kernel call. Where `kernel` is null: with bodies a control op
 * (`native/runtime/control.h` says what each does), with a loop that, else a
 * copy of bytes.
 */
export interface PlanInstruction {
  readonly op: string;
  readonly kernel: Kernel | null;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly packer: AttributePacker;
  readonly attributes: Attributes;
  readonly bodies?: readonly Plan[];
  readonly loop?: Loop;
}

/**
 * A compiled program, ready to be prepared. The instructions from
 * `commitStart` on are the commit: only they write held storage, and none of
 * them can fail or allocate.
 */
export interface Plan {
  readonly values: readonly PlanValue[];
  readonly instructions: readonly PlanInstruction[];
  readonly commitStart: number;
  /** Units of 64 bytes, or bytes of each slot. */
  readonly arena: number | readonly number[];
  readonly constants: Uint8Array;
  readonly held: readonly Storage[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** A prepared plan. */
export interface Program {
  readonly plan: Plan;
  /** Gives up what the backend keeps for it, after its last run. */
  release(): void;
}

/** One run of a program. */
export interface Submission {
  /** Resolves when the run has ended; rejects with the error it ended with. */
  done(): Promise<void>;
  /** Stops it before its commit, if it has not got there. */
  cancel(): void;
}

/** What a backend holds. */
export interface BackendMemory {
  /** Buffers in use, and their bytes. */
  readonly storages: number;
  readonly bytes: number;
  /** Freed bytes kept for reuse. */
  readonly cachedBytes: number;
  /** The most bytes in use at once. */
  readonly peakBytes: number;
}

/** A device, as the runtime sees it. */
export interface Backend {
  readonly name: string;
  /** The dtypes that storage can have here. */
  readonly dtypes: ReadonlySet<DType>;
  /** Whether `readSync` works. */
  readonly syncRead: boolean;
  /** How plans lay out memory: offsets into one arena, or whole buffers. */
  readonly memoryModel: "arena" | "slots";
  readonly isOpen: boolean;

  /** Gets ready. Nothing else may be called before it has returned or resolved. */
  open(): void | Promise<void>;
  /** The kernel of an op; undefined where there is none. */
  resolve(op: string): Kernel | undefined;

  /** Gives `storage` a buffer, filled with the bytes of `data` if there are any. */
  create(storage: Storage, data: TypedArray | null): void;
  /**
   * Lets `storage` share the buffer of `source` until that one is written;
   * then `storage` has a copy of what it was.
   */
  alias(storage: Storage, source: Storage): void;
  /** Frees the buffer, after the last run that uses it. */
  release(storage: Storage): void;

  /** Runs one kernel; the outputs' storages get their buffers here. */
  run(
    op: string,
    kernel: Kernel,
    inputs: readonly Operand[],
    outputs: readonly Operand[],
    packer: AttributePacker,
    attributes: Attributes,
  ): void;

  /**
   * Makes a plan runnable; asynchronous where pipelines are built. With `now`
   * it returns the program at once, even if it has to wait for that.
   */
  prepare(plan: Plan, now: true): Program;
  prepare(plan: Plan, now: boolean): Program | Promise<Program>;
  /** Runs a program; the outputs' storages get their buffers here. */
  submit(program: Program, inputs: readonly Storage[], outputs: readonly Storage[]): Submission;

  /** The first `bytes` bytes, once they are written. */
  read(storage: Storage, bytes: number): Promise<ArrayBuffer>;
  /** The same, waiting here. @throws {DeviceError} Where `syncRead` is false. */
  readSync(storage: Storage, bytes: number): ArrayBuffer;
  /** Overwrites the whole of `target`, keeping its address. */
  assign(target: Storage, source: Storage | TypedArray): void;

  memory(): BackendMemory;
  /** Waits for what runs and gives everything up. */
  close(): void | Promise<void>;
}
