/**
 * One of several functions, chosen by a tensor.
 *
 * @module
 */
import {
  arranged,
  type Capture,
  controlOps,
  runControl,
  specOf,
  traceBody,
} from "../../jit/body.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { isFloat } from "../../util/dtypes.ts";
import { ShapeError } from "../../util/errors.ts";
import {
  floatsOf,
  givenBy,
  gradientsOf,
  inputOf,
  recordControl,
  sourceOf,
  type VariableRules,
} from "./gradients.ts";
import { formatSpecs, sameSpecs } from "./specs.ts";

/** A function without arguments: what it needs it captures. */
export type BranchFunction = () => readonly Tensor[];

/**
 * The results of `branches[index]`, an int32 scalar, clamped. All branches
 * give tensors of the same shapes and dtypes.
 */
export function branch(
  name: string,
  index: Tensor,
  branches: readonly BranchFunction[],
  { given, keepsWrites = true }: VariableRules = {},
): Tensor[] {
  const bodies = branches.map((fn) => traceBody([], fn));
  const ownSpecs = bodies.map(({ graph, results }) => graph.results.slice(0, results));
  const [first = []] = ownSpecs;
  const count = first.length;
  for (const [b, specs] of ownSpecs.entries()) {
    if (sameSpecs(first, specs)) continue;
    throw new ShapeError(
      `${name}: the functions return different things: the first ${formatSpecs(first)}, ` +
        `number ${b} ${formatSpecs(specs)}. Make shapes and dtypes agree.`,
      { op: name },
    );
  }
  const writes = [...new Set(bodies.flatMap((body) => body.writes))];
  const captures: Capture[] = [...new Set([...bodies.flatMap((b) => b.captures), ...writes])];
  const graphs = bodies.map((body) =>
    arranged(body, captures, (own, args) => [
      ...own.slice(0, count),
      ...writes.map((variable) => {
        const at = body.writes.indexOf(variable);
        return (at < 0 ? args[captures.indexOf(variable)] : own[count + at]) as (typeof own)[0];
      }),
    ]),
  );
  const inputs = [index, ...captures.map((capture) => inputOf(capture, given))];
  const outputSpecs = [
    ...first.map(({ shape, dtype }) => ({ shape, dtype })),
    ...writes.map(specOf),
  ];
  const outputs = runControl(controlOps.branch, inputs, {}, graphs, outputSpecs);
  const results = outputs.slice(0, count);
  recordControl(name, inputs, results, ({ inputs: [at, ...used], grads, needs }) => {
    const values = givenBy(captures, used);
    const wanted = captures.map((capture, i) => ({ capture, like: used[i] as Tensor, at: i }));
    const sources = wanted.filter(({ like, at: i }) => isFloat(like.dtype) && needs(i + 1));
    const upstream = floatsOf(grads);
    const gradients = branch(
      `gradient of ${name}`,
      at as Tensor,
      branches.map((fn) => () => gradientsOf(fn, upstream, sources.map(sourceOf))),
      { given: values, keepsWrites: false },
    );
    const found: (Tensor | null)[] = new Array<null>(inputs.length).fill(null);
    for (const [i, { at: k }] of sources.entries()) found[k + 1] = gradients[i] as Tensor;
    return found;
  });
  if (keepsWrites) {
    for (const [i, variable] of writes.entries()) variable.assign(outputs[count + i] as Tensor);
  }
  return results;
}
