/**
 * Ops whose output shape depends on values.
 *
 * Such an op is written once, as steps: it yields the count that it must know
 * before it can go on. Reading that count now gives the synchronous form,
 * awaiting it the asynchronous one.
 *
 * @module
 */
import { WeakFloat } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isTypedArray, type TypedArray } from "../util/dtypes.ts";
import { UnsupportedError } from "../util/errors.ts";

/** Yields tensors of one element, gets their values, returns the result. */
export type Steps<R> = Generator<Tensor, R, number>;

/** Numbers that shapes depend on. */
export type Numbers = number | readonly number[] | TypedArray | Tensor;

/** @throws {UnsupportedError} If values cannot be read here and now. */
function checkReadable(op: string, remedy: string, count: Tensor): void {
  if (count.symbol !== null) {
    throw new UnsupportedError(
      `${op}: the shape of its result depends on values, which there are none of while a ` +
        `function is traced (by jit, fit or a symbolic call). ${remedy}`,
      { op },
    );
  }
  const { backend } = count.storage;
  if (!backend.syncRead) {
    throw new UnsupportedError(
      `${op}: the shape of its result depends on values, and ${backend.name} cannot be read ` +
        `synchronously. ${remedy}`,
      { op },
    );
  }
}

function readNow(op: string, remedy: string, count: Tensor): number {
  checkReadable(op, remedy, count);
  return Number(count.itemSync());
}

/**
 * Runs steps, waiting for each count here.
 *
 * @param remedy What to write instead where that cannot be.
 * @throws {UnsupportedError} In a trace, and on devices that cannot be read synchronously.
 */
export function runNow<R>(op: string, remedy: string, steps: Steps<R>): R {
  let step = steps.next();
  while (step.done !== true) step = steps.next(readNow(op, remedy, step.value));
  return step.value;
}

/** Runs steps, awaiting each count: on every device, outside of traces. */
export async function runLater<R>(steps: Steps<R>): Promise<R> {
  let step = steps.next();
  while (step.done !== true) step = steps.next(Number(await step.value.item()));
  return step.value;
}

/** A number that may come as a tensor of one element; that is read now. */
export function numberOf(op: string, value: number | WeakFloat | Tensor): number {
  if (value instanceof WeakFloat) return value.value;
  if (!(value instanceof Tensor)) return value;
  return readNow(op, "Give it as a number.", value);
}

/** One number or several, which may come as a tensor; that is read now. */
export function numbersOf(op: string, value: Numbers): number | readonly number[] {
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value as readonly number[];
  if (isTypedArray(value)) return Array.from(value as ArrayLike<number | bigint>, Number);
  const x = value as Tensor;
  if (x.ndim === 0) return numberOf(op, x);
  checkReadable(op, "Give them as an array of numbers.", x);
  return Array.from(x.dataSync() as ArrayLike<number | bigint>, Number);
}
