/**
 * What `compile`, `fit` and their like can be told, and what steps get and give.
 *
 * @module
 */
import type { Tensor } from "../../tensor/tensor.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import type { Callback } from "../callbacks/callback.ts";
import type { CallbackList } from "../callbacks/callback-list.ts";
import type * as optimizers from "../optimizers/index.ts";
import type { LossLike } from "./compile-loss.ts";
import type { MetricsLike } from "./compile-metrics.ts";

/** Options of `compile`. */
export interface CompileOptions {
  /** Default: `"rmsprop"`. */
  optimizer?: optimizers.OptimizerLike | undefined;
  loss?: LossLike;
  lossWeights?: unknown;
  metrics?: MetricsLike;
  weightedMetrics?: MetricsLike;
  /** Whether steps run op by op: slower, and open to a debugger. */
  runEagerly?: boolean | undefined;
  /** How many batches one program takes. */
  stepsPerExecution?: number | undefined;
  /** Accepted for Keras's sake: steps are always compiled unless `runEagerly`. */
  jitCompile?: boolean | "auto" | undefined;
  /** Whether a `mixed_float16` model scales its loss. */
  autoScaleLoss?: boolean | undefined;
}

/** 0: silent, 1 or "auto": a progress bar, 2: one line for each epoch. */
export type Verbose = 0 | 1 | 2 | "auto";

/** Options of `fit`. */
export interface FitOptions {
  /** Default: 32, for arrays. */
  batchSize?: number | null | undefined;
  epochs?: number | undefined;
  verbose?: Verbose | undefined;
  callbacks?: Callback | readonly Callback[] | CallbackList | null | undefined;
  /** The fraction of the data, from its end, to validate with. */
  validationSplit?: number | undefined;
  /** `[x, y]` or `[x, y, sampleWeight]`, or a source of batches. */
  validationData?: unknown;
  /** Whether the order of samples (`"batch"`: only within each batch) changes each epoch. */
  shuffle?: boolean | "batch" | undefined;
  classWeight?: Readonly<Record<string, number>> | null | undefined;
  sampleWeight?: unknown;
  initialEpoch?: number | undefined;
  stepsPerEpoch?: number | null | undefined;
  validationSteps?: number | null | undefined;
  validationBatchSize?: number | null | undefined;
  /** Validate every so many epochs, or after the epochs listed (from 1). */
  validationFreq?: number | readonly number[] | undefined;
  /** Ends the training within a step; the promise is then rejected with its reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  batchSize?: number | null | undefined;
  verbose?: Verbose | undefined;
  sampleWeight?: unknown;
  steps?: number | null | undefined;
  callbacks?: Callback | readonly Callback[] | CallbackList | null | undefined;
  /** Whether values come by name. */
  returnDict?: boolean | undefined;
  /** Ends it within a step. */
  signal?: AbortSignal | undefined;
}

/** Options of `predict`. */
export interface PredictOptions {
  /** Ends it within a step. */
  signal?: AbortSignal | undefined;
  batchSize?: number | null | undefined;
  verbose?: Verbose | undefined;
  steps?: number | null | undefined;
  callbacks?: Callback | readonly Callback[] | CallbackList | null | undefined;
}

/** Options of `trainOnBatch` and `testOnBatch`. */
export interface OnBatchOptions {
  sampleWeight?: unknown;
  classWeight?: Readonly<Record<string, number>> | null | undefined;
  returnDict?: boolean | undefined;
}

/** What `trainStep` and `testStep` get: `[x, y, sampleWeight]`, null for what there is not. */
export type StepData = readonly [x: unknown, y: unknown, sampleWeight: unknown];

/** Named scalars, as steps return them. */
export type TensorLogs = Record<string, Tensor>;

/**
 * Checks the numbers of an options object.
 *
 * @throws {ArgumentError} If one is given that is no integer, or is below its least.
 */
export function checkCounts(
  method: string,
  counts: Readonly<Record<string, readonly [value: number | null | undefined, least: number]>>,
): void {
  for (const [name, [value, least]] of Object.entries(counts)) {
    if (value === undefined || value === null) continue;
    if (!Number.isInteger(value) || value < least) {
      throw new ArgumentError(
        `${method}: ${name} must be an integer of at least ${least}, got ${describe(value)}.`,
      );
    }
  }
}
