/**
 * What an op, a step and a trace cost beside their arithmetic.
 *
 * @module
 */
import { grad, jit, ops, type Tensor, tensor, tidy, Variable } from "../src/index.ts";
import { traceFunction } from "../src/jit/jit.ts";
import { optimize } from "../src/jit/optimize.ts";
import { makePlan } from "../src/jit/plan.ts";
import { currentBackend } from "../src/runtime/device.ts";
import { type Figure, nanosecondsOf, nanosecondsOfAsync } from "./measure.ts";

const small = new Float32Array(16).map((_, i) => 1 + i / 16);

/** `reach` of DESIGN section 10, in nanoseconds. */
const reach = {
  eagerOp: 500,
  eagerBoth: 2_000,
  compiledOp: 30,
  stepSync: 5_000,
  stepAsync: 30_000,
  trace: 10e6,
};

function check(what: string, actual: number, expected: number): void {
  if (!(Math.abs(actual - expected) <= 1e-4 * Math.abs(expected))) {
    throw new Error(`${what}: got ${actual}, expected ${expected}`);
  }
}

/** An op on 16 elements whose result is freed, as in a loop. */
function eagerOp(): Figure {
  const x = tensor(small);
  check("eager op", ops.add(x, x).dataSync()[1] as number, 2 * (small[1] as number));
  const value = nanosecondsOf(() => ops.add(x, x).dispose(), { calls: 20_000 });
  return { name: "eager op", value, unit: "ns", reach: reach.eagerOp };
}

/** A chain of 100 products, forward and backward, per op of the chain. */
function eagerForwardAndBackward(): Figure {
  const length = 100;
  const x = tensor(small);
  const factor = tensor(small.map(() => 1.001));
  const chain = (y: Tensor): Tensor => {
    let z = y;
    for (let i = 0; i < length; i++) z = ops.multiply(z, factor);
    return ops.sum(z);
  };
  const gradient = grad(chain);
  check("gradient", gradient(x).dataSync()[3] as number, 1.001 ** length);
  const value =
    nanosecondsOf(() => void tidy(() => gradient(x).dispose()), { calls: 100 }) / length;
  return { name: "eager forward and backward", value, unit: "ns", reach: reach.eagerBoth };
}

/** Also where a run has gone to the program thread, as the next one does after a slow one. */
function waited(y: Tensor): void {
  y.dataSync();
  y.dispose();
}

/** One more op of 16 elements in a program: the slope between two lengths. */
function compiledOp(): Figure {
  const x = tensor(small);
  const chainOf = (length: number): ((y: Tensor) => Tensor) =>
    jit(
      (y: Tensor) => {
        let z = y;
        for (let i = 0; i < length; i++) z = i % 2 === 0 ? ops.multiply(z, y) : ops.add(z, y);
        return z;
      },
      { name: `chain of ${length}` },
    );
  const short = chainOf(100);
  const long = chainOf(1100);
  const timing = { calls: 500 };
  for (const chain of [short, long]) chain(x).dispose();
  const difference =
    nanosecondsOf(() => waited(long(x)), timing) - nanosecondsOf(() => waited(short(x)), timing);
  return { name: "compiled op", value: difference / 1000, unit: "ns", reach: reach.compiledOp };
}

/** A step that touches 100 variables: its call, less the ops in it. */
async function compiledStep(): Promise<Figure[]> {
  const variables = Array.from({ length: 100 }, () => new Variable(small));
  const step = jit((x: Tensor) => {
    for (const variable of variables) variable.assignAdd(x);
    return ops.sum(x);
  });
  const x = tensor(small.map(() => 0));
  step(x).dispose();
  check("compiled step", Number(await step(x).item()), 0);
  const sync = nanosecondsOf(() => step(x).dispose(), { calls: 2_000 });
  const later = await nanosecondsOfAsync(
    async () => {
      const y = step(x);
      await y.data();
      y.dispose();
    },
    { calls: 500 },
  );
  return [
    { name: "compiled step", value: sync, unit: "ns", reach: reach.stepSync },
    { name: "compiled step, awaited", value: later, unit: "ns", reach: reach.stepAsync },
  ];
}

/** From a function of 1000 ops to its plan. */
function traceAndPlan(): Figure {
  const x = tensor(small);
  const fn = (y: Tensor): Tensor => {
    let z = y;
    for (let i = 0; i < 500; i++) z = ops.add(ops.multiply(z, y), i);
    return z;
  };
  const backend = currentBackend();
  const compile = (): number => {
    const { graph, trace } = traceFunction(fn, [x], "chain");
    const plan = makePlan(optimize(graph), backend);
    trace.release();
    return plan.instructions.reduce((sum, { loop }) => sum + (loop?.steps.length ?? 1), 0);
  };
  check("kernels of the plan", compile(), 1000);
  const value = nanosecondsOf(compile, { calls: 10 });
  return { name: "trace and plan", value, unit: "ns", reach: reach.trace };
}

/** All overheads. */
export async function overhead(): Promise<Figure[]> {
  return [
    eagerOp(),
    eagerForwardAndBackward(),
    compiledOp(),
    ...(await compiledStep()),
    traceAndPlan(),
  ];
}
