/**
 * The losses that a model was compiled with, as one.
 *
 * @module
 */
import { add, multiply } from "../../ops/arithmetic.ts";
import { cast } from "../../ops/creation.ts";
import { floatx } from "../../runtime/precision.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ArgumentError, describe, ShapeError } from "../../util/errors.ts";
import {
  flatten,
  isBranch,
  isPlainObject,
  mapTree,
  sameStructure,
  unflatten,
} from "../../util/pytree.ts";
import type { Shaped } from "../layers/input-spec.ts";
import * as lossesModule from "../losses/index.ts";
import { Loss } from "../losses/loss.ts";
import { Mean } from "../metrics/index.ts";
import { labelKind, nameOf } from "./compile-metrics.ts";

/** A loss, its name, or a function of `yTrue` and `yPred`; trees of them for several outputs. */
export type LossLike = unknown;

type Path = readonly (string | number)[];

interface OutputLoss {
  readonly path: Path;
  readonly loss: Loss;
  readonly weight: number | null;
  readonly name: string;
}

/** A loss that an output was given, and its weight. */
class Weighted {
  readonly loss: unknown;
  readonly weight: number | null;
  constructor(loss: unknown, weight: number | null) {
    this.loss = loss;
    this.weight = weight;
  }
}

function makeLoss(identifier: unknown, yTrue: Shaped, yPred: Shaped): Loss {
  let found: unknown;
  if (typeof identifier === "string" && ["crossentropy", "ce"].includes(identifier.toLowerCase())) {
    found = {
      binary: lossesModule.binaryCrossentropy,
      sparse: lossesModule.sparseCategoricalCrossentropy,
      categorical: lossesModule.categoricalCrossentropy,
    }[labelKind(yTrue, yPred)];
  } else found = lossesModule.get(identifier as string);
  if (found instanceof Loss) return found;
  const name = typeof identifier === "string" ? identifier : nameOf(found);
  return new lossesModule.LossFunctionWrapper(found as never, { name });
}

function at(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], tree);
}

/** The sum of the outputs' losses, each with its weight. */
export class CompileLoss {
  readonly #given: LossLike;
  readonly #weights: unknown;
  readonly #outputNames: readonly string[] | null;
  #losses: readonly OutputLoss[] = [];
  #metrics: readonly Mean[] = [];
  #yPredStructure: unknown = null;
  #isBuilt = false;

  constructor(loss: LossLike, weights: unknown, outputNames: readonly string[] | null) {
    if (
      weights !== null &&
      weights !== undefined &&
      !isBranch(weights) &&
      typeof weights !== "number"
    ) {
      throw new ArgumentError(
        `lossWeights must be a number, a list or an object by output name, got ${describe(weights)}.`,
      );
    }
    this.#given = loss;
    this.#weights = weights ?? null;
    this.#outputNames = outputNames;
  }

  get built(): boolean {
    return this.#isBuilt;
  }

  /** The means of the single losses, where there are several. */
  get metrics(): readonly Mean[] {
    return this.#metrics;
  }

  get variables(): Variable[] {
    return this.#metrics.flatMap((metric) => metric.variables);
  }

  /** Makes the losses for outputs of some shapes. */
  build(yTrue: unknown, yPred: unknown): void {
    const names = this.#outputNames;
    let loss = this.#withWeights(yPred);
    if (isPlainObject(loss) && names !== null && !isPlainObject(yPred)) {
      const byName = loss;
      this.#checkNames(byName, names);
      if (isBranch(yPred)) loss = names.map((name) => byName[name] ?? null);
      else {
        loss = byName[names[0] as string];
      }
    }
    if (!isBranch(loss)) {
      const single = loss;
      loss = mapTree(yPred, () => single);
    }
    const flatNames = names ?? flatten(yPred).map(() => null);
    const outputNames =
      flatten(yPred).length === flatNames.length
        ? unflatten(yPred, flatNames)
        : mapTree(yPred, () => null);
    const found: OutputLoss[] = [];
    this.#collect(loss, yTrue, yPred, outputNames, [], found);
    this.#losses = found;
    if (found.length > 1) {
      this.#metrics = found.map(({ name }) => new Mean({ name: `${name}_loss` }));
    }
    this.#yPredStructure = mapTree(yPred, () => null);
    this.#isBuilt = true;
  }

