/**
 * Op tests of functions of single elements.
 *
 * @module
 */
import type { Tensor } from "../../src/tensor/tensor.ts";
import { map, type Nd, zip } from "./nd.ts";
import { type OpTestSpec, opTest } from "./op-test.ts";
import { binaryShapes, unaryShapes } from "./shapes.ts";

/** Tests an op of one tensor against a function of one number. */
export function unaryTest(
  name: string,
  run: (x: Tensor) => Tensor,
  fn: (x: number) => number,
  spec: Partial<OpTestSpec> = {},
): void {
  opTest(name, {
    run: (x) => run(x as Tensor),
    reference: (x) => map(x as Nd, fn),
    shapes: unaryShapes,
    ...spec,
  });
}

/** Tests an op of two tensors, which broadcast, against a function of two numbers. */
export function binaryTest(
  name: string,
  run: (a: Tensor, b: Tensor) => Tensor,
  fn: (a: number, b: number) => number,
  spec: Partial<OpTestSpec> = {},
): void {
  opTest(name, {
    run: (a, b) => run(a as Tensor, b as Tensor),
    reference: (a, b) => zip(a as Nd, b as Nd, fn),
    shapes: binaryShapes,
    ...spec,
  });
}
