/**
 * Seeds: Keras's counters, and Python's generator that starts them.
 *
 * @module
 */
import { add, mod, multiply } from "../ops/arithmetic.ts";
import { onReset } from "../runtime/reset.ts";
import { outsideTrace } from "../tensor/context.ts";
import { scalar, tensor } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Variable } from "../tensor/variable.ts";
import { ArgumentError, describe } from "../util/errors.ts";
import { MersenneTwister } from "../util/mersenne-twister.ts";
import { autoName, checkName, withNameScope } from "../util/naming.ts";

/** An integer, a generator that counts draws, or null: the global generator. */
export type Seed = number | SeedGenerator | null | undefined;

// Python's own `random`, from which Keras takes the seeds nobody gave.
let python = new MersenneTwister(Math.floor(Math.random() * 2 ** 32));

// Orders of samples do not take from the stream that seeds come from.
let shuffler = new MersenneTwister(Math.floor(Math.random() * 2 ** 32));

/** The numbers below `count` in a random order. */
export function shuffleOrder(count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = shuffler.randint(0, i);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** A seed for what was made without one, as Keras draws it. */
export function makeDefaultSeed(): number {
  return python.randint(1, 1_000_000_000);
}

/**
 * Seeds everything that draws random numbers without a seed of its own: new
 * initializers and layers, and random ops called without a seed.
 *
 * @example
 * utils.setRandomSeed(42);
 */
export function setRandomSeed(seed: number): void {
  if (!Number.isInteger(seed)) {
    throw new ArgumentError(`setRandomSeed: expected an integer, got ${describe(seed)}.`);
  }
  python = new MersenneTwister(seed);
  shuffler = new MersenneTwister(seed);
  globalGenerator = null;
}

/** Options of `SeedGenerator`. */
export interface SeedGeneratorOptions {
  name?: string | null | undefined;
}

/**
 * Counts draws: its state, `[seed, draws]`, is the key of the next one.
 *
 * Being a variable, it works inside compiled functions: each call draws anew.
 *
 * @example
 * const seeds = new random.SeedGenerator(42);
 * random.uniform([2], { seed: seeds }); // each call gives other numbers
 */
export class SeedGenerator {
  readonly name: string;
  readonly seed: number | null;
  readonly state: Variable;

  constructor(seed?: number | null, options: SeedGeneratorOptions = {}) {
    this.name = checkName(options.name ?? autoName("SeedGenerator"), "SeedGenerator");
    this.seed = seed ?? null;
    const start = seed ?? makeDefaultSeed();
    if (!Number.isInteger(start)) {
      throw new ArgumentError(`SeedGenerator: the seed must be an integer, got ${describe(seed)}.`);
    }
    this.state = withNameScope(
      this.name,
      () =>
        new Variable(new Uint32Array([start, 0]), {
          trainable: false,
          autocast: false,
          name: "seed_generator_state",
        }),
      { caller: this },
    );
  }

  /**
   * The next key: the state, which then counts on.
   *
   * @param ordered Whether draws are counted; otherwise the state jumps on.
   */
  next(ordered = true): Tensor {
    const { value } = this.state;
    this.state.assign(ordered ? add(value, increment()) : jump(value));
    return value;
  }

  /** Puts the state into a store, as a layer does with its weights. */
  saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    store["0"] = this.state;
  }

  /** Takes the state from a store. @throws {ArgumentError} If it is not there. */
  loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    const value = store["0"];
    if (value === undefined)
      throw new ArgumentError(`SeedGenerator: the file has no state for "${this.name}".`);
    this.state.assign(value);
  }

  getConfig(): { seed: number | null; name: string } {
    return { seed: this.seed, name: this.name };
  }

  static fromConfig(config: { seed?: number | null; name?: string | null }): SeedGenerator {
    return new SeedGenerator(config.seed, { name: config.name });
  }
}

function increment(): Tensor {
  return outsideTrace(() => tensor(new Uint32Array([0, 1])));
}

// (state + 1) * 5387 % 933199, in uint32.
function jump(value: Tensor): Tensor {
  return mod(
    multiply(add(value, scalar(1, "uint32")), scalar(5387, "uint32")),
    scalar(933199, "uint32"),
  );
}

let globalGenerator: SeedGenerator | null = null;

onReset(() => {
  globalGenerator = null;
});

/** The key for a draw. @throws {ArgumentError} If `seed` is no seed. */
export function drawSeed(seed: Seed | Tensor): Tensor {
  if (seed instanceof Tensor) return seed;
  if (seed instanceof SeedGenerator) return seed.next();
  if (seed === null || seed === undefined) {
    globalGenerator ??= outsideTrace(() => new SeedGenerator());
    return globalGenerator.next(false);
  }
  if (typeof seed === "number" && Number.isInteger(seed)) {
    return outsideTrace(() => tensor(new Uint32Array([seed, 0])));
  }
  throw new ArgumentError(`A seed must be an integer or a SeedGenerator, got ${describe(seed)}.`);
}
