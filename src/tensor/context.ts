/**
 * What changes the meaning of an op while it lasts: a trace, tapes, scopes.
 * `autograd` and `jit` set them; `apply` and `Variable` obey.
 *
 * @module
 */

import type { Attributes } from "../runtime/attributes.ts";
import type { TensorSpec } from "../runtime/backend.ts";
import type { OpDefinition } from "./define-op.ts";
import type { Tensor } from "./tensor.ts";
import type { Variable } from "./variable.ts";

/** Records ops instead of running them. */
export interface Tracer {
  /** Whether only shapes are wanted: what is traced will never run. */
  readonly isAbstract: boolean;
  /** Adds a node, of a control op with its bodies, and returns its symbolic outputs. */
  apply(
    op: OpDefinition,
    inputs: readonly Tensor[],
    attributes: Attributes,
    outputs: readonly TensorSpec[],
    bodies?: readonly object[],
  ): Tensor[];
  /** A constant of the program. */
  constant(spec: TensorSpec, value: number | bigint): Tensor;
  /** What the variable holds at this point of the program. */
  readVariable(variable: Variable): Tensor;
  /** What the variable will hold from this point on. */
  assignVariable(variable: Variable, value: Tensor): void;
  /** Calls `undo` if tracing fails. */
  onFailure(undo: () => void): void;
}

/** How an op's gradients follow from those of its outputs. */
export interface Differentiable {
  readonly name: string;
  readonly vjp: OpDefinition["vjp"];
  readonly decompose?: OpDefinition["decompose"];
}

/** One op that was run, as a tape keeps it. */
export interface TapeEntry {
  readonly op: Differentiable;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
}

/** Remembers what was run, to differentiate it. */
export interface Tape {
  readonly entries: TapeEntry[];
  /** Every tensor that a variable was read as. */
  readonly reads: Map<Variable, Tensor[]>;
}

/** Collects the tensors made in it. */
export interface Scope {
  readonly tensors: Tensor[];
}

interface InterpreterState {
  tracer: Tracer | null;
  /** Innermost last. */
  tapes: readonly Tape[];
  scope: Scope | null;
  /** What variables hold while a function is run without touching them. */
  shadow: Map<Variable, Tensor> | null;
}

const none: readonly Tape[] = [];

/** The state of this JavaScript environment. Only this library's functions change it. */
export const state: InterpreterState = { tracer: null, tapes: none, scope: null, shadow: null };

/** Runs `fn` as if no trace and no tape were active. */
export function outsideTrace<T>(fn: () => T): T {
  const { tracer, tapes } = state;
  state.tracer = null;
  state.tapes = none;
  try {
    return fn();
  } finally {
    state.tracer = tracer;
    state.tapes = tapes;
  }
}

/** Runs `fn` with nothing recorded on any tape. */
export function withoutTapes<T>(fn: () => T): T {
  const { tapes } = state;
  state.tapes = none;
  try {
    return fn();
  } finally {
    state.tapes = tapes;
  }
}

/** Runs `fn` with nothing recorded on any tape, nor its tensors in any scope. */
export function outsideTapesAndScope<T>(fn: () => T): T {
  const { scope } = state;
  state.scope = null;
  try {
    return withoutTapes(fn);
  } finally {
    state.scope = scope;
  }
}

/** Runs `fn` with one tape more. */
export function withTape<T>(tape: Tape, fn: () => T): T {
  const { tapes } = state;
  state.tapes = [...tapes, tape];
  try {
    return fn();
  } finally {
    state.tapes = tapes;
  }
}

/** Runs `fn` with variables that hold what `values` says; assignments change only that. */
export function withShadow<T>(values: Map<Variable, Tensor>, fn: () => T): T {
  const { shadow } = state;
  state.shadow = values;
  try {
    return fn();
  } finally {
    state.shadow = shadow;
  }
}

/** Runs `fn` under a tracer. Tapes go on: ops of the trace are recorded too. */
export function withTracer<T>(tracer: Tracer, fn: () => T): T {
  const previous = state.tracer;
  state.tracer = tracer;
  try {
    return fn();
  } finally {
    state.tracer = previous;
  }
}