  #checkNames(loss: Record<string, unknown>, names: readonly string[]): void {
    const unknown = Object.keys(loss).filter((key) => !names.includes(key));
    if (unknown.length > 0 || Object.keys(loss).length !== names.length) {
      throw new ArgumentError(
        `The losses are for ${Object.keys(loss).join(", ")}, the model's outputs are ${names.join(", ")}.`,
      );
    }
  }

  /** Each loss with its weight. */
  #withWeights(yPred: unknown): unknown {
    const loss = this.#given;
    const weights = this.#weights;
    if (weights === null) {
      return mapTree(loss, (leaf) => (leaf === null ? null : new Weighted(leaf, null)));
    }
    const flatWeights = flatten(
      isPlainObject(weights) && this.#outputNames !== null && !isPlainObject(loss)
        ? this.#outputNames.map((name) => weights[name] ?? null)
        : weights,
    ) as (number | null)[];
    if (!isBranch(loss) && flatWeights.length > 1) {
      // One loss for all outputs, each with a weight of its own.
      let i = 0;
      return mapTree(yPred, () => new Weighted(loss, flatWeights[i++] ?? null));
    }
    if (flatten(loss).length !== flatWeights.length) {
      throw new ArgumentError(
        `lossWeights must match the losses: got ${flatten(loss).length} losses and ` +
          `${flatWeights.length} weights.`,
      );
    }
    return mapTree(loss, (leaf, i) =>
      leaf === null ? null : new Weighted(leaf, flatWeights[i] ?? null),
    );
  }

  #collect(
    loss: unknown,
    yTrue: unknown,
    yPred: unknown,
    outputNames: unknown,
    path: Path,
    found: OutputLoss[],
  ): void {
    if (loss === null || loss === undefined) return;
    if (loss instanceof Weighted) {
      // A tree of outputs under one loss: the loss applies to each of them.
      if (isBranch(yPred)) {
        for (const key of Object.keys(yPred)) {
          this.#step(key, loss, yTrue, yPred, outputNames, path, found);
        }
        return;
      }
      const made = makeLoss(loss.loss, yTrue as Shaped, yPred as Shaped);
      const own = (outputNames as string | null) ?? made.name;
      const last = path.at(-1);
      const named =
        path.length === 0 ? [own] : typeof last === "number" ? [...path.slice(0, -1), own] : path;
      found.push({ path, loss: made, weight: loss.weight, name: named.join("/") });
      return;
    }
    if (Array.isArray(loss) && !isBranch(yPred)) {
      // Several losses of one output are added up.
      for (const one of loss) this.#collect(one, yTrue, yPred, outputNames, path, found);
      return;
    }
    if (Array.isArray(loss) && !Array.isArray(yPred) && flatten(yPred).length === loss.length) {
      this.#collect(unflatten(yPred, loss), yTrue, yPred, outputNames, path, found);
      return;
    }
    for (const key of Object.keys(loss as object)) {
      if (!isBranch(yPred) || !Object.hasOwn(yPred, key)) {
        throw new ArgumentError(
          `A loss is given for the output "${[...path, key].join(".")}", which the model does not have.`,
        );
      }
      const inner = (loss as Record<string, unknown>)[key];
      if (inner !== null) this.#step(key, inner, yTrue, yPred, outputNames, path, found);
    }
  }

  #step(
    key: string,
    loss: unknown,
    yTrue: unknown,
    yPred: object,
    outputNames: unknown,
    path: Path,
    found: OutputLoss[],
  ): void {
    if (!isBranch(yTrue) || !Object.hasOwn(yTrue, key)) {
      throw new ShapeError(
        `There are no labels for the output "${[...path, key].join(".")}". Labels and outputs must ` +
          "have the same structure.",
      );
    }
    const child = (tree: unknown): unknown =>
      (tree as Record<string, unknown> | null)?.[key] ?? null;
    const part = Array.isArray(yPred) ? Number(key) : key;
    this.#collect(loss, child(yTrue), child(yPred), child(outputNames), [...path, part], found);
  }

  /** The loss of a batch; null if there is none. */
  compute(given: unknown, yPredGiven: unknown, sampleWeight: unknown = null): Tensor | null {
    const yTrue = this.#matchLabels(given, yPredGiven);
    if (!this.#isBuilt) this.build(yTrue, yPredGiven);
    const yPred = sameStructure(this.#yPredStructure, yPredGiven)
      ? yPredGiven
      : unflatten(this.#yPredStructure, flatten(yPredGiven));
    let total: Tensor | null = null;
    for (const [i, { path, loss, weight }] of this.#losses.entries()) {
      const prediction = at(yPred, path);
      const weights = isBranch(sampleWeight) ? at(sampleWeight, path) : sampleWeight;
      let value = cast(
        loss(at(yTrue, path) as never, prediction as never, {
          sampleWeight: weights as Tensor | null,
        }) as Tensor,
        floatx(),
      );
      this.#metrics[i]?.updateState(value, {
        sampleWeight: (flatten(prediction)[0] as Tensor).shape[0] ?? 1,
      });
      if (weight !== null) value = multiply(value, weight);
      total = total === null ? value : add(total, value);
    }
    return total;
  }

  /** Labels in the structure of the outputs. */
  #matchLabels(yTrue: unknown, yPred: unknown): unknown {
    if (sameStructure(yTrue, yPred)) return yTrue;
    if (!isBranch(yTrue) && isBranch(yPred) && flatten(yPred).length === 1)
      return unflatten(yPred, [yTrue]);
    if (Array.isArray(yPred) && isPlainObject(yTrue) && this.#outputNames !== null) {
      const names = this.#outputNames;
      if (names.every((name) => Object.hasOwn(yTrue, name)))
        return names.map((name) => yTrue[name]);
    }
    const labels = flatten(yTrue);
    const count = flatten(yPred).length;
    if (labels.length === count) return unflatten(yPred, labels);
    // Labels for the outputs that have a loss.
    const losses = isBranch(this.#given) ? flatten(this.#given) : [];
    if (
      losses.length === count &&
      losses.filter((loss) => loss !== null).length === labels.length
    ) {
      let next = 0;
      return unflatten(
        yPred,
        losses.map((loss) => (loss === null ? null : labels[next++])),
      );
    }
    throw new ShapeError(
      `The labels do not have the structure of the outputs: got ${labels.length} arrays for ` +
        `${count} outputs.`,
    );
  }
}
