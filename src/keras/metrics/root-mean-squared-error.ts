/**
 * @module
 */
import { square, subtract } from "../../ops/arithmetic.ts";
import { sqrt } from "../../ops/exponential.ts";
import { type TensorLike, toTensor } from "../../ops/promote.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { toSameRank } from "../losses/reduce.ts";
import type { ParameterTable } from "../object.ts";
import type { MetricOptions, UpdateOptions } from "./metric.ts";
import { Mean } from "./reduction-metrics.ts";

/**
 * The root of the mean of squared errors.
 *
 * @example
 * const error = new metrics.RootMeanSquaredError();
 * error.updateState(tensor([0, 0]), tensor([3, 3]));
 * await error.result().item(); // 3
 */
export class RootMeanSquaredError extends Mean {
  static override readonly parameters: ParameterTable = {
    name: "root_mean_squared_error",
    dtype: null,
  };

  constructor(options: MetricOptions = {}) {
    super({ ...options, name: options.name ?? "root_mean_squared_error" });
  }

  override get direction(): "up" | "down" | null {
    return "down";
  }

  override updateState(
    yTrue: TensorLike,
    yPred: TensorLike,
    { sampleWeight = null }: UpdateOptions = {},
  ): void {
    const [a, b] = toSameRank(
      toTensor(this.name, yTrue, this.dtype),
      toTensor(this.name, yPred, this.dtype),
    );
    this.collect(square(subtract(b, a)), sampleWeight);
  }

  override result(): Tensor {
    return sqrt(super.result());
  }
}
