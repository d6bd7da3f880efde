/**
 * `keras.initializers`.
 *
 * @module
 */

import { floatx } from "../../runtime/precision.ts";
import { castTo } from "../../tensor/cast.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { registerInitializerNames, type VariableInitializer } from "../../tensor/variable.ts";
import { formatShape, ShapeError } from "../../util/errors.ts";
import { toSnakeCase } from "../../util/naming.ts";
import { sameShape } from "../../util/shapes.ts";
import {
  deserializeKerasObject,
  getByIdentifier,
  serializeKerasObject,
} from "../saving/serialization.ts";
import { Constant, Identity, Ones, STFT, Zeros } from "./constant-initializers.ts";
import { Initializer } from "./initializer.ts";
import {
  GlorotNormal,
  GlorotUniform,
  HeNormal,
  HeUniform,
  LecunNormal,
  LecunUniform,
  Orthogonal,
  RandomNormal,
  RandomUniform,
  TruncatedNormal,
  VarianceScaling,
} from "./random-initializers.ts";

export {
  Constant,
  GlorotNormal,
  GlorotUniform,
  HeNormal,
  HeUniform,
  Identity,
  Initializer,
  LecunNormal,
  LecunUniform,
  Ones,
  Orthogonal,
  RandomNormal,
  RandomUniform,
  STFT,
  TruncatedNormal,
  VarianceScaling,
  Zeros,
};

const classes = {
  Constant,
  Identity,
  Ones,
  STFT,
  Zeros,
  GlorotNormal,
  GlorotUniform,
  HeNormal,
  HeUniform,
  LecunNormal,
  LecunUniform,
  Orthogonal,
  RandomNormal,
  RandomUniform,
  TruncatedNormal,
  VarianceScaling,
};

const known: Readonly<Record<string, unknown>> = {
  ...classes,
  ...Object.fromEntries(Object.entries(classes).map(([name, c]) => [toSnakeCase(name), c])),
  IdentityInitializer: Identity,
  STFTInitializer: STFT,
  OrthogonalInitializer: Orthogonal,
  normal: RandomNormal,
  uniform: RandomUniform,
  one: Ones,
  zero: Zeros,
};

/** What names an initializer: its name, its config, itself, or the very values. */
export type InitializerLike = string | Initializer | VariableInitializer | Tensor | object | null;

/** The initializer that an identifier names; null for null. */
export function get(identifier: InitializerLike | undefined): VariableInitializer | null {
  if (identifier instanceof Tensor) {
    return (shape, { dtype } = { dtype: floatx() }) => {
      if (!sameShape(shape, identifier.shape)) {
        throw new ShapeError(
          `A tensor of shape ${formatShape(identifier.shape)} cannot initialize a variable of ` +
            `shape ${formatShape(shape)}.`,
          { shapes: [identifier.shape, shape] },
        );
      }
      return castTo(identifier, dtype);
    };
  }
  return getByIdentifier<VariableInitializer>("initializer", identifier, known);
}

/** The config of an initializer. */
export function serialize(initializer: unknown): unknown {
  return serializeKerasObject(initializer);
}

/** The initializer of a config. */
export function deserialize(
  config: unknown,
  customObjects?: Readonly<Record<string, unknown>> | null,
): unknown {
  return deserializeKerasObject(config, { moduleObjects: known, customObjects });
}

registerInitializerNames((name) => get(name) as VariableInitializer);
