/**
 * Everything that the fuzzer draws from.
 *
 * @module
 */
import type { FuzzOp } from "./case.ts";
import { indexingOps } from "./indexing.ts";
import { linearOps } from "./linear.ts";
import { movementOps } from "./movement.ts";
import { programOps } from "./programs.ts";
import { reductionOps } from "./reductions.ts";
import { specOps } from "./specs.ts";

/** All ops, in an order that seeds count on. */
export async function allOps(): Promise<readonly FuzzOp[]> {
  return [
    ...reductionOps,
    ...movementOps,
    ...linearOps,
    ...indexingOps,
    ...programOps,
    ...(await specOps()),
  ];
}
