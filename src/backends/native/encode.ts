/**
 * Writes a plan as the words that `native/runtime/program.h` describes.
 *
 * @module
 */
import type { Place, Plan } from "../../runtime/backend.ts";
import { dtypeId } from "../../util/dtypes.ts";

const planVersion = 1;
const copyKernel = -1;
const places: Readonly<Record<Place, number>> = {
  arena: 0,
  input: 1,
  held: 2,
  output: 3,
  constant: 4,
};

/** The words of a plan with an arena of offsets. */
export function encodePlan(plan: Plan): Int32Array {
  let count = 8;
  for (const value of plan.values) count += 4 + value.shape.length;
  for (const { inputs, outputs, packer, attributes } of plan.instructions) {
    count += 4 + inputs.length + outputs.length + packer.wordCount(attributes);
  }
  const words = new Int32Array(count);
  words.set([
    planVersion,
    plan.arena as number,
    plan.values.length,
    plan.instructions.length,
    plan.commitStart,
    plan.inputs.length,
    plan.outputs.length,
    plan.held.length,
  ]);
  let at = 8;
  for (const { place, index, dtype, shape } of plan.values) {
    words[at++] = places[place];
    words[at++] = index;
    words[at++] = dtypeId(dtype);
    words[at++] = shape.length;
    for (const dim of shape) words[at++] = dim;
  }
  for (const { op, kernel, inputs, outputs, packer, attributes } of plan.instructions) {
    words[at++] = kernel === null ? copyKernel : kernel.id;
    words[at++] = inputs.length;
    words[at++] = outputs.length;
    for (const id of inputs) words[at++] = id;
    for (const id of outputs) words[at++] = id;
    const countAt = at++;
    at = packer.pack(op, attributes, words, at);
    words[countAt] = at - countAt - 1;
  }
  return words;
}
