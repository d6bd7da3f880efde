/**
 * Writes a plan as the words that `native/runtime/program.h` describes.
 *
 * @module
 */
import type { Place, Plan, PlanInstruction } from "../../runtime/backend.ts";
import { dtypeId } from "../../util/dtypes.ts";
import { encodeLoop } from "./encode-loop.ts";

const planVersion = 1;
const copyKernel = -1;
const loopKernel = -5;
/** By the name of the control op. */
const controlKernels: Readonly<Record<string, number>> = { branch: -2, loop: -3, scan: -4 };
const wordsOfUnit = 16;
const places: Readonly<Record<Place, number>> = {
  arena: 0,
  input: 1,
  held: 2,
  output: 3,
  constant: 4,
};

/** The words of a plan with an arena of offsets. */
export function encodePlan(plan: Plan): Int32Array {
  const bodies = plan.instructions.map((instruction) => encodeBodies(instruction.bodies));
  const loops = plan.instructions.map(
    ({ inputs, loop }) => loop && encodeLoop(loop, inputs.length),
  );
  let count = 8;
  for (const value of plan.values) count += 4 + value.shape.length;
  for (const [i, { inputs, outputs, packer, attributes }] of plan.instructions.entries()) {
    count += 4 + inputs.length + outputs.length;
    count += loops[i]?.length ?? packer.wordCount(attributes);
    count += bodies[i]?.length ?? 0;
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
  for (const [i, instruction] of plan.instructions.entries()) {
    const { op, inputs, outputs, packer, attributes } = instruction;
    words[at++] = kernelNumber(instruction);
    words[at++] = inputs.length;
    words[at++] = outputs.length;
    for (const id of inputs) words[at++] = id;
    for (const id of outputs) words[at++] = id;
    const countAt = at++;
    const loop = loops[i];
    if (loop === undefined) at = packer.pack(op, attributes, words, at);
    else {
      words.set(loop, at);
      at += loop.length;
    }
    words[countAt] = at - countAt - 1;
    const own = bodies[i];
    if (own === undefined) continue;
    words.set(own, at);
    at += own.length;
  }
  return words;
}

function kernelNumber({ op, kernel, bodies, loop }: PlanInstruction): number {
  if (kernel !== null) return kernel.id;
  if (loop !== undefined) return loopKernel;
  return bodies === undefined ? copyKernel : (controlKernels[op] as number);
}

/** The bodies of a control op: their number, then each with its constants. */
function encodeBodies(bodies: readonly Plan[] | undefined): Int32Array | undefined {
  if (bodies === undefined) return undefined;
  const parts: Int32Array[] = [Int32Array.of(bodies.length)];
  for (const body of bodies) {
    const words = encodePlan(body);
    const constants = new Int32Array(body.constants.buffer, 0, body.constants.byteLength / 4);
    parts.push(Int32Array.of(words.length, constants.length / wordsOfUnit), constants, words);
  }
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
