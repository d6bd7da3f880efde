/**
 * Keras's progress bar.
 *
 * @module
 */
import { isInteractiveLoggingEnabled } from "./interactive.ts";

/** Options of `Progbar`. */
export interface ProgbarOptions {
  /** 0: silent, 1: a bar, 2: one line at the end. */
  verbose?: number | undefined;
  /** Characters of the bar. */
  width?: number | undefined;
  /** Seconds between two drawings. */
  interval?: number | undefined;
  unitName?: string | undefined;
}

/** What is written to: the terminal, where there is one. */
interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

function output(): Output {
  const { process } = globalThis as { process?: { stdout?: Output } };
  return process?.stdout ?? { write: (text) => console.log(text.replace(/\n$/, "")) };
}

/**
 * A bar that fills, with the time it takes and the latest values.
 *
 * @example
 * const bar = new utils.Progbar(2, { verbose: 0 });
 * bar.update(1, { loss: 0.5 });
 */
export class Progbar {
  readonly target: number | null;
  readonly #verbose: number;
  readonly #width: number;
  readonly #interval: number;
  readonly #unit: string;
  readonly #start = performance.now();
  #last = 0;
  #drawn = 0;
  #afterFirst: number | null = null;
  #values: Readonly<Record<string, number>> = {};

  constructor(target: number | null, options: ProgbarOptions = {}) {
    this.target = target;
    this.#verbose = options.verbose ?? 1;
    this.#width = options.width ?? 20;
    this.#interval = (options.interval ?? 0.05) * 1000;
    this.#unit = options.unitName ?? "step";
  }

  /** @internal */
  static write(text: string): void {
    output().write(text);
  }

  /** `current` of `target` steps are done; with `finalize` no more will come. */
  update(current: number, values: Readonly<Record<string, number>> = {}, finalize?: boolean): void {
    const now = performance.now();
    const isLast = finalize ?? (this.target !== null && current >= this.target);
    this.#values = { ...this.#values, ...values };
    if (current === 1 && this.#afterFirst === null) this.#afterFirst = now;
    if (this.#verbose === 1) {
      const isTTY = output().isTTY && isInteractiveLoggingEnabled();
      // Without a terminal to draw over, only the last line is written.
      if (!isLast && (now - this.#last < this.#interval || !isTTY)) return;
      this.#last = now;
      const line = `${this.#bar(current)} ${this.#timing(current, isLast, now)}${this.#format()}`;
      const padding = " ".repeat(Math.max(0, this.#drawn - line.length));
      this.#drawn = line.length;
      Progbar.write(`${isTTY ? "\r" : ""}${line}${padding}${isLast ? "\n" : ""}`);
    } else if (this.#verbose === 2 && isLast) {
      const target = this.target ?? current;
      const seconds = (now - this.#start) / 1000;
      Progbar.write(
        `${target}/${target} - ${seconds.toFixed(0)}s - ${this.#perStep(current, now)}${this.#format()}\n`,
      );
    }
  }

  #bar(current: number): string {
    if (this.target === null) return `${String(current).padStart(7)}/Unknown`;
    const digits = String(this.target).length;
    const done = Math.min(1, current / Math.max(1, this.target));
    const full = Math.round(this.#width * done);
    return (
      `${String(current).padStart(digits)}/${this.target} ` +
      `${"━".repeat(full)}${"─".repeat(this.#width - full)}`
    );
  }

  #timing(current: number, isLast: boolean, now: number): string {
    if (isLast || this.target === null) {
      return `${((now - this.#start) / 1000).toFixed(0)}s ${this.#perStep(current, now)}`;
    }
    const left = (this.#stepTime(current, now) * (this.target - current)) / 1000;
    const minutes = Math.floor(left / 60);
    const eta =
      left > 60 ? `${minutes}:${(left % 60).toFixed(0).padStart(2, "0")}` : `${left.toFixed(0)}s`;
    return `${eta} ${this.#perStep(current, now)}`;
  }

  /** The first step, which compiles, does not count. */
  #stepTime(current: number, now: number): number {
    return this.#afterFirst !== null && current > 1
      ? (now - this.#afterFirst) / (current - 1)
      : (now - this.#start) / Math.max(1, current);
  }

  #perStep(current: number, now: number): string {
    const time = this.#stepTime(current, now);
    if (time >= 1000) return `${(time / 1000).toFixed(0)}s/${this.#unit}`;
    if (time >= 1) return `${time.toFixed(0)}ms/${this.#unit}`;
    return `${(time * 1000).toFixed(0)}us/${this.#unit}`;
  }

  #format(): string {
    return Object.entries(this.#values)
      .map(
        ([name, value]) =>
          ` - ${name}: ${Math.abs(value) > 1e-3 ? value.toFixed(4) : value.toExponential(4)}`,
      )
      .join("");
  }
}
