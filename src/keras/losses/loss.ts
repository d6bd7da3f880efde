/**
 * The base classes of losses.
 *
 * @module
 */
import { logicalAnd } from "../../ops/comparison.ts";
import { cast } from "../../ops/creation.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Variable } from "../../tensor/variable.ts";
import type { DType } from "../../util/dtypes.ts";
import { autoName, checkName, toCamelCase } from "../../util/naming.ts";
import { isBranch, mapTree } from "../../util/pytree.ts";
import { type DTypePolicyLike, get as getPolicy } from "../dtype-policies.ts";
import { getMask, setMask } from "../masks.ts";
import {
  type Config,
  checkConstructorOptions,
  inherits,
  KerasObject,
  ownParameters,
  type ParameterTable,
} from "../object.ts";
import { serializeArgument } from "../saving/arguments.ts";
import { checkReduction, type Reduction, reduceWeighted, toSameRank } from "./reduce.ts";

/** Options that every loss takes. */
export interface LossOptions {
  reduction?: Reduction | undefined;
  name?: string | null | undefined;
  dtype?: DTypePolicyLike;
}

/** Options of a call of a loss. */
export interface LossCallOptions {
  /** How much each sample counts. */
  sampleWeight?: TensorLike | null | undefined;
}

/** Tensors in trees, or what becomes tensors. */
export type Labels = TensorLike | readonly Labels[] | { readonly [name: string]: Labels };

export interface Loss {
  (yTrue: Labels, yPred: Labels, options?: LossCallOptions): Tensor;
}

/**
 * A loss: how far predictions are from labels. A subclass gives the loss of
 * each sample in `call(yTrue, yPred)`.
 */
export abstract class Loss extends KerasObject {
  static override readonly kerasModule: string = "keras.losses";
  static override readonly parameters: ParameterTable = {
    name: null,
    reduction: "sum_over_batch_size",
    dtype: null,
    [inherits]: true,
  };
  name: string;
  readonly reduction: Reduction;
  /** The dtype that losses are computed in. */
  readonly dtype: DType;

  constructor(options: LossOptions = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.name = checkName(options.name ?? autoName(new.target.name), new.target.name);
    this.reduction = checkReduction(
      options.reduction === undefined ? "sum_over_batch_size" : options.reduction,
    );
    this.dtype = getPolicy(options.dtype).computeDtype;
  }

  /** The losses of the samples. */
  // biome-ignore lint/suspicious/noExplicitAny: trees where a loss takes them
  abstract call(yTrue: any, yPred: any): Tensor;

  /** @internal */
  override invoke(args: unknown[]): unknown {
    const [yTrue, yPred, options] = args as [Labels, Labels, LossCallOptions | undefined];
    const inMask = isBranch(yPred) ? null : getMask(yPred);
    const values = this.call(this.#convert(yTrue), this.#convert(yPred));
    const outMask = getMask(values);
    const mask =
      inMask !== null && outMask !== null
        ? logicalAnd(inMask as Tensor, outMask as Tensor)
        : (inMask ?? outMask);
    const weight = options?.sampleWeight ?? null;
    return reduceWeighted(
      values,
      weight === null ? null : toTensor(this.name, weight, this.dtype),
      mask as Tensor | null,
      this.reduction,
      this.dtype,
    );
  }

  /** In the loss's dtype, with what is known of where it came from. */
  #convert(tree: unknown): unknown {
    const convert = (leaf: unknown): unknown => {
      if (leaf === null || leaf === undefined) return leaf;
      const x = leaf instanceof Variable ? leaf.value : toTensor(this.name, leaf as TensorLike);
      const converted = x.dtype === this.dtype ? x : cast(x, this.dtype);
      if (converted !== leaf) setMask(converted, getMask(leaf));
      return converted;
    };
    const isNumbers = Array.isArray(tree) && isNumeric(tree);
    return isNumbers ? convert(tree) : mapTree(tree, convert);
  }

  override getConfig(): Config {
    const config: Config = { name: this.name, reduction: this.reduction };
    for (const key of Object.keys(ownParameters(this.constructor, Loss))) {
      config[key] = serializeArgument(
        (this as unknown as Record<string, unknown>)[toCamelCase(key)],
      );
    }
    return config;
  }
}

function isNumeric(tree: readonly unknown[]): boolean {
  return tree.every(
    (item) =>
      typeof item === "number" ||
      typeof item === "boolean" ||
      (Array.isArray(item) && isNumeric(item)),
  );
}

/** A function of labels and predictions, one number a sample. */
export type LossFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

/** A function as a loss. */
export class LossFunctionWrapper extends Loss {
  static override readonly parameters: ParameterTable = {
    fn: null,
    reduction: "sum_over_batch_size",
    name: null,
    dtype: null,
  };
  // Not enumerable: it stands for the class, not for an argument of it.
  readonly #fn: LossFunction;

  constructor(fn: LossFunction, options: LossOptions = {}) {
    super(options);
    this.#fn = fn;
  }

  override call(yTrue: unknown, yPred: unknown): Tensor {
    if (!isBranch(yTrue) && !isBranch(yPred)) {
      const [a, b] = toSameRank(yTrue as Tensor, yPred as Tensor);
      return this.#fn(a, b);
    }
    return this.#fn(yTrue as Tensor, yPred as Tensor);
  }
}
