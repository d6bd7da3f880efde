/**
 * The CPU, through the native addon.
 *
 * @module
 */
import type { AttributePacker, Attributes } from "../../runtime/attributes.ts";
import type {
  Backend,
  BackendMemory,
  Kernel,
  Operand,
  Plan,
  Program,
  Submission,
} from "../../runtime/backend.ts";
import type { Storage } from "../../runtime/storage.ts";
import { type DType, dtypeId, dtypes, type TypedArray } from "../../util/dtypes.ts";
import {
  CancelledError,
  type KeratinError,
  KernelError,
  OutOfMemoryError,
} from "../../util/errors.ts";
import { encodePlan } from "./encode.ts";
import { type Addon, type ProgramInfo, requireAddon } from "./loader.ts";

/** Words of the command buffer: enough for ops of a few thousand operands. */
const commandWords = 1 << 16;
/** What `run` and `submit` tell the addon, of which there is one in each environment. */
const commands = new Int32Array(commandWords);

/** How a program runs: as its last duration says, here and now, or queued. */
export type SubmitMode = "auto" | "inline" | "queued";
const submitModes: readonly SubmitMode[] = ["auto", "inline", "queued"];

class NativeProgram implements Program {
  readonly plan: Plan;
  readonly id: number;
  readonly #addon: Addon;

  constructor(addon: Addon, plan: Plan, id: number) {
    this.#addon = addon;
    this.plan = plan;
    this.id = id;
  }

  info(): ProgramInfo | null {
    return this.#addon.programInfo(this.id);
  }

  release(): void {
    this.#addon.releaseProgram(this.id);
  }
}

/** The CPU backend. `syncRead`, every dtype, one arena per plan. */
export class NativeBackend implements Backend {
  readonly name: string = "cpu";
  readonly dtypes: ReadonlySet<DType> = new Set(dtypes);
  readonly syncRead: boolean = true;
  readonly memoryModel = "arena" as const;
  /** For tests: where programs run. */
  submitMode: SubmitMode = "auto";

  #addon: Addon | null = null;
  readonly #kernels = new Map<string, Kernel>();
  readonly #errors = new Map<number, KeratinError>();

  get isOpen(): boolean {
    return this.#addon !== null;
  }

  get addon(): Addon {
    return this.#addon as Addon;
  }

  open(): void {
    const addon = requireAddon();
    const { gc } = globalThis as { gc?: (options?: { type: "minor" }) => void };
    addon.configure(
      commands,
      gc === undefined ? null : (thorough) => (thorough ? gc() : gc({ type: "minor" })),
    );
    for (const [id, [name, mask]] of addon.kernels().entries()) {
      this.#kernels.set(name, { id, dtypes: mask });
    }
    this.#addon = addon;
  }

  resolve(op: string): Kernel | undefined {
    return this.#kernels.get(op);
  }

  create(storage: Storage, data: TypedArray | null): void {
    const handle = this.addon.create(storage, storage.bytes, data);
    if (handle < 0) {
      throw new OutOfMemoryError(
        `Out of memory: no room for a tensor of ${storage.bytes} bytes ` +
          `(${this.memory().bytes} bytes are in use).`,
      );
    }
    storage.handle = handle;
  }

  alias(storage: Storage, source: Storage): void {
    storage.handle = this.addon.alias(storage, source.handle);
  }

  release(storage: Storage): void {
    this.addon.release(storage.handle);
  }

