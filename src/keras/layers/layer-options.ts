/**
 * What layers, their calls and their weights can be told.
 *
 * @module
 */
import type { Aggregation } from "../../tensor/variable.ts";
import type { DType } from "../../util/dtypes.ts";
import type { Shape } from "../../util/shapes.ts";
import type { ConstraintLike } from "../constraints/index.ts";
import type { DTypePolicyLike } from "../dtype-policies.ts";
import type { InitializerLike } from "../initializers/index.ts";
import type { SymbolicShape } from "../keras-tensor.ts";
import type { RegularizerLike } from "../regularizers/index.ts";

/** Options that every layer takes. */
export interface LayerOptions {
  /** Adds a penalty on the output to the loss. */
  activityRegularizer?: RegularizerLike | undefined;
  /** Whether optimizers change the layer's weights. */
  trainable?: boolean | undefined;
  /** A dtype, or a policy such as `"mixed_bfloat16"`. */
  dtype?: DTypePolicyLike;
  /** Whether float inputs are cast to the compute dtype. */
  autocast?: boolean | undefined;
  name?: string | null | undefined;
  /** For a first layer of a Sequential: the shape of one input. Prefer `Input`. */
  inputShape?: SymbolicShape | null | undefined;
  /** The same for inputs of one axis. */
  inputDim?: number | null | undefined;
}

/** What `call` gets after the inputs. */
export interface CallOptions {
  /** Whether the layer trains; undefined where nobody said. */
  training?: boolean | null | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: layers define their own
  [name: string]: any;
}

/** Options of `addWeight`. */
export interface WeightOptions {
  shape?: Shape | undefined;
  initializer?: InitializerLike | undefined;
  dtype?: DType | null | undefined;
  trainable?: boolean | undefined;
  autocast?: boolean | undefined;
  regularizer?: RegularizerLike | undefined;
  constraint?: ConstraintLike | undefined;
  aggregation?: Aggregation | undefined;
  name?: string | undefined;
}
