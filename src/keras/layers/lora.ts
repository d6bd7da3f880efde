/**
 * Low-rank adaptation: a weight stays as it is, and `alpha / rank * a · b` is
 * trained in its place. Source: Hu et al., 2021, arXiv:2106.09685.
 *
 * @module
 */
import { add, multiply } from "../../ops/arithmetic.ts";
import { cast, zerosLike } from "../../ops/creation.ts";
import { matmul } from "../../ops/linear.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ArgumentError, StateError } from "../../util/errors.ts";
import type { InitializerLike } from "../initializers/index.ts";
import type { RegularizerLike } from "../regularizers/index.ts";
import { checkPositiveInteger } from "./arguments.ts";
import { type Layer, notBuilt } from "./layer.ts";

/** Options of layers that low-rank adaptation can train. */
export interface LoraOptions {
  /** Trains a product of this rank in place of the weight. */
  loraRank?: number | null | undefined;
  /** The product is scaled by this over the rank. Default: the rank. */
  loraAlpha?: number | null | undefined;
}

/** Options of `enableLora`. */
export interface EnableLoraOptions {
  /** The product is scaled by this over the rank. Default: the rank. */
  loraAlpha?: number | null | undefined;
  aInitializer?: InitializerLike | undefined;
  bInitializer?: InitializerLike | undefined;
}

/** Where layers keep the two factors. */
const factors = {
  kernel: ["loraKernelA", "loraKernelB"],
  embeddings: ["loraEmbeddingsA", "loraEmbeddingsB"],
} as const;

/** A weight that can be adapted. */
export type AdaptedWeight = keyof typeof factors;

/** A layer with such a weight. */
export interface LoraLayer extends Layer {
  loraRank: number | undefined;
  loraAlpha: number | undefined;
  loraEnabled: boolean;
}

/** @throws {ArgumentError} If the options make no adaptation. */
export function readLora(layer: LoraLayer, options: LoraOptions, name: string): void {
  const { loraRank = null, loraAlpha = null } = options;
  layer.loraEnabled = false;
  if (loraRank === null) return;
  layer.loraRank = checkPositiveInteger(loraRank, name, "loraRank");
  layer.loraAlpha = loraAlpha ?? loraRank;
}

/** For the end of `build`: enables what the options asked for. */
export function enableGivenLora(layer: LoraLayer, weight: AdaptedWeight): void {
  const { loraRank, loraAlpha } = layer;
  if (loraRank !== undefined) enableLora(layer, weight, loraRank, { loraAlpha });
}

/** Freezes a weight and makes the factors that are trained in its place. */
export function enableLora(
  layer: LoraLayer,
  weight: AdaptedWeight,
  rank: number,
  { loraAlpha, aInitializer = "he_uniform", bInitializer = "zeros" }: EnableLoraOptions = {},
): void {
  const of = layer as LoraLayer & Record<string, unknown>;
  const variable = of[weight] as Variable | undefined;
  if (variable === undefined) throw notBuilt(layer, "enableLora");
  if ((of[`${weight}Constraint`] ?? null) !== null) {
    throw new ArgumentError(
      `enableLora: "${layer.name}" has a constraint on its ${weight}, which would not hold for ` +
        "what is added to it. Make the layer without one.",
      { layer: layer.name },
    );
  }
  if (layer.loraEnabled) {
    throw new StateError(`enableLora: "${layer.name}" is adapted already.`, { layer: layer.name });
  }
  checkPositiveInteger(rank, "enableLora", "rank");
  const regularizer = of[`${weight}Regularizer`] as RegularizerLike;
  const make = (name: string, shape: number[], initializer: InitializerLike): Variable =>
    layer.addWeight({ name, shape, initializer, dtype: "float32", regularizer });
  const [a, b] = factors[weight];
  const { shape } = variable;
  of[a] = make(`lora_${weight}_a`, [...shape.slice(0, -1), rank], aInitializer);
  of[b] = make(`lora_${weight}_b`, [rank, shape.at(-1) as number], bInitializer);
  variable.trainable = false;
  layer.loraEnabled = true;
  layer.loraRank = rank;
  layer.loraAlpha = loraAlpha ?? rank;
}

/** The weight with what was trained in its place. */
export function adapted(layer: LoraLayer, weight: AdaptedWeight): Tensor | Variable {
  const of = layer as LoraLayer & Record<string, unknown>;
  const variable = of[weight] as Variable;
  if (!layer.loraEnabled) return variable;
  const [a, b] = factors[weight].map((name) => of[name] as Variable) as [Variable, Variable];
  const scale = (layer.loraAlpha as number) / (layer.loraRank as number);
  return cast(add(variable, multiply(matmul(a, b), scale)), layer.computeDtype);
}

/** Files hold the sum in place of the weight, and no factors. */
export function mergeLora(
  layer: LoraLayer,
  weight: AdaptedWeight,
  store: Record<string, Variable | Tensor>,
): void {
  if (!layer.loraEnabled) return;
  const of = layer as LoraLayer & Record<string, unknown>;
  const [a, b] = factors[weight].map((name) => of[name]);
  for (const [key, value] of Object.entries(store)) {
    if (value === a || value === b) delete store[key];
    else if (value === of[weight]) {
      store[key] = cast(adapted(layer, weight), (value as Variable).storageDtype);
    }
  }
}

/** What a file holds, and zeros for the factors, which come after all else. */
export function withLoraOfZeros(
  layer: LoraLayer,
  weight: AdaptedWeight,
  store: Readonly<Record<string, Tensor>>,
): Readonly<Record<string, Tensor>> {
  if (!layer.loraEnabled) return store;
  const of = layer as LoraLayer & Record<string, unknown>;
  const count = Object.keys(store).length;
  const zeros = factors[weight].map((name) => zerosLike((of[name] as Variable).value));
  return { ...store, ...Object.fromEntries(zeros.map((zero, i) => [`${count + i}`, zero])) };
}
