/**
 * Running a program for tensors.
 *
 * @module
 */
import type { Backend, Program, Submission } from "../runtime/backend.ts";
import { Storage } from "../runtime/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { itemSize } from "../util/dtypes.ts";
import { sizeOf } from "../util/shapes.ts";

/** What a run will give. */
export interface SubmittedRun {
  readonly tensors: Tensor[];
  readonly submission: Submission;
}

/** Runs a program on the values of tensors; those of its results may be pending. */
export function submitProgram(
  backend: Backend,
  program: Program,
  inputs: readonly Tensor[],
): SubmittedRun {
  const { outputs } = program.plan;
  const storages = outputs.map(
    ({ shape, dtype }) => new Storage(backend, sizeOf(shape) * itemSize(dtype)),
  );
  const submission = backend.submit(
    program,
    inputs.map(({ storage }) => storage),
    storages,
  );
  const tensors = outputs.map(
    ({ shape, dtype }, i) => new Tensor(shape, dtype, storages[i] as Storage, null),
  );
  return { tensors, submission };
}
