/**
 * Cases of losses, metrics and optimizers.
 *
 * @module
 */
import {
  jit,
  type losses,
  type metrics,
  ops,
  type optimizers,
  Tensor,
  Variable,
  valueAndGrad,
} from "../../src/index.ts";
import { setMask } from "../../src/keras/masks.ts";
import { isFloat } from "../../src/util/dtypes.ts";
import { toCamelCase } from "../../src/util/naming.ts";
import { flatten, unflatten } from "../../src/util/pytree.ts";
import { makeObject } from "./objects.ts";
import { runOn } from "./ops.ts";
import { type CaseRunner, withAlternatives } from "./run-case.ts";
import { type CaseArray, decode, difference, type Json, toTensor } from "./values.ts";

/** `loss`: the value, and the gradient by the predictions. */
export const runLoss: CaseRunner = async (test, mode) => {
  const loss = makeObject<losses.Loss>(test["loss"]);
  const tree = [
    decode(test["y_true"] as Json),
    decode(test["y_pred"] as Json),
    decode((test["sample_weight"] ?? null) as Json),
    decode((test["mask"] ?? null) as Json),
  ];
  const leaves = flatten(tree);
  const positions = leaves
    .map((leaf, i) => (leaf instanceof Tensor ? i : -1))
    .filter((i) => i >= 0);
  const call = (...tensors: Tensor[]): Tensor => {
    const all = [...leaves];
    for (const [at, i] of positions.entries()) all[i] = tensors[at];
    const [yTrue, given, sampleWeight, mask] = unflatten(tree, all) as [
      never,
      Tensor,
      Tensor | null,
      Tensor | null,
    ];
    // Not to leave a mask on the case's own tensor.
    const yPred = mask === null ? given : ops.add(given, 0);
    if (mask !== null) setMask(yPred, mask);
    return loss(yTrue, yPred, { sampleWeight });
  };
  const tensors = positions.map((i) => leaves[i] as Tensor);
  const output = runOn(mode, tensors, call);
  const first = flatten(tree[0]).filter((leaf) => leaf instanceof Tensor).length;
  const wanted = test["y_pred_grad"];
  const gradient =
    wanted === undefined || wanted === null || !isFloat((tensors[first] as Tensor).dtype)
      ? null
      : runOn(
          mode,
          tensors,
          (...given) =>
            valueAndGrad((...all: Tensor[]) => ops.sum(call(...all)), { argnums: first })(
              ...given,
            )[1],
        );
  return withAlternatives(test, async (expected) => {
    const reason = await difference(output, expected["output"] as Json, test.tol);
    if (reason !== null || gradient === null || !expected["y_pred_grad"]) return reason;
    return difference(gradient, expected["y_pred_grad"] as Json, test.tol, "y_pred_grad");
  });
};

interface Update {
  readonly args: readonly Json[];
  readonly kwargs: Readonly<Record<string, Json>>;
}

/** `metric`: the result after each update. */
export const runMetric: CaseRunner = async (test, mode) => {
  const metric = makeObject<metrics.Metric>(test["metric"]);
  const results: unknown[] = [];
  for (const { args, kwargs } of test["updates"] as Update[]) {
    const given = args.map((arg) => decode(arg));
    const options = Object.fromEntries(
      Object.entries(kwargs).map(([key, value]) => [toCamelCase(key), decode(value)]),
    );
    // Keras's third argument by position is the weights.
    const positional = "fn" in metric || isReduction(metric) ? 1 : 2;
    if (given.length > positional) options["sampleWeight"] = given.splice(positional, 1)[0];
    const all = Object.keys(options).length > 0 ? [...given, options] : given;
    const tree = { all };
    const leaves = flatten(tree);
    const at = leaves.map((leaf, i) => (leaf instanceof Tensor ? i : -1)).filter((i) => i >= 0);
    const update = (...tensors: Tensor[]): unknown => {
      const filled = [...leaves];
      for (const [j, i] of at.entries()) filled[i] = tensors[j];
      const { all: final } = unflatten(tree, filled) as { all: unknown[] };
      metric.updateState(...final);
      return metric.result();
    };
    results.push(
      runOn(
        mode,
        at.map((i) => leaves[i] as Tensor),
        update,
      ),
    );
  }
  return withAlternatives(test, (expected) =>
    difference(results, expected["results"] as Json, test.tol, "results"),
  );
};

/** Metrics of values, not of labels and predictions. */
function isReduction(metric: metrics.Metric): boolean {
  return ["Mean", "Sum"].includes(metric.constructor.name);
}

/** `optimizer`: the variables after each step. */
export const runOptimizer: CaseRunner = async (test, mode) => {
  const optimizer = makeObject<optimizers.Optimizer>(test["optimizer"]);
  const paths = (test["paths"] ?? []) as string[];
  const variables = (test["variables"] as { $array: CaseArray }[]).map((value, i) => {
    const name = paths[i]?.split("/").at(-1);
    return new Variable(toTensor(value.$array), { name });
  });
  const excluded = test["exclude_from_weight_decay"] as string[] | undefined;
  if (excluded) optimizer.excludeFromWeightDecay({ varNames: excluded });
  optimizer.build(variables);
  const apply = (gradients: readonly (Tensor | null)[]): void =>
    optimizer.apply(gradients, variables);
  const step = mode === "jit" ? jit(apply) : apply;
  const values: Tensor[][] = [];
  for (const gradients of test["steps"] as Json[][]) {
    step(gradients.map((gradient) => decode(gradient) as Tensor | null));
    values.push(variables.map((variable) => variable.value));
  }
  let finalized: Tensor[] | null = null;
  if (test["finalized"] !== undefined) {
    optimizer.finalizeVariableValues(variables);
    finalized = variables.map((variable) => variable.value);
  }
  return withAlternatives(test, async (expected) => {
    const reason = await difference(values, expected["values"] as Json, test.tol, "values");
    if (reason !== null || finalized === null) return reason;
    return difference(finalized, expected["finalized"] as Json, test.tol, "finalized");
  });
};
