/**
 * Random programs of several ops: what the compiler makes of them is equal to
 * what eager gives, to the last bit, and so is their gradient.
 *
 * @module
 */
import { ops } from "../../src/index.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Random } from "../support/random.ts";
import type { FuzzCase, FuzzOp } from "./case.ts";
import { broadcasting, budget, chance, floatDType, pick, shape, values } from "./draw.ts";

/** From earlier values to a new one. */
type Step = (values: readonly Tensor[]) => Tensor;

/** Bounded everywhere and with bounded derivatives, so that errors stay small. */
const unary: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  tanh: ops.tanh,
  sigmoid: ops.sigmoid,
  sin: ops.sin,
  negative: ops.negative,
  square: (x) => ops.square(ops.tanh(x)),
  softplus: ops.softplus,
  silu: ops.silu,
  exp: (x) => ops.exp(ops.negative(ops.square(x))),
  rsqrt: (x) => ops.rsqrt(ops.add(ops.square(x), 1)),
  reverse: (x) => ops.flip(x),
  double: (x) => ops.reshape(ops.transpose(x), [...x.shape]),
};
const binary: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  add: ops.add,
  subtract: ops.subtract,
  multiply: (a, b) => ops.multiply(ops.tanh(a), b),
  divide: (a, b) => ops.divide(a, ops.add(ops.square(b), 1)),
  mean: (a, b) => ops.add(a, ops.mean(b, { axis: -1, keepdims: true })),
  softmax: (a, b) => ops.multiply(a, ops.softmax(b)),
  // Smooth at 0, where the half types may pick the other side.
  where: (a, b) => ops.where(ops.greater(b, 0), ops.add(a, ops.square(ops.tanh(b))), a),
};

function drawProgram(random: Random): FuzzCase {
  const whole = shape(random, {
    rank: random.integer(1, 3),
    least: 1,
    elements: Math.min(20_000, budget(random)),
  });
  const dtype = floatDType(random);
  const inputs = Array.from({ length: random.integer(1, 3) }, (_, i) => {
    const dims = i === 0 ? whole : broadcasting(random, whole);
    return { shape: dims, dtype, values: values(random, dims, dtype) };
  });
  const steps: Step[] = [];
  const names: string[] = [];
  const number = random.integer(2, 10);
  for (let i = 0; i < number; i++) {
    const known = inputs.length + i;
    // Mostly the latest value, so that chains become long.
    const choose = (): number => (chance(random, 0.6) ? known - 1 : random.integer(0, known - 1));
    const [a, b] = [choose(), choose()];
    if (chance(random, 0.55)) {
      const name = pick(random, Object.keys(unary));
      names.push(`${name} ${a}`);
      steps.push((all) => (unary[name] as (x: Tensor) => Tensor)(all[a] as Tensor));
    } else {
      const name = pick(random, Object.keys(binary));
      names.push(`${name} ${a} ${b}`);
      steps.push((all) => {
        const [x, y] = [all[a], all[b]] as [Tensor, Tensor];
        const isScalar = y.ndim === 0 && (name === "mean" || name === "softmax");
        return isScalar ? ops.add(x, y) : (binary[name] as typeof ops.add)(x, y);
      });
    }
  }
  const ends = pick(random, ["value", "sum", "sum of rows", "two values"]);
  return {
    attributes: { steps: names, ends },
    inputs,
    run: (...given) => {
      const all = [...given];
      for (const step of steps) all.push(step(all));
      const last = all.at(-1) as Tensor;
      if (ends === "sum") return ops.mean(last);
      if (ends === "sum of rows" && last.ndim > 0) return ops.mean(last, { axis: 0 });
      return ends === "two values" ? [last, all.at(-2) as Tensor] : last;
    },
    reference: null,
    // Each step is rounded, and a gradient adds up over the whole.
    accuracy: { length: inputs[0]?.values.length ?? 1, steps: 8 * number },
    cancels: 16,
    gradient: true,
  };
}

/** Programs. */
export const programOps: readonly FuzzOp[] = [{ name: "program", weight: 30, draw: drawProgram }];
