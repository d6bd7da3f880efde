/**
 * @module
 */
import type { TensorLike } from "../../../ops/promote.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { type Config, KerasObject } from "../../object.ts";
import { configOf } from "../../saving/arguments.ts";

/** A learning rate that depends on the step: a function of its number, from 0. */
export abstract class LearningRateSchedule extends KerasObject {
  static override readonly kerasModule: string = "keras.optimizers.schedules";

  /** The rate at a step. */
  abstract call(step: TensorLike): Tensor;

  override getConfig(): Config {
    return configOf(this);
  }
}

export interface LearningRateSchedule {
  (step: TensorLike): Tensor;
}
