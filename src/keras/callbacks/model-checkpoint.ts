/**
 * @module
 */
import { platform } from "../../platform/platform.ts";
import { ArgumentError, describe } from "../../util/errors.ts";
import type { Model } from "../models/model.ts";
import type { Logs } from "./callback.ts";
import { MonitorCallback, type MonitorOptions } from "./monitor.ts";

/** Options of `ModelCheckpoint`. */
export interface ModelCheckpointOptions extends MonitorOptions {
  verbose?: number | undefined;
  /** Whether only a better model is saved. */
  saveBestOnly?: boolean | undefined;
  /** Whether the weights alone are saved: the name must end in `.weights.h5`. */
  saveWeightsOnly?: boolean | undefined;
  /** `"epoch"`, or after how many batches. */
  saveFreq?: "epoch" | number | undefined;
  /** A value to be beaten. */
  initialValueThreshold?: number | null | undefined;
}

/**
 * Saves the model while it trains. The name may hold `{epoch:02d}` and values
 * such as `{val_loss:.2f}`.
 *
 * @example
 * const best = new callbacks.ModelCheckpoint("best.keras", { saveBestOnly: true });
 * best.saveFreq; // "epoch"
 */
export class ModelCheckpoint extends MonitorCallback {
  readonly filepath: string;
  readonly verbose: number;
  readonly saveBestOnly: boolean;
  readonly saveWeightsOnly: boolean;
  readonly saveFreq: "epoch" | number;
  #epoch = 0;
  #batches = 0;
  #lastBatch: number | null = null;

  constructor(filepath: string, options: ModelCheckpointOptions = {}) {
    super({ ...options, baseline: options.initialValueThreshold });
    this.filepath = filepath;
    this.verbose = options.verbose ?? 0;
    this.saveBestOnly = options.saveBestOnly ?? false;
    this.saveWeightsOnly = options.saveWeightsOnly ?? false;
    this.saveFreq = options.saveFreq ?? "epoch";
    if (this.saveFreq !== "epoch" && !Number.isInteger(this.saveFreq)) {
      throw new ArgumentError(
        `ModelCheckpoint: saveFreq must be "epoch" or a number of batches, got ${describe(this.saveFreq)}.`,
      );
    }
    const endings = this.saveWeightsOnly ? [".weights.h5"] : [".keras", ".h5"];
    if (!endings.some((ending) => filepath.endsWith(ending))) {
      throw new ArgumentError(
        `ModelCheckpoint: the name of the file must end in ${endings.join(" or ")}, got "${filepath}".`,
      );
    }
  }

  /** After epochs nothing of the batch hook is needed. */
  override get asyncSafe(): boolean {
    return this.saveFreq === "epoch";
  }

  override onEpochBegin(epoch: number): void {
    this.#epoch = epoch;
  }

  override async onTrainBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    if (this.saveFreq === "epoch") return;
    const isNewEpoch = this.#lastBatch === null || batch <= this.#lastBatch;
    this.#batches += isNewEpoch ? batch + 1 : batch - (this.#lastBatch as number);
    this.#lastBatch = batch;
    if (this.#batches < this.saveFreq) return;
    this.#batches = 0;
    await this.#save(this.#epoch, { batch: batch + 1, ...logs });
  }

  override async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    if (this.saveFreq === "epoch") await this.#save(epoch, logs);
  }

  async #save(epoch: number, logs: Logs): Promise<void> {
    const path = formatName(this.filepath, { ...logs, epoch: epoch + 1 });
    if (!this.#shouldSave(epoch, logs, path)) return;
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (folder !== "" && !(await platform().exists(folder))) await platform().makeDirectory(folder);
    const model = this.model as unknown as Model;
    if (this.saveWeightsOnly) await model.saveWeights(path);
    else await model.save(path);
    if (this.verbose > 0) console.log(`\nEpoch ${epoch + 1}: finished saving model to ${path}`);
  }

  #shouldSave(epoch: number, logs: Logs, path: string): boolean {
    const say = (text: string): void => {
      if (this.verbose > 0) console.log(`\nEpoch ${epoch + 1}: ${text}`);
    };
    if (!this.saveBestOnly) {
      say(`saving model to ${path}`);
      return true;
    }
    const value = this.watched(logs, "saving the best model");
    if (value === undefined) return true;
    const best = this.best === null ? "None" : this.best.toFixed(5);
    if (!this.isImprovement(value, this.best)) {
      say(`${this.monitor} did not improve from ${best}`);
      return false;
    }
    say(`${this.monitor} improved from ${best} to ${value.toFixed(5)}, saving model to ${path}`);
    this.best = value;
    return true;
  }
}

/**
 * A name with values put in, as Python's `format` does: `{epoch:02d}`, `{loss:.3f}`.
 *
 * @throws {ArgumentError} If a value is not there.
 */
export function formatName(pattern: string, values: Readonly<Record<string, number>>): string {
  return pattern.replace(
    /\{(\w+)(?::([^}]*))?\}/g,
    (_, name: string, format: string | undefined) => {
      const value = values[name];
      if (value === undefined) {
        throw new ArgumentError(
          `The name "${pattern}" needs "${name}". There are ${Object.keys(values).join(", ")}.`,
        );
      }
      return formatNumber(value, format ?? "");
    },
  );
}

function formatNumber(value: number, format: string): string {
  const match = /^(0?)(\d*)(?:\.(\d+))?([dfeg]?)$/.exec(format);
  if (match === null) throw new ArgumentError(`There is no format "${format}" for numbers.`);
  const [, zero, width, digits, kind] = match;
  const precision = digits === undefined ? undefined : Number(digits);
  let text: string;
  if (kind === "f") text = value.toFixed(precision ?? 6);
  else if (kind === "e")
    text = value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
  else if (kind === "d") text = String(Math.trunc(value));
  else
    text = precision === undefined ? String(value) : String(Number(value.toPrecision(precision)));
  return text.padStart(Number(width || 0), zero === "0" ? "0" : " ");
}
