/** That each check of `layerTest` fails for a layer that does what it forbids. */
import { describe, expect, test } from "vitest";
import { Layer, ops, stopGradient, type Tensor, type Variable } from "../../src/index.ts";
import type { CallOptions, LayerOptions } from "../../src/keras/layers/layer.ts";
import { type LayerSpec, layerChecks } from "./layer-test.ts";

/** y = x * scale, done right. */
class Scale extends Layer {
  declare factor: Variable;
  constructor(options: LayerOptions = {}) {
    super(options);
    this.supportsMasking = true;
  }
  override build([, ...shape]: readonly (number | null)[]): void {
    this.factor = this.addWeight({
      shape: shape as number[],
      initializer: "ones",
      name: "factor",
    });
  }
  override call(inputs: Tensor, _options?: CallOptions): Tensor {
    return ops.multiply(inputs, this.factor) as Tensor;
  }
}

const spec: LayerSpec<[]> = {
  init: [],
  inputShape: [2, 3, 4],
  outputShape: [2, 3, 4],
  weights: 1,
  trainableWeights: 1,
  supportsMasking: true,
};

const checks = [
  "builds its weights",
  "gives symbolic outputs of the shape and dtype of real ones",
  "computes eagerly",
  "comes back from its config",
  "treats masks as it says",
  "trains, compiled as eagerly",
  "computes in mixed_float16 over float32 variables",
  "computes in mixed_bfloat16 over float32 variables",
];

class Lies extends Scale {
  override computeOutputShape([batch, ...rest]: (number | null)[]): unknown {
    return [batch, ...rest.slice(1)];
  }
}
class Unsaved extends Scale {
  readonly power: number;
  constructor(options: LayerOptions & { power?: number } = {}) {
    const { power = 1, ...rest } = options;
    super(rest);
    this.power = power;
  }
  override call(inputs: Tensor): Tensor {
    return ops.add(super.call(inputs), this.power) as Tensor;
  }
}
class Forgetful extends Scale {
  override getConfig(): Record<string, unknown> {
    const { trainable: _, ...config } = super.getConfig();
    return { ...config, path: this.path };
  }
}
class Stuck extends Scale {
  override call(inputs: Tensor): Tensor {
    return stopGradient(super.call(inputs));
  }
}
class Upcast extends Scale {
  override call(inputs: Tensor): Tensor {
    return ops.cast(super.call(inputs), "float32") as Tensor;
  }
}
class HalfWeights extends Scale {
  override build([, ...shape]: readonly (number | null)[]): void {
    this.factor = this.addWeight({
      shape: shape as number[],
      initializer: "ones",
      dtype: this.computeDtype,
    });
  }
}
let calls = 0;
class Counting extends Scale {
  override call(inputs: Tensor): Tensor {
    calls++;
    return ops.multiply(super.call(inputs), calls) as Tensor;
  }
}
class Infinite extends Scale {
  override call(inputs: Tensor): Tensor {
    return ops.divide(super.call(inputs), 0) as Tensor;
  }
}
class MaskEater extends Scale {
  override computeMask(): null {
    return null;
  }
}

describe("a layer that does all right", () => {
  for (const name of checks) test(name, layerChecks(Scale, spec)[name]);
});

const wrong: readonly [
  check: string,
  what: string,
  fn: Parameters<typeof layerChecks>[0],
  object?,
][] = [
  ["builds its weights", "another number of weights", Scale, { weights: 2 }],
  ["builds its weights", "seed generators that are not there", Scale, { seedGenerators: 1 }],
  [checks[1] as string, "another symbolic shape", Lies],
  [checks[1] as string, "another dtype", Scale, { outputDtype: "int32" }],
  ["computes eagerly", "infinities", Infinite],
  ["computes eagerly", "losses that are not added", Scale, { losses: 1 }],
  [
    "comes back from its config",
    "an argument that is not saved",
    Unsaved,
    { init: [{ power: 2 }] },
  ],
  ["comes back from its config", "a config that changes", Forgetful],
  ["treats masks as it says", "no support", Scale, { supportsMasking: false }],
  ["treats masks as it says", "a mask that is lost", MaskEater],
  ["trains, compiled as eagerly", "a weight without gradient", Stuck],
  ["trains, compiled as eagerly", "state that a trace does not see", Counting],
  ["computes in mixed_float16 over float32 variables", "a float32 output", Upcast],
  ["computes in mixed_bfloat16 over float32 variables", "half weights", HalfWeights],
];

describe("layerTest fails for", () => {
  for (const [name, what, Class, change] of wrong) {
    test(`${what}: ${name}`, async () => {
      const check = layerChecks(Class, { ...spec, ...change })[name] as () => unknown;
      await expect((async () => check())()).rejects.toThrow();
    });
  }
});
