/**
 * What steps return: values to be read, outputs to be joined.
 *
 * @module
 */
import { concatenate } from "../../ops/joining.ts";
import { state } from "../../tensor/context.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { flatten, mapTree } from "../../util/pytree.ts";
import type { Logs } from "../callbacks/callback.ts";
import type { TensorLogs } from "./trainer-options.ts";

/** The values of logs, once they are there. */
export async function readLogs(logs: TensorLogs): Promise<Logs> {
  const names = Object.keys(logs);
  const values = await Promise.all(
    names.map(async (name) => {
      const value = logs[name] as Tensor | number;
      return typeof value === "number" ? value : Number(await value.item());
    }),
  );
  return Object.fromEntries(names.map((name, i) => [name, values[i] as number]));
}

/** The values of the last logs of an epoch, which are then freed. */
export async function takeLogs(logs: TensorLogs | null): Promise<Logs> {
  if (logs === null) return {};
  try {
    return await readLogs(logs);
  } finally {
    disposeAll(logs);
  }
}

/** Frees the tensors of a tree. */
export function disposeAll(tree: unknown): void {
  if (tree === null || state.tracer !== null) return;
  for (const leaf of flatten(tree)) if (leaf instanceof Tensor) leaf.dispose();
}

/** The outputs of batches as those of one. */
export function joinBatches(outputs: readonly unknown[]): unknown {
  if (outputs.length === 1) return outputs[0];
  const parts = outputs.map((output) => flatten(output));
  return mapTree(outputs[0], (leaf, i) =>
    leaf instanceof Tensor
      ? concatenate(
          parts.map((part) => part[i] as Tensor),
          { axis: 0 },
        )
      : leaf,
  );
}