  run(
    op: string,
    kernel: Kernel,
    inputs: readonly Operand[],
    outputs: readonly Operand[],
    packer: AttributePacker,
    attributes: Attributes,
  ): void {
    const words = commands;
    words[0] = kernel.id;
    words[1] = inputs.length;
    words[2] = outputs.length;
    let at = 4;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i] as Operand;
      words[at++] = input.storage.handle;
      at = this.#putSpec(input, at);
    }
    const firstOutput = at;
    for (let i = 0; i < outputs.length; i++) at = this.#putSpec(outputs[i] as Operand, at + 1);
    if (!packer.isEmpty) {
      const end = packer.pack(op, attributes, words, at);
      words[3] = end - at;
      at = end;
    } else {
      words[3] = 0;
    }
    if (at > commandWords) {
      throw new KernelError(`${op}: too many operands for one call (${inputs.length} inputs).`, {
        op,
      });
    }
    const addon = this.#addon as Addon;
    const error =
      outputs.length === 1
        ? addon.run((outputs[0] as Operand).storage)
        : addon.run(...outputs.map((output) => output.storage));
    if (error !== 0) throw this.#error(error, op);
    at = firstOutput;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i] as Operand;
      output.storage.handle = words[at] as number;
      at += 3 + output.shape.length;
    }
  }

  #putSpec(spec: Operand, at: number): number {
    const words = commands;
    const { shape } = spec;
    words[at] = dtypeId(spec.dtype);
    words[at + 1] = shape.length;
    for (let d = 0; d < shape.length; d++) words[at + 2 + d] = shape[d] as number;
    return at + 2 + shape.length;
  }

  prepare(plan: Plan): Program {
    const { addon } = this;
    const held = Int32Array.from(plan.held, (storage) => storage.handle);
    try {
      return new NativeProgram(addon, plan, addon.prepare(encodePlan(plan), plan.constants, held));
    } catch (error) {
      if ((error as { code?: string }).code !== "KERATIN_MEMORY") throw error;
      throw new OutOfMemoryError((error as Error).message, { cause: error });
    }
  }

  submit(program: Program, inputs: readonly Storage[], outputs: readonly Storage[]): Submission {
    const words = commands;
    words[0] = (program as NativeProgram).id;
    words[1] = submitModes.indexOf(this.submitMode);
    words[2] = inputs.length;
    words[3] = outputs.length;
    for (let i = 0; i < inputs.length; i++) words[4 + i] = (inputs[i] as Storage).handle;
    const { addon } = this;
    const sequence = addon.submit(...outputs);
    if (sequence < 0) throw this.#error(-sequence);
    const first = 4 + inputs.length;
    for (let i = 0; i < outputs.length; i++) {
      (outputs[i] as Storage).handle = words[first + i] as number;
    }
    return {
      done: async () => {
        await addon.whenDone(sequence);
        const error = addon.errorOf(sequence);
        if (error !== 0) throw this.#error(error);
      },
      cancel: () => addon.cancel(sequence),
    };
  }

  async read(storage: Storage, bytes: number): Promise<ArrayBuffer> {
    const fence = this.addon.fence(storage.handle);
    if (fence !== 0) {
      // Not to be freed while somebody waits for it.
      storage.retain();
      try {
        await this.addon.whenDone(fence);
        return this.readSync(storage, bytes);
      } finally {
        storage.release();
      }
    }
    return this.readSync(storage, bytes);
  }

  readSync(storage: Storage, bytes: number): ArrayBuffer {
    const result = this.addon.read(storage.handle, bytes);
    if (typeof result === "number") throw this.#error(result);
    return result;
  }

  assign(target: Storage, source: Storage | TypedArray): void {
    const error = this.addon.assign(
      target.handle,
      ArrayBuffer.isView(source) ? source : source.handle,
    );
    if (error !== 0) throw this.#error(error);
  }

  memory(): BackendMemory {
    return this.addon.memory();
  }

  close(): void {
    // The environment's end frees the addon's own; until then it can be
    // opened again.
    this.addon.synchronize();
    this.#addon = null;
  }

  // One error object for each native error, however often it is thrown.
  #error(number: number, op?: string): KeratinError {
    const known = this.#errors.get(number);
    if (known !== undefined) return known;
    const { kind, message } = this.addon.describeError(number);
    const fields = { op };
    const text = op === undefined ? message : `${op}: ${message}`;
    const error =
      kind === "memory"
        ? new OutOfMemoryError(text, fields)
        : kind === "cancelled"
          ? new CancelledError(text, fields)
          : new KernelError(text, fields);
    this.#errors.set(number, error);
    return error;
  }
}
