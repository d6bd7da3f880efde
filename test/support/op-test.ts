/**
 * One call that tests an op wholly.
 *
 * @module
 */
import { describe, test } from "vitest";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { availableDTypes, backends, type TestBackend } from "./backends.ts";
import { checks } from "./checks.ts";
import type { InputSpec } from "./inputs.ts";
import type { Layout } from "./layouts.ts";
import type { Nd } from "./nd.ts";
import { seedFor } from "./random.ts";

/** What is said of an op under test. */
export interface OpTestSpec {
  /** Names of the primitives that this tests; each has to be run, in `run` or its gradient. */
  readonly ops?: readonly string[];
  /** The op on tensors. */
  readonly run: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** The same in float64 with plain loops. */
  readonly reference: (...inputs: Nd[]) => Nd | readonly Nd[];
  /** For each call the shape of its one input, or a list of the shapes of all. */
  readonly shapes: readonly (readonly number[] | readonly (readonly number[])[])[];
  /** Default: the four float dtypes. */
  readonly dtypes?: readonly DType[];
  /** The values of each input, one for all or a list. Default: uniform in [-2, 2]. */
  readonly inputs?: InputSpec | readonly InputSpec[];
  /** The dtype of the result (of each): default that of the first input. */
  readonly resultDType?: DType | readonly DType[] | ((dtype: DType) => DType | readonly DType[]);
  /**
   * `"zero"`: gradients are zero; `"throws"`: asking for one throws
   * GradientError; false: there is nothing to differentiate. Default true.
   */
  readonly differentiable?: true | "zero" | "throws" | false;
  /** Whether the gradient has a derivative, too. Default: as `differentiable`. */
  readonly secondDerivative?: true | "throws" | false;
  /** Inputs to differentiate by. Default: all floats. */
  readonly argnums?: readonly number[];
  /** How many terms are added up for one element (see tolerances.ts). Default 1. */
  readonly length?: number | ((...shapes: (readonly number[])[]) => number);
  /** How many results in a row are rounded to the dtype. Default 1. */
  readonly steps?: number | ((...shapes: (readonly number[])[]) => number);
  /** How many more are in its gradient. Default: 4 beside `steps`. */
  readonly gradientSteps?: number;
  /**
   * Whether terms cancel in an element: errors are relative to the largest
   * element (true), or to the given size of the terms. Default: where `length`
   * is greater than 1.
   */
  readonly cancels?: boolean | number;
  /** The size of terms that cancel in the gradient, where its largest element is smaller. */
  readonly gradientCancels?: number;
  /** Dtypes that it computes in beside its own; devices without them skip it. */
  readonly needs?: readonly DType[];
  /** Default: all. */
  readonly layouts?: readonly Layout[];
  /** Whether the op takes inputs whose first axis is unknown. Default true. */
  readonly unknownAxes?: boolean;
  /** Whether `run` is not made of public ops alone, which take symbolic tensors. */
  readonly internal?: boolean;
}

/** A spec under its name. */
export interface NamedSpec extends OpTestSpec {
  readonly name: string;
  readonly seed: number;
}

let collected: NamedSpec[] | null = null;

/** The specs of all `opTest` calls that `load` makes, which define no tests then. */
export async function collectOpTests(load: () => Promise<unknown>): Promise<NamedSpec[]> {
  const list: NamedSpec[] = [];
  collected = list;
  try {
    await load();
  } finally {
    collected = null;
  }
  return list;
}

/**
 * Defines the tests of an op, on every backend: values, shapes and dtypes
 * against the reference, over layouts, empty tensors and all dtypes; compiled
 * against eager, bit for bit; symbolic against eager; each primitive against
 * its decomposition; first and second derivatives against differences.
 */
export function opTest(name: string, spec: OpTestSpec): void {
  const named: NamedSpec = { ...spec, name, seed: seedFor(name) };
  if (collected !== null) {
    collected.push(named);
    return;
  }
  describe.each(backends.map((backend) => [backend.name, backend] as const))(
    `${name} on %s`,
    (_name, backend) => {
      for (const [check, run] of Object.entries(checks)) {
        if (!applies(check, spec)) continue;
        if (backend !== backends[0] && !onEachDevice.has(check)) continue;
        test(check, async ({ skip }) => {
          await backend.use();
          const needs = dtypesNeeded(spec);
          if (availableDTypes(needs).length < needs.length) skip(`needs ${needs.join(", ")}`);
          await run(named, backend);
        });
      }
    },
  );
}

/** Checks of what kernels compute. The others are the same on every device: the first does. */
const onEachDevice: ReadonlySet<string> = new Set([
  "values",
  "compiled",
  "decomposition",
  "gradient",
]);

/** Dtypes that a device must have, whatever the dtype under test. */
function dtypesNeeded({ needs = [], inputs, resultDType }: OpTestSpec): DType[] {
  const kinds = (Array.isArray(inputs) ? inputs : [inputs]) as (InputSpec | undefined)[];
  const fixed = kinds.flatMap((kind) => (kind?.dtype === undefined ? [] : [kind.dtype]));
  return [...needs, ...fixed, ...(typeof resultDType === "string" ? [resultDType] : [])];
}

function applies(check: string, spec: OpTestSpec): boolean {
  const { differentiable = true, secondDerivative = true, internal = false } = spec;
  if (check === "gradient") return differentiable !== false;
  if (check === "second derivative") {
    return secondDerivative !== false && differentiable === true;
  }
  return check !== "operation" || !internal;
}

/** Runs every check (by default on the first device) and gives the messages of those that fail. */
export async function failuresOf(
  name: string,
  spec: OpTestSpec,
  on: readonly TestBackend[] = backends.slice(0, 1),
): Promise<Record<string, string>> {
  const failures: Record<string, string> = {};
  for (const backend of on) {
    for (const [check, run] of Object.entries(checks)) {
      if (!applies(check, spec)) continue;
      try {
        await run({ ...spec, name, seed: seedFor(name) }, backend);
      } catch (error) {
        failures[check] = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return failures;
}
