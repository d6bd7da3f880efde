/**
 * Compiled functions.
 *
 * @module
 */
import type { Backend, Program, Submission } from "../runtime/backend.ts";
import { currentBackend } from "../runtime/device.ts";
import { traceEpoch } from "../runtime/epoch.ts";
import { autocastDType } from "../runtime/precision.ts";
import { state, withTracer } from "../tensor/context.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Variable } from "../tensor/variable.ts";
import type { DType } from "../util/dtypes.ts";
import { ArgumentError } from "../util/errors.ts";
import { flatten, mapTree, sameStructure } from "../util/pytree.ts";
import { type Shape, sameShape } from "../util/shapes.ts";
import { explainPasses } from "./explain.ts";
import type { Graph } from "./graph.ts";
import { optimize } from "./optimize.ts";
import { makePlan } from "./plan.ts";
import { submitProgram } from "./submit.ts";
import { Trace } from "./trace.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
type AnyFunction = (...args: any[]) => unknown;

/** Compiled versions that a function keeps. */
const maxVersions = 8;
/** Traces after which a function is reported to retrace. */
const retraceWarning = 5;

/** Options of `jit`. */
export interface JitOptions {
  /** For messages; default: the function's own name. */
  name?: string | undefined;
}

/** A run of a compiled function. */
export interface Run<R> {
  readonly result: R;
  /** null where the function was inlined into another. */
  readonly submission: Submission | null;
}

/** A compiled function. */
export interface Jitted<F extends AnyFunction> {
  (...args: Parameters<F>): ReturnType<F>;
  /** Traces for these arguments and waits until the program is ready. */
  prepare(...args: Parameters<F>): Promise<void>;
  /** Calls it, and gives the run that computes the result. */
  run(...args: Parameters<F>): Run<ReturnType<F>>;
  /** The program for these arguments, if they have been traced. */
  program(...args: Parameters<F>): Program | undefined;
  /**
   * What the compiler makes of a call: its graph as traced and after each pass,
   * as text. Nothing runs, and nothing is assigned.
   */
  explain(...args: Parameters<F>): string;
  /** Forgets everything compiled. */
  clear(): void;
  /** The function itself. */
  readonly original: F;
}

/** One leaf of the arguments, as far as it decides what is compiled. */
type LeafKey = { readonly shape: Shape; readonly dtype: DType } | { readonly value: unknown };

interface Version {
  readonly structure: readonly unknown[];
  readonly leaves: readonly LeafKey[];
  readonly backend: Backend;
  readonly epoch: number;
  readonly autocast: DType | null;
  readonly program: Program | Promise<Program>;
  ready: Program | null;
  /** Rebuilds the result from the outputs. */
  readonly result: unknown;
  readonly trace: Trace;
}

