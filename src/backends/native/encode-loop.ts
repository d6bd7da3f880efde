/**
 * Writes a fused loop as the words that `native/runtime/loop.h` describes.
 *
 * @module
 */
import type { Loop } from "../../runtime/backend.ts";
import { dtypeId } from "../../util/dtypes.ts";

const copyKernel = -1;
const sumKinds = ["all", "rows", "columns"] as const;

/**
 * Steps in order, each into a register or straight into an output; registers
 * are used again once nobody needs what they hold. An output may lie where an
 * input does, so it is written once no step needs an input any more.
 */
export function encodeLoop({ shape, steps, outputs, sums, row }: Loop, inputs: number): number[] {
  const lastInput = steps.findLastIndex((step) => step.inputs.some((value) => value < inputs));
  const lastUse = new Map<number, number>();
  for (const [at, step] of steps.entries()) {
    for (const value of step.inputs) lastUse.set(value, at);
  }
  for (const { value } of sums) lastUse.set(value, steps.length);
  const temporaries = inputs + outputs.length + sums.length;
  const operands = new Map<number, number>();
  const registers: { dtype: number; register: number }[] = [];
  const free: number[] = [];
  let room = 0;
  const copies: number[] = [];
  const words: number[] = [];
  const sumWords: number[] = [];
  for (const [at, { op, kernel, inputs: values, dtype, packer, attributes }] of steps.entries()) {
    const value = inputs + at;
    const output = outputs.indexOf(at);
    if (output >= 0 && at >= lastInput) operands.set(value, inputs + output);
    else {
      const register = free.pop() ?? room++;
      operands.set(value, temporaries + registers.length);
      registers.push({ dtype: dtypeId(dtype), register });
      if (output >= 0) copies.push(at);
    }
    const attributeWords = new Int32Array(packer.wordCount(attributes));
    packer.pack(op, attributes, attributeWords, 0);
    words.push(kernel.id, values.length, ...values.map((v) => operands.get(v) ?? v));
    words.push(operands.get(value) as number, attributeWords.length, ...attributeWords);
    for (const used of new Set(values)) {
      if (lastUse.get(used) !== at || used < inputs) continue;
      const operand = (operands.get(used) as number) - temporaries;
      if (operand < 0 || outputs.includes(used - inputs)) continue;
      free.push((registers[operand] as { register: number }).register);
    }
  }
  for (const at of copies) {
    const from = operands.get(inputs + at) as number;
    words.push(copyKernel, 1, from, inputs + outputs.indexOf(at), 0);
  }
  for (const { value, kernel, over } of sums) {
    sumWords.push(kernel.id, operands.get(value) ?? value, sumKinds.indexOf(over));
  }
  return [
    shape.length,
    ...shape,
    row,
    room,
    registers.length,
    ...registers.flatMap(({ dtype, register }) => [dtype, register]),
    steps.length + copies.length,
    ...words,
    sums.length,
    ...sumWords,
  ];
}
