/**
 * A device that is asynchronous on purpose, as a GPU is.
 *
 * It computes with the CPU's kernels, but opens and prepares asynchronously,
 * runs ops and programs later, in order, a few each turn of the event loop; it
 * cannot be read synchronously, lays plans out in whole buffers, and has
 * neither int64 nor float64. It frees what is forgotten only through
 * FinalizationRegistry, and it reports whatever made it wait.
 *
 * @module
 */
import { NativeBackend } from "../../src/backends/native/backend.ts";
import type { AttributePacker, Attributes } from "../../src/runtime/attributes.ts";
import type {
  Backend,
  BackendMemory,
  Kernel,
  Operand,
  Plan,
  PlanValue,
  Program,
  Submission,
  TensorSpec,
} from "../../src/runtime/backend.ts";
import { registerBackend } from "../../src/runtime/device.ts";
import { Storage } from "../../src/runtime/storage.ts";
import { type DType, dtypeId, dtypes, itemSize, type TypedArray } from "../../src/util/dtypes.ts";
import { CancelledError, DeviceError } from "../../src/util/errors.ts";
import { sizeOf } from "../../src/util/shapes.ts";

const missing: ReadonlySet<DType> = new Set<DType>(["int64", "uint64", "float64"]);
const missingMask = [...missing].reduce((mask, dtype) => mask | (1 << dtypeId(dtype)), 0);
/** Jobs that run in one turn of the event loop: a host that only yields does not find it idle. */
const jobsPerTurn = 1;

/**
 * What forced a wait: a program that was wanted before it was ready, or a
 * result that somebody waited for when the device ran out of work with it.
 */
export interface Wait {
  readonly what: "read" | "done" | "prepare";
  /** The job that was waited for. */
  readonly job: number;
}

/** Something to do, and whether it is computing. */
interface Job {
  readonly run: () => void;
  readonly isWork: boolean;
}

/** A buffer as the device knows it. */
interface Buffer {
  /** Of the CPU backend; null until the queue has come to its creation. */
  inner: Storage | null;
  bytes: number;
  /** Why it holds no values. */
  error: unknown;
  /** The last job that writes it. */
  writtenBy: number;
  freed: boolean;
}

class AsyncProgram implements Program {
  readonly plan: Plan;
  inner: Program | null = null;
  readonly #device: AsyncBackend;

  constructor(device: AsyncBackend, plan: Plan) {
    this.#device = device;
    this.plan = plan;
  }

  release(): void {
    this.#device.releaseProgram(this);
  }
}

/** The test device, "async". */
export class AsyncBackend implements Backend {
  readonly name = "async";
  readonly dtypes: ReadonlySet<DType> = new Set(dtypes.filter((dtype) => !missing.has(dtype)));
  readonly syncRead = false;
  readonly memoryModel = "slots" as const;
  /** Everything that forced a wait, in order. Tests read and clear it. */
  readonly waits: Wait[] = [];
  /** Where the next program ends before its time. */
  fault: { instruction: number; cancels: boolean } | null = null;

  readonly #cpu = new NativeBackend();
  readonly #buffers = new Map<number, Buffer>();
  readonly #queue: Job[] = [];
  readonly #awaited: Wait[] = [];
  readonly #waiting: { job: number; resolve: () => void }[] = [];
  readonly #forgotten = new FinalizationRegistry<number>((handle) => this.#free(handle));
  #nextHandle = 0;
  #enqueued = 0;
  #finished = 0;
  #queuedWork = 0;
  #scheduled = false;
  #open = false;
  #bytes = 0;
  #peakBytes = 0;

  get isOpen(): boolean {
    return this.#open;
  }

  async open(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#cpu.open();
    this.#open = true;
  }

  resolve(op: string): Kernel | undefined {
    const kernel = this.#cpu.resolve(op);
    return kernel && { id: kernel.id, dtypes: kernel.dtypes & ~missingMask };
  }

