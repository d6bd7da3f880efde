/**
 * The steps of one epoch.
 *
 * @module
 */
import type { Submission } from "../../runtime/backend.ts";
import { giveTurn } from "../../util/turn.ts";
import type { CallbackList, Mode } from "../callbacks/callback-list.ts";
import type { Batch, EpochIterator } from "./data.ts";
import { disposeAll, readLogs } from "./results.ts";
import type { StepData, TensorLogs } from "./trainer-options.ts";

/** Steps that may be on their way at once. */
const maxInFlight = 2;

/** A step that runs: its result, and what computes it (null: it is there already). */
export interface StepRun {
  readonly result: unknown;
  readonly submission: Submission | null;
}

/** What an epoch runs. */
export interface Epoch {
  readonly mode: Mode;
  readonly iterator: EpochIterator;
  readonly callbacks: CallbackList;
  readonly stepsPerExecution: number;
  /** Runs steps on some batches, as one program. */
  execute(data: readonly StepData[]): Promise<StepRun>;
  /** Asked after each execution. */
  shouldStop(): boolean;
  /** Ends the epoch in the middle. */
  readonly signal?: AbortSignal | undefined;
  /** Takes results over that would be freed otherwise. */
  onResult?(result: unknown): void;
}

function disposeBatches(batches: readonly Batch[]): void {
  for (const { owned } of batches) for (const tensor of owned ?? []) tensor.dispose();
}

/**
 * Runs all steps, a few ahead of the values that callbacks get.
 *
 * @returns The values after the last step; null if there was none.
 * @throws The reason of the signal when it aborts; steps that had not come to
 *   their commit have changed nothing.
 */
export async function runEpoch(epoch: Epoch): Promise<TensorLogs | null> {
  const { mode, callbacks, signal } = epoch;
  const inFlight: Submission[] = [];
  let last: unknown = null;
  let previous: unknown = null;
  let begin = 0;
  let pending: Batch[] = [];
  const cancel = (): void => {
    for (const submission of inFlight) submission.cancel();
  };
  const execute = async (): Promise<void> => {
    const batches = pending;
    await callbacks.batchBegin(mode, begin);
    const data = batches.map((b): StepData => [b.x, b.y, b.sampleWeight]);
    const { result, submission } = await epoch.execute(data);
    previous = last;
    last = result;
    pending = [];
    disposeBatches(batches);
    if (submission !== null) inFlight.push(submission);
    // While the device has the most to do.
    await giveTurn();
    if (inFlight.length >= maxInFlight) await inFlight.shift()?.done();
    const end = begin + batches.length - 1;
    begin += batches.length;
    epoch.onResult?.(result);
    const wanted = callbacks.wantsBatches(mode);
    const reading = wanted && mode !== "predict" ? readLogs(result as TensorLogs) : null;
    if (wanted) await callbacks.batchEnd(mode, end, () => reading ?? Promise.resolve({}));
    // A read that is on its way keeps its buffer.
    if (mode !== "predict") disposeAll(previous);
    signal?.throwIfAborted();
  };
  signal?.throwIfAborted();
  signal?.addEventListener("abort", cancel);
  try {
    for await (const batch of epoch.iterator.epoch()) {
      pending.push(batch);
      if (pending.length < epoch.stepsPerExecution) continue;
      await execute();
      if (epoch.shouldStop()) break;
    }
    if (pending.length > 0) await execute();
    for (const submission of inFlight) await submission.done();
    await callbacks.flush();
  } catch (error) {
    // What is on its way ends before anybody goes on.
    for (const submission of inFlight) await submission.done().catch(() => undefined);
    disposeBatches(pending);
    if (mode !== "predict") disposeAll([previous, last]);
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
  return last as TensorLogs | null;
}
