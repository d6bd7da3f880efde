/**
 * The passes of the compiler, in order.
 *
 * @module
 */
import type { Graph, Pass } from "./graph.ts";
import { commonSubexpressions } from "./passes/common-subexpressions.ts";
import { deadCode } from "./passes/dead-code.ts";

/** What every graph goes through. */
const passes: readonly Pass[] = [deadCode, commonSubexpressions, deadCode];

/** The graph after all passes. */
export function optimize(graph: Graph): Graph {
  return passes.reduce((current, pass) => pass(current), graph);
}