  create(storage: Storage, data: TypedArray | null): void {
    const buffer = this.#newBuffer(storage);
    const copy = data === null ? null : data.slice();
    this.#enqueue(() => {
      this.#allocate(buffer, copy);
    });
  }

  alias(storage: Storage, source: Storage): void {
    const buffer = this.#newBuffer(storage);
    const from = this.#buffer(source);
    buffer.writtenBy = from.writtenBy;
    this.#enqueue(() => {
      buffer.error = from.error;
      buffer.inner = new Storage(this.#cpu, buffer.bytes);
      this.#cpu.alias(buffer.inner, from.inner as Storage);
    });
  }

  release(storage: Storage): void {
    this.#forgotten.unregister(storage);
    this.#free(storage.handle);
  }

  run(
    op: string,
    kernel: Kernel,
    inputs: readonly Operand[],
    outputs: readonly Operand[],
    packer: AttributePacker,
    attributes: Attributes,
  ): void {
    const from = inputs.map((input) => ({ input, buffer: this.#buffer(input.storage) }));
    const to = outputs.map((output) => ({ output, buffer: this.#newBuffer(output.storage) }));
    const operand = ({ shape, dtype }: TensorSpec, buffer: Buffer): Operand => ({
      shape,
      dtype,
      storage: buffer.inner as Storage,
    });
    const job = this.#enqueue(() => {
      const failed = from.find(({ buffer }) => buffer.error !== null);
      for (const { buffer } of to) buffer.inner = new Storage(this.#cpu, buffer.bytes);
      try {
        if (failed !== undefined) throw failed.buffer.error;
        this.#cpu.run(
          op,
          kernel,
          from.map(({ input, buffer }) => operand(input, buffer)),
          to.map(({ output, buffer }) => operand(output, buffer)),
          packer,
          attributes,
        );
      } catch (error) {
        for (const { buffer } of to) {
          buffer.error = error;
          this.#allocate(buffer, null);
        }
      }
    }, true);
    for (const { buffer } of to) buffer.writtenBy = job;
  }

  prepare(plan: Plan, now: true): Program;
  prepare(plan: Plan, now: boolean): Program | Promise<Program>;
  prepare(plan: Plan, now: boolean): Program | Promise<Program> {
    const held = plan.held.map((storage) => this.#buffer(storage));
    const program = new AsyncProgram(this, plan);
    const job = this.#enqueue(() => {
      program.inner = this.#cpu.prepare({
        ...withOffsets(plan),
        held: held.map(({ inner }) => inner as Storage),
      });
    });
    if (now) {
      this.waits.push({ what: "prepare", job });
      return program;
    }
    return this.#after(job).then(() => program);
  }

  submit(program: Program, inputs: readonly Storage[], outputs: readonly Storage[]): Submission {
    const { plan } = program;
    const from = inputs.map((input) => this.#buffer(input));
    const to = outputs.map((output) => this.#newBuffer(output));
    const held = plan.held.map((storage) => this.#buffer(storage));
    const { fault } = this;
    this.fault = null;
    let cancelled = false;
    let failure: unknown = null;
    const job = this.#enqueue(() => {
      for (const buffer of to) buffer.inner = new Storage(this.#cpu, buffer.bytes);
      const own = (buffer: Buffer): Storage => buffer.inner as Storage;
      try {
        const failed = [...from, ...held].find(({ error }) => error !== null);
        if (failed !== undefined) throw failed.error;
        if (cancelled) throw new CancelledError("the program was cancelled");
        if (fault !== null) this.#cpu.addon.injectFault(fault.instruction, fault.cancels);
        this.#cpu.submitMode = "inline";
        this.#cpu.submit((program as AsyncProgram).inner as Program, from.map(own), to.map(own));
      } catch (error) {
        failure = error;
        for (const buffer of to) {
          buffer.error = error;
          this.#allocate(buffer, null);
        }
      }
    }, true);
    for (const buffer of to) buffer.writtenBy = job;
    const written = new Set(
      plan.instructions
        .slice(plan.commitStart)
        .flatMap(({ outputs: ids }) => ids.map((id) => plan.values[id] as PlanValue))
        .filter(({ place }) => place === "held")
        .map(({ index }) => index),
    );
    for (const index of written) (held[index] as Buffer).writtenBy = job;
    return {
      done: async () => {
        this.#noteWait("done", job);
        await this.#after(job);
        if (failure !== null) throw failure;
      },
      cancel: () => {
        cancelled = true;
      },
    };
  }

  async read(storage: Storage, bytes: number): Promise<ArrayBuffer> {
    const buffer = this.#buffer(storage);
    this.#noteWait("read", buffer.writtenBy);
    // As a copy recorded here: what is written later is not seen.
    let result: ArrayBuffer | null = null;
    const job = this.#enqueue(() => {
      if (buffer.error === null) result = this.#cpu.readSync(buffer.inner as Storage, bytes);
    });
    await this.#after(job);
    if (result === null) throw buffer.error;
    return result;
  }

  readSync(): ArrayBuffer {
    throw new DeviceError("async: tensors cannot be read synchronously. Await x.data() instead.");
  }

  assign(target: Storage, source: Storage | TypedArray): void {
    const to = this.#buffer(target);
    const from = ArrayBuffer.isView(source) ? source.slice() : this.#buffer(source);
    const job = this.#enqueue(() => {
      const failed = ArrayBuffer.isView(from) ? null : from.error;
      to.error = failed;
      if (failed !== null) return;
      this.#cpu.assign(
        to.inner as Storage,
        ArrayBuffer.isView(from) ? from : (from.inner as Storage),
      );
    });
    to.writtenBy = job;
  }

  memory(): BackendMemory {
    return {
      storages: this.#buffers.size,
      bytes: this.#bytes,
      cachedBytes: 0,
      peakBytes: this.#peakBytes,
    };
  }

  async close(): Promise<void> {
    await this.#after(this.#enqueued);
    this.#cpu.close();
    this.#open = false;
  }

  /** @internal After the last run that was submitted. */
  releaseProgram(program: AsyncProgram): void {
    this.#enqueue(() => program.inner?.release());
  }

  #newBuffer(storage: Storage): Buffer {
    const handle = this.#nextHandle++;
    storage.handle = handle;
    const { bytes } = storage;
    const buffer = { inner: null, bytes, error: null, writtenBy: this.#enqueued + 1, freed: false };
    this.#buffers.set(handle, buffer);
    this.#forgotten.register(storage, handle, storage);
    this.#bytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
    return buffer;
  }

  #buffer(storage: Storage): Buffer {
    const buffer = this.#buffers.get(storage.handle);
    if (buffer === undefined) throw new Error(`async: no buffer ${storage.handle}`);
    return buffer;
  }

  #allocate(buffer: Buffer, data: TypedArray | null): void {
    buffer.inner = new Storage(this.#cpu, buffer.bytes);
    this.#cpu.create(buffer.inner, data);
  }

  #free(handle: number): void {
    const buffer = this.#buffers.get(handle);
    if (buffer === undefined) return;
    this.#buffers.delete(handle);
    this.#bytes -= buffer.bytes;
    this.#enqueue(() => {
      if (buffer.inner !== null) this.#cpu.release(buffer.inner);
    });
  }

  #enqueue(run: () => void, isWork = false): number {
    if (!this.#open) throw new DeviceError("async: the device is not open.");
    this.#queue.push({ run, isWork });
    if (isWork) this.#queuedWork++;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#turn());
    }
    return ++this.#enqueued;
  }

  #turn(): void {
    this.#scheduled = false;
    for (let i = 0; i < jobsPerTurn && this.#queue.length > 0; i++) {
      const { run, isWork } = this.#queue.shift() as Job;
      run();
      this.#finished++;
      if (!isWork) continue;
      this.#queuedWork--;
      const awaited = this.#awaited.filter(({ job }) => job === this.#finished);
      if (this.#queuedWork === 0) this.waits.push(...awaited);
      for (const wait of awaited) this.#awaited.splice(this.#awaited.indexOf(wait), 1);
    }
    const ready = this.#waiting.filter(({ job }) => job <= this.#finished);
    for (const waiter of ready) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
    if (this.#queue.length > 0) {
      this.#scheduled = true;
      setImmediate(() => this.#turn());
    }
  }

  #after(job: number): Promise<void> {
    if (job <= this.#finished) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ job, resolve }));
  }

  #noteWait(what: Wait["what"], job: number): void {
    if (job > this.#finished) this.#awaited.push({ what, job });
  }
}

/** The plan with its slots side by side in one arena, as the CPU takes it. */
function withOffsets(plan: Plan): Plan {
  const unit = 64;
  const starts: number[] = [];
  let total = 0;
  for (const bytes of plan.arena as readonly number[]) {
    starts.push(total);
    total += Math.ceil(bytes / unit);
  }
  const values = plan.values.map((value) => {
    if (value.place !== "arena") return value;
    const room = (plan.arena as readonly number[])[value.index] as number;
    const needed = sizeOf(value.shape) * itemSize(value.dtype);
    if (needed > room) throw new Error(`slot ${value.index} of ${room} bytes holds ${needed}`);
    return { ...value, index: starts[value.index] as number };
  });
  const instructions = plan.instructions.map((instruction) => ({
    ...instruction,
    ...(instruction.bodies && { bodies: instruction.bodies.map(withOffsets) }),
  }));
  return { ...plan, values, instructions, arena: total };
}

let device: AsyncBackend | null = null;

/** Registers the test device; `await setDevice("async")` makes it the current one. */
export function registerAsyncBackend(): AsyncBackend {
  device ??= new AsyncBackend();
  const backend = device;
  registerBackend("async", () => backend);
  return backend;
}
