/**
 * Where configs find Keras's own classes, by the module they name.
 *
 * @module
 */
import * as activations from "./activations/index.ts";
import * as callbacks from "./callbacks/index.ts";
import * as constraints from "./constraints/index.ts";
import { DTypePolicy } from "./dtype-policies.ts";
import * as initializers from "./initializers/index.ts";
import * as layers from "./layers/index.ts";
import * as losses from "./losses/index.ts";
import * as metrics from "./metrics/index.ts";
import { Functional, Model, Sequential } from "./models/index.ts";
import { operationNamespaces } from "./op-operation.ts";
import * as optimizers from "./optimizers/index.ts";
import * as random from "./random.ts";
import * as regularizers from "./regularizers/index.ts";
import { registerNamespaces } from "./saving/registration.ts";

let namespaces: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null = null;

/** Lets configs name every class of this release. The package entries call it. */
export function registerBuiltIns(): void {
  registerNamespaces(() => {
    namespaces ??= {
      ...operationNamespaces(),
      keras: { DTypePolicy, Functional, Model, Sequential },
      "keras.activations": activations,
      "keras.callbacks": callbacks,
      "keras.constraints": constraints,
      "keras.initializers": initializers,
      "keras.layers": layers,
      "keras.losses": losses,
      "keras.metrics": metrics,
      "keras.models": { Functional, Model, Sequential },
      "keras.optimizers": optimizers,
      "keras.optimizers.schedules": optimizers.schedules,
      "keras.random": random,
      "keras.regularizers": regularizers,
      "keras.src.models.functional": { Functional },
      "keras.src.models.sequential": { Sequential },
    };
    return namespaces;
  });
}
