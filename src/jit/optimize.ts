/**
 * The passes of the compiler, in order.
 *
 * @module
 */
import type { Graph, Pass } from "./graph.ts";
import { commonSubexpressions } from "./passes/common-subexpressions.ts";
import { deadCode } from "./passes/dead-code.ts";
import { foldBroadcasts } from "./passes/fold-broadcasts.ts";
import { fuseElementwise } from "./passes/fuse-elementwise.ts";
import { rematerialize } from "./passes/rematerialize.ts";
import { rewrite } from "./passes/rewrite.ts";

/** What every graph goes through, by name. */
export const passes: readonly (readonly [name: string, pass: Pass])[] = [
  ["dead code", deadCode],
  ["rewrites", rewrite],
  ["common subexpressions", commonSubexpressions],
  ["broadcasts folded", foldBroadcasts],
  ["dead code again", deadCode],
  ["elementwise chains fused", fuseElementwise],
  ["cheap values computed again", rematerialize],
];

/** The graph after all passes. */
export function optimize(graph: Graph): Graph {
  return passes.reduce((current, [, pass]) => pass(current), graph);
}