/** Stands in the result's tree for output n. */
class Output {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/**
 * Compiles a function: its first call with arguments of some shapes and dtypes
 * traces it into one program, which later calls run without the function.
 *
 * `fn` is synchronous and pure but for variables: those it reads and assigns
 * become part of the program. Arguments and results are tensors and anything
 * else, in arrays and plain objects; what is no tensor counts by value. Inside
 * another jitted function, or while gradients are recorded, it is inlined.
 *
 * @throws {ArgumentError} If `fn` returns a promise.
 * @example
 * const f = jit((x) => ops.sum(ops.square(x)));
 * await f(tensor([1, 2, 3])).item(); // 14
 * f.explain(tensor([1, 2, 3])).includes("square"); // true
 */
export function jit<F extends AnyFunction>(fn: F, options: JitOptions = {}): Jitted<F> {
  const name = options.name ?? (fn.name === "" ? "a function" : fn.name);
  // Most recently used first.
  let versions: Version[] = [];
  let traces = 0;

  const find = (args: readonly unknown[], leaves: readonly unknown[]): Version | undefined => {
    const backend = currentBackend();
    const epoch = traceEpoch();
    const autocast = autocastDType();
    for (let i = 0; i < versions.length; i++) {
      const version = versions[i] as Version;
      if (
        version.epoch === epoch &&
        version.backend === backend &&
        version.autocast === autocast &&
        sameLeaves(version.leaves, leaves) &&
        sameStructure(version.structure, args)
      ) {
        if (i > 0) {
          versions.splice(i, 1);
          versions.unshift(version);
        }
        return version;
      }
    }
    return undefined;
  };

  const compile = (args: readonly unknown[], leaves: readonly unknown[], now: boolean): Version => {
    const backend = currentBackend();
    const { trace, result, graph } = traceFunction(fn, args, name);
    let program: Program | Promise<Program>;
    try {
      program = backend.prepare(makePlan(optimize(graph), backend), now);
    } catch (error) {
      trace.fail();
      throw error;
    }
    const version: Version = {
      // Variables and objects in it are compared by identity, through leaves.
      structure: mapTree(args, () => null) as unknown[],
      leaves: leaves.map(keyOf),
      backend,
      epoch: traceEpoch(),
      autocast: autocastDType(),
      program,
      ready: program instanceof Promise ? null : program,
      result,
      trace,
    };
    const stale = versions.filter((v) => v.epoch !== version.epoch);
    versions = [version, ...versions.filter((v) => v.epoch === version.epoch)];
    for (const old of [...stale, ...versions.splice(maxVersions)]) discard(old);
    traces++;
    if (traces === retraceWarning + 1) {
      console.warn(
        `jit: ${name} has been traced ${traces} times. Each new shape or dtype of a tensor and ` +
          "each new value of another argument compiles it again: pad to few shapes, and pass " +
          "what changes as a tensor.",
      );
    }
    return version;
  };

  const run = (...args: Parameters<F>): Run<ReturnType<F>> => {
    if (state.tracer !== null || state.tapes.length > 0) {
      return { result: fn(...args) as ReturnType<F>, submission: null };
    }
    const leaves = flatten(args);
    let version = find(args, leaves);
    if (version === undefined || version.ready === null) {
      if (version !== undefined) {
        versions = versions.filter((v) => v !== version);
        discard(version);
      }
      version = compile(args, leaves, true);
    }
    const program = version.ready as Program;
    const inputs = leaves.filter((leaf): leaf is Tensor => leaf instanceof Tensor);
    const { tensors, submission } = submitProgram(version.backend, program, inputs);
    const result =
      version.result instanceof Output
        ? tensors[version.result.index]
        : mapTree(version.result, (leaf) => (leaf instanceof Output ? tensors[leaf.index] : leaf));
    return { result: result as ReturnType<F>, submission };
  };

  const jitted = ((...args: Parameters<F>) => run(...args).result) as Jitted<F>;
  jitted.run = run;
  jitted.prepare = async (...args) => {
    const leaves = flatten(args);
    const version = find(args, leaves) ?? compile(args, leaves, false);
    version.ready ??= await version.program;
  };
  jitted.program = (...args) => find(args, flatten(args))?.ready ?? undefined;
  jitted.explain = (...args) => {
    const { trace, graph } = traceFunction(fn, args, name);
    try {
      return explainPasses(graph);
    } finally {
      trace.fail();
    }
  };
  jitted.clear = () => {
    for (const version of versions) discard(version);
    versions = [];
  };
  return Object.assign(jitted, { original: fn });
}

function discard({ program, trace }: Version): void {
  trace.release();
  if (program instanceof Promise) void program.then((ready) => ready.release());
  else program.release();
}

function keyOf(leaf: unknown): LeafKey {
  return leaf instanceof Tensor ? { shape: leaf.shape, dtype: leaf.dtype } : { value: leaf };
}

function sameLeaves(keys: readonly LeafKey[], leaves: readonly unknown[]): boolean {
  if (keys.length !== leaves.length) return false;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as LeafKey;
    const leaf = leaves[i];
    if (leaf instanceof Tensor) {
      if (!("shape" in key) || key.dtype !== leaf.dtype || !sameShape(key.shape, leaf.shape)) {
        return false;
      }
    } else if (!("value" in key) || !Object.is(key.value, leaf)) {
      return false;
    }
  }
  return true;
}

/** What tracing a call gives. */
interface TracedFunction {
  readonly trace: Trace;
  readonly graph: Graph;
  /** The returned tree with an `Output` for each tensor. */
  readonly result: unknown;
}

/** Runs `fn` once on symbolic arguments. */
export function traceFunction(
  fn: AnyFunction,
  args: readonly unknown[],
  name: string,
): TracedFunction {
  const trace = new Trace();
  const { scope } = state;
  state.scope = null;
  try {
    const symbolic = mapTree(args, (leaf) =>
      leaf instanceof Tensor ? trace.argument(leaf) : leaf,
    ) as unknown[];
    const returned = withTracer(trace, () => fn(...symbolic));
    if (returned instanceof Promise) {
      throw new ArgumentError(
        `jit: ${name} returned a promise. A compiled function is synchronous: read data before ` +
          "or after the call, not in it.",
      );
    }
    const results: Tensor[] = [];
    const result = mapTree(returned, (leaf) => {
      const value = leaf instanceof Variable ? withTracer(trace, () => leaf.value) : leaf;
      if (!(value instanceof Tensor)) return value;
      results.push(value);
      return new Output(results.length - 1);
    });
    return { trace, graph: trace.graph(results), result };
  } catch (error) {
    trace.fail();
    throw error;
  } finally {
    state.scope = scope;
  }
}
