/**
 * Timing: fixed work, warm, the minimum of several rounds.
 *
 * @module
 */
import { spawnSync } from "node:child_process";

/** One figure, in the form of every bench. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run. */
  readonly peer?: string;
  /** Ours divided by the peer's; below 1 we are faster where the unit is a time. */
  readonly ratio?: number;
  /** What DESIGN section 10 says it should reach, in the same unit. */
  readonly reach?: number;
}

/** A figure beside each peer's, or alone where there is none. */
export function besidePeers(
  own: { readonly name: string; readonly value: number; readonly unit: string },
  theirs: Iterable<readonly [peer: string, value: number]>,
): Figure[] {
  const figures = [...theirs].map(([peer, value]) => ({
    ...own,
    peer: `${peer} (${value.toFixed(2)} ${own.unit})`,
    ratio: own.value / value,
  }));
  return figures.length === 0 ? [own] : figures;
}

/** Milliseconds of a whole process at best. Throws where it fails. */
export function processMilliseconds(
  command: string,
  args: readonly string[],
  { rounds, env = {} }: { rounds: number; env?: Readonly<Record<string, string>> },
): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const { status, stderr } = spawnSync(command, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** How a function is timed. */
export interface TimingOptions {
  /** Calls in a round. */
  readonly calls: number;
  /** Rounds, of which the fastest counts. */
  readonly rounds?: number;
  /** Calls before the first round. */
  readonly warmup?: number;
}

/** Nanoseconds of one call, at best. */
export function nanosecondsOf(fn: () => void, options: TimingOptions): number {
  const { calls, rounds = 7, warmup = calls } = options;
  for (let i = 0; i < warmup; i++) fn();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) fn();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls);
  }
  return best;
}

/** The same for a function that is awaited at each call. */
export async function nanosecondsOfAsync(
  fn: () => Promise<unknown>,
  options: TimingOptions,
): Promise<number> {
  const { calls, rounds = 7, warmup = calls } = options;
  for (let i = 0; i < warmup; i++) await fn();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) await fn();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls);
  }
  return best;
}

/** Milliseconds of a long call at best, over at least 20 calls and the given time. */
export async function millisecondsOf(
  run: () => Promise<unknown>,
  seconds: number,
): Promise<number> {
  for (let i = 0; i < 3; i++) await run();
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + 1000 * seconds;
  for (let i = 0; i < 20 || performance.now() < end; i++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
