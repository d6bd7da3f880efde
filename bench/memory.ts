/**
 * The memory of training steps: what a plan reserves, beside what is live at once
 * at worst.
 *
 * @module
 */
import { bytesOf } from "../src/jit/graph.ts";
import type { Plan } from "../src/runtime/backend.ts";
import { currentBackend } from "../src/runtime/device.ts";
import type { Figure } from "./measure.ts";
import { models } from "./models.ts";

/** Bytes that an index into the arena counts. */
const unit = 64;
const megabyte = 2 ** 20;

/** A value's bytes in the arena, and the instructions that it is there for. */
interface Lifetime {
  readonly begin: number;
  readonly end: number;
  readonly first: number;
  last: number;
}

/** Views have no instruction of their own: they live as long as what they show. */
function lifetimesOf({ instructions, values }: Plan): Lifetime[] {
  const all: Lifetime[] = [];
  const current = new Map<number, Lifetime>();
  for (const [i, { inputs, outputs }] of instructions.entries()) {
    for (const id of inputs) {
      const value = values[id];
      if (value?.place === "arena") (current.get(value.index) as Lifetime).last = i;
    }
    for (const id of outputs) {
      const value = values[id];
      if (value?.place !== "arena") continue;
      const begin = value.index * unit;
      const end = begin + bytesOf(value);
      const lifetime = { begin, end, first: i, last: i };
      current.set(value.index, lifetime);
      all.push(lifetime);
    }
  }
  return all;
}

/**
 * The most bytes of the arena that are in use at once: written, and still to be
 * read. Where an output takes over its input's memory both count once.
 */
export function liveBytes(plan: Plan): number {
  const lifetimes = lifetimesOf(plan).sort((a, b) => a.begin - b.begin);
  let most = 0;
  for (const i of plan.instructions.keys()) {
    let live = 0;
    let end = 0;
    for (const lifetime of lifetimes) {
      if (lifetime.first > i || lifetime.last < i) continue;
      live += Math.max(0, lifetime.end - Math.max(end, lifetime.begin));
      end = Math.max(end, lifetime.end);
    }
    most = Math.max(most, live);
  }
  return most;
}

/** The plans that are prepared while `run` lasts. */
async function plansOf(run: () => Promise<unknown>): Promise<Plan[]> {
  const backend = currentBackend();
  const { prepare } = backend;
  const plans: Plan[] = [];
  backend.prepare = ((plan: Plan, now: boolean) => {
    plans.push(plan);
    return prepare.call(backend, plan, now);
  }) as typeof prepare;
  try {
    await run();
  } finally {
    backend.prepare = prepare;
  }
  return plans;
}

/** For each model its step's arena, as a multiple of what is live at once. */
export async function memoryOfSteps(filter: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, make] of Object.entries(models)) {
    if (!name.includes(filter)) continue;
    const { model, x, y } = make();
    const plans = await plansOf(() => model.trainOnBatch(x, y));
    const largest = plans.reduce((a, b) => ((a.arena as number) > (b.arena as number) ? a : b));
    const reserved = (largest.arena as number) * unit;
    const live = liveBytes(largest);
    figures.push(
      { name: `${name}, live at once`, value: live / megabyte, unit: "MB" },
      {
        name: `${name}, reserved`,
        value: reserved / megabyte,
        unit: "MB",
        peer: "what is live at once",
        ratio: reserved / live,
      },
    );
  }
  return figures;
}
