/**
 * Cases of files: `saved`.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  KeratinError,
  type Model,
  SerializationError,
  saving,
  UnsupportedError,
} from "../../src/index.ts";
import type { Case, CaseRunner } from "./run-case.ts";
import { withAlternatives } from "./run-case.ts";
import { decode, difference, type Json, type Tolerance } from "./values.ts";

interface Train {
  readonly batches: readonly {
    readonly x: Json;
    readonly y: Json;
    readonly sample_weight?: Json;
  }[];
  readonly losses: Json;
  readonly output: Json;
  readonly iterations?: number;
  readonly tol?: Tolerance;
}

async function load(test: Case): Promise<Model> {
  const folder = process.env["KERATIN_CONFORMANCE_CASES"] as string;
  const file = join(folder, test["file"] as string);
  if (test["code"] !== undefined) {
    throw new UnsupportedError("classes that a case defines in Python are not exported", {
      op: "code",
    });
  }
  switch (test["format"]) {
    case "weights":
    case "sharded": {
      const model = saving.deserializeKerasObject(test["model"]) as Model;
      await model.loadWeights(file);
      return model;
    }
    case "h5":
      return saving.loadModel(readFileSync(file), { compile: false });
    default:
      return saving.loadModel(file);
  }
}

/** `saved`: loading a file and predicting; refusing a spoiled one. */
export const runSaved: CaseRunner = async (test, mode) => {
  if (test["expect_error"] === true) return refuses(test);
  let model: Model;
  try {
    model = await load(test);
  } catch (error) {
    // What Keras loads though it is spoiled may be refused here.
    if (test["expect_error"] === false && error instanceof SerializationError) return null;
    throw error;
  }
  model.runEagerly = mode === "eager";
  if (test["parameters"] !== undefined && model.countParams() !== test["parameters"]) {
    return `${model.countParams()} parameters, expected ${test["parameters"]}`;
  }
  if (test["inputs"] === undefined) return null;
  const inputs = decode(test["inputs"] as Json);
  const output = await predict(model, inputs);
  return withAlternatives(test, async (expected) => {
    const reason = await difference(output, expected["output"] as Json, test.tol);
    const train = expected["train"] as Train | undefined;
    return reason !== null || train === undefined ? reason : trains(model, inputs, train, test);
  });
};

async function predict(model: Model, inputs: unknown): Promise<unknown> {
  const single = Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : inputs;
  return model.predict(single, { verbose: 0 });
}

async function trains(
  model: Model,
  inputs: unknown,
  train: Train,
  test: Case,
): Promise<string | null> {
  const tol = train.tol ?? test.tol;
  const losses: number[] = [];
  for (const batch of train.batches) {
    model.resetMetrics();
    const logs = (await model.trainOnBatch(decode(batch.x), decode(batch.y), {
      returnDict: true,
      ...(batch.sample_weight ? { sampleWeight: decode(batch.sample_weight) } : {}),
    })) as Record<string, number>;
    losses.push(logs["loss"] as number);
  }
  let reason = await difference(losses, train.losses, tol, "train.losses");
  if (reason !== null) return reason;
  if (train.iterations !== undefined) {
    const iterations = Number(await model.optimizer?.iterations.item());
    if (iterations !== train.iterations)
      return `iterations ${iterations}, expected ${train.iterations}`;
  }
  reason = await difference(await predict(model, inputs), train.output, tol, "train.output");
  return reason;
}

async function refuses(test: Case): Promise<string | null> {
  try {
    await load(test);
  } catch (error) {
    return error instanceof KeratinError ? null : `refused with ${String(error)}`;
  }
  return "loaded, though Keras refuses it";
}
