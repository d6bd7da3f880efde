import type { Tensor } from "../../tensor/tensor.ts";
import type { DType } from "../../util/dtypes.ts";
import type { Shape } from "../../util/shapes.ts";
import { type Config, KerasObject } from "../object.ts";

/** Options of a call of an initializer. */
export interface InitializeOptions {
  dtype?: DType | null | undefined;
}

/** Makes the first values of variables: `initializer(shape, { dtype })`. */
export abstract class Initializer extends KerasObject {
  static override readonly kerasModule: string = "keras.initializers";

  /** The values. */
  abstract call(shape: Shape, options?: InitializeOptions): Tensor;

  /** An equal initializer. */
  clone(): Initializer {
    return (this.constructor as unknown as { fromConfig(config: Config): Initializer }).fromConfig(
      this.getConfig(),
    );
  }
}

export interface Initializer {
  (shape: Shape, options?: InitializeOptions): Tensor;
}
