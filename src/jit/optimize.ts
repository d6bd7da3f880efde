/**
 * The passes of the compiler, in order.
 *
 * @module
 */
import type { Graph, Pass } from "./graph.ts";
import { commonSubexpressions } from "./passes/common-subexpressions.ts";
import { deadCode } from "./passes/dead-code.ts";
import { foldBroadcasts } from "./passes/fold-broadcasts.ts";
import { foldConstants } from "./passes/fold-constants.ts";
import { fuseElementwise } from "./passes/fuse-elementwise.ts";
import { fuseSums } from "./passes/fuse-sums.ts";
import { rematerialize } from "./passes/rematerialize.ts";
import { rewrite } from "./passes/rewrite.ts";

/** What every graph goes through, by name. */
export const passes: readonly (readonly [name: string, pass: Pass])[] = [
  ["dead code", deadCode],
  ["rewrites", rewrite],
  ["common subexpressions", commonSubexpressions],
  ["broadcasts folded", foldBroadcasts],
  ["constants computed", foldConstants],
  ["dead code again", deadCode],
  ["elementwise chains fused", fuseElementwise],
  ["sums fused", fuseSums],
  ["dead steps", deadCode],
  ["cheap values computed again", rematerialize],
];

/** The graph after all passes. */
export function optimize(graph: Graph): Graph {
  return passes.reduce((current, [, pass]) => pass(current), graph);
}

/** The same for a body, which captures nothing: its constants have been folded before. */
export function optimizeBody(graph: Graph): Graph {
  return passes.reduce(
    (current, [, pass]) => (pass === foldConstants ? current : pass(current)),
    graph,
  );
}
