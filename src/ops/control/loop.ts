/**
 * A function repeated while a condition holds.
 *
 * @module
 */
import {
  arranged,
  type BodyArgument,
  type Capture,
  controlOps,
  runControl,
  specOf,
  traceBody,
} from "../../jit/body.ts";
import { castTo } from "../../tensor/cast.ts";
import { scalar } from "../../tensor/create.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { isFloat } from "../../util/dtypes.ts";
import { formatShape, GradientError, ShapeError } from "../../util/errors.ts";
import { logicalAnd } from "../comparison.ts";
import { branch } from "./branch.ts";
import { floatsOf, givenBy, gradientsOf, inputOf, recordControl } from "./gradients.ts";
import { checkCarry, scanTensors } from "./scan.ts";

/** Repeats `step` on the carry while `condition` holds, at most `limit` times (null: no limit). */
export function loopTensors(
  name: string,
  condition: (carry: Tensor[]) => Tensor,
  step: (carry: Tensor[]) => readonly Tensor[],
  init: readonly Tensor[],
  limit: number | null,
): Tensor[] {
  const test = traceBody(init, (args) => [checkedCondition(name, condition(args))]);
  const body = traceBody(init, (args) => checkCarry(name, args, step(args)));
  const { writes } = body;
  const constants: Capture[] = [...new Set([...test.captures, ...body.captures])].filter(
    (capture) => !(writes as readonly Capture[]).includes(capture),
  );
  const carried = init.length;
  const states = carried + writes.length;
  const layout: BodyArgument[] = [...init.keys(), ...writes, ...constants];
  const captures = [...writes, ...constants];
  const inputs = [...init, ...captures.map((capture) => inputOf(capture, undefined))];
  const outputs = runControl(
    controlOps.loop,
    inputs,
    { carried: states, limit: limit ?? -1 },
    // What the condition would assign is not kept.
    [arranged(test, layout, (own) => own.slice(0, 1)), arranged(body, layout, (own) => own)],
    [...init.map(({ shape, dtype }) => ({ shape, dtype })), ...writes.map(specOf)],
  );
  const carry = outputs.slice(0, carried);
  recordControl(name, inputs, carry, ({ inputs: used, grads, needs }) => {
    if (limit === null) {
      throw new GradientError(
        `${name}: a loop without a limit has no gradient: the number of its rounds is not known ` +
          "beforehand. Give maximumIterations, or use scan or foriLoop.",
        { op: name },
      );
    }
    const given = givenBy(captures, used.slice(carried));
    const sources = [...init, ...captures]
      .map((capture, at) => ({ capture, like: used[at] as Tensor, at }))
      .filter(({ like, at }) => isFloat(like.dtype) && needs(at));
    const gradients = gradientsOf(
      () => boundedLoop(name, condition, step, used.slice(0, carried), limit, given),
      floatsOf(grads),
      // Out here a variable is the tensor that it was.
      sources.map(({ like }) => like),
    );
    const found: (Tensor | null)[] = new Array<null>(inputs.length).fill(null);
    for (const [i, { at }] of sources.entries()) found[at] = gradients[i] as Tensor;
    return found;
  });
  for (const [i, variable] of writes.entries()) variable.assign(outputs[carried + i] as Tensor);
  return carry;
}

/** The same by a scan of `limit` rounds, of which those after the end change nothing. */
function boundedLoop(
  name: string,
  condition: (carry: Tensor[]) => Tensor,
  step: (carry: Tensor[]) => readonly Tensor[],
  init: readonly Tensor[],
  limit: number,
  given: ReturnType<typeof givenBy>,
): Tensor[] {
  const { carry } = scanTensors(
    name,
    (all) => {
      const before = all.slice(0, -1);
      const active = logicalAnd(all.at(-1) as Tensor, condition(before)) as Tensor;
      const after = branch(name, castTo(active, "int32"), [() => before, () => step(before)]);
      return { carry: [...after, active], results: [] };
    },
    [...init, scalar(true, "bool")],
    [],
    { length: limit, reverse: false, given, keepsWrites: false },
  );
  return carry.slice(0, -1);
}

function checkedCondition(name: string, value: Tensor): Tensor {
  if (value.size !== 1) {
    throw new ShapeError(
      `${name}: the condition must give one boolean, got shape ${formatShape(value.shape)}. ` +
        "Reduce it (ops.all, ops.any).",
      { op: name, shapes: [value.shape] },
    );
  }
  return castTo(value, "bool");
}
