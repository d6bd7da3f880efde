/**
 * @module
 */
import { ArgumentError } from "../../util/errors.ts";
import { CompileMetrics } from "../trainers/compile-metrics.ts";
import { Callback, type Logs } from "./callback.ts";

/** Which way is better. */
export type MonitorMode = "auto" | "min" | "max";

/** Options of callbacks that watch a value. */
export interface MonitorOptions {
  /** The value's name. Default: `"val_loss"`. */
  monitor?: string | undefined;
  /** Default: by the name of the value. */
  mode?: MonitorMode | undefined;
  /** Changes below it are none. */
  minDelta?: number | undefined;
}

/** A callback that acts when a value gets better, or does not. */
export abstract class MonitorCallback extends Callback {
  readonly monitor: string;
  readonly mode: MonitorMode;
  readonly minDelta: number;
  /** The best value so far. */
  best: number | null;
  #isLarger: boolean | null = null;

  constructor(options: MonitorOptions & { baseline?: number | null | undefined }) {
    super();
    this.monitor = options.monitor ?? "val_loss";
    this.mode = options.mode ?? "auto";
    if (!["auto", "min", "max"].includes(this.mode)) {
      throw new ArgumentError(
        `${new.target.name}: mode must be "auto", "min" or "max", got "${this.mode}".`,
      );
    }
    this.minDelta = Math.abs(options.minDelta ?? 0);
    this.best = options.baseline ?? null;
  }

  /** Whether a value is better than another by more than `minDelta`. */
  protected isImprovement(value: number, reference: number | null): boolean {
    if (reference === null) return true;
    this.#isLarger ??= this.#findDirection();
    return this.#isLarger ? value - this.minDelta > reference : value + this.minDelta < reference;
  }

  #findDirection(): boolean {
    if (this.mode !== "auto") return this.mode === "max";
    const name = this.monitor.replace(/^val_/, "");
    const metrics = this.model.metrics.flatMap((metric) =>
      metric instanceof CompileMetrics ? metric.metrics : [metric],
    );
    const { direction } = (metrics.find((metric) => metric.name === name) ?? {}) as {
      direction?: "up" | "down" | null;
    };
    if (direction) return direction === "up";
    if (name === "loss") return false;
    throw new ArgumentError(
      `${this.constructor.name}: it is not known whether "${this.monitor}" should grow or shrink. ` +
        'Give mode: "max" or "min".',
    );
  }

  /** The watched value; undefined (with a warning) if it is not there. */
  protected watched(logs: Logs, what: string): number | undefined {
    const value = logs[this.monitor];
    if (value === undefined) {
      console.warn(
        `${this.constructor.name}: ${what} needs "${this.monitor}", which is not there. ` +
          `There are ${Object.keys(logs).join(", ") || "no values"}.`,
      );
    }
    return value;
  }
}
