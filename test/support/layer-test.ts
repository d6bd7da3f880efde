/**
 * What every layer must do, in one call: Keras's `run_layer_test`.
 *
 * @module
 */
import { describe, expect, test } from "vitest";
import {
  Input,
  KerasTensor,
  type Layer,
  Model,
  ops,
  optimizers,
  saving,
  Tensor,
  utils,
  type Variable,
} from "../../src/index.ts";
import { getMask, setMask } from "../../src/keras/masks.ts";
import type { DType } from "../../src/util/dtypes.ts";
import { distance, floats, integers } from "./data.ts";

type Shape = readonly number[];

/** How a layer is made and called, and what comes of it. */
export interface LayerSpec<Arguments extends readonly unknown[]> {
  /** The constructor's arguments; a function where each layer needs its own. */
  readonly init: Arguments | (() => Arguments);
  /** The input's shape with the batch; a list for several inputs. */
  readonly inputShape: Shape | readonly Shape[];
  /** Whether several inputs come by position, not as one list. */
  readonly byPosition?: boolean;
  /** With "int32": indices below this number. Default: floats. */
  readonly integersBelow?: number;
  readonly outputShape: Shape;
  /** Default: float32. */
  readonly outputDtype?: DType;
  /** Default 0, for all of these. */
  readonly weights?: number;
  readonly trainableWeights?: number;
  readonly seedGenerators?: number;
  /** Losses that a call adds. */
  readonly losses?: number;
  readonly supportsMasking?: boolean;
  /** Whether the output of a masked input is masked. Default: as `supportsMasking`. */
  readonly passesMask?: boolean;
  /** Axes of the mask. Default: 2, as of sequences. */
  readonly maskAxes?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: constructors of any arguments
type LayerClass<Arguments extends readonly any[]> = new (...args: Arguments) => Layer;

/** Compiled and eager steps do the same sums in the same order, up to fused ones. */
const stepTolerance = 1e-5;

/**
 * The checks of a layer by name, each a function that throws if it fails.
 * `layerTest` makes tests of them.
 */
export function layerChecks<Arguments extends readonly unknown[]>(
  // biome-ignore lint/suspicious/noExplicitAny: constructors of any arguments
  Class: LayerClass<any>,
  spec: LayerSpec<Arguments>,
): Readonly<Record<string, () => void | Promise<void>>> {
  const shapes = (isShape(spec.inputShape) ? [spec.inputShape] : spec.inputShape) as Shape[];
  const isList = !isShape(spec.inputShape);
  const single = <T>(items: T[]): T | T[] => (isList ? items : (items[0] as T));
  /** What a call or `build` takes for the inputs. */
  const spread = (items: unknown[]): unknown[] => (spec.byPosition ? items : [single(items)]);
  const make = (options: Record<string, unknown> = {}): Layer => {
    const args = [...argumentsOf(spec)];
    const last = args.at(-1);
    const hasOptions = typeof last === "object" && last !== null && !Array.isArray(last);
    const given = hasOptions ? (args.pop() as object) : {};
    return new Class(...args, { ...given, ...options });
  };
  const data = (batches = 1): Tensor[] =>
    shapes.map(([batch = 1, ...rest], i) => {
      const shape = [batch * batches, ...rest];
      return spec.integersBelow === undefined
        ? floats(shape, i + 1)
        : integers(shape, spec.integersBelow, i + 1);
    });
  const inputDtype = spec.integersBelow === undefined ? "float32" : "int32";
  const symbols = (batch: number | null | undefined): KerasTensor[] =>
    shapes.map(
      ([first, ...rest]) =>
        new KerasTensor([batch === undefined ? (first as number) : batch, ...rest], {
          dtype: inputDtype,
        }),
    );
  const call = (layer: Layer, inputs: unknown[], options: object = {}): Tensor =>
    layer.invoke([...spread(inputs), options]) as Tensor;
  const outputDtype = spec.outputDtype ?? "float32";

  const checkCounts = (layer: Layer): void => {
    expect(layer.weights.length, "weights").toBe(spec.weights ?? 0);
    const trainable = spec.trainableWeights ?? 0;
    expect(layer.trainableWeights.length, "trainableWeights").toBe(trainable);
    expect(layer.nonTrainableWeights.length, "nonTrainableWeights").toBe(
      (spec.weights ?? 0) - trainable,
    );
    const seeds = layer.variables.filter(({ name }) => name === "seed_generator_state");
    expect(seeds.length, "seedGenerators").toBe(spec.seedGenerators ?? 0);
    expect(layer.variables.length, "variables").toBe(layer.weights.length + seeds.length);
  };

  /** Two epochs of two batches and a smaller one. */
  const train = async (options: {
    runEagerly: boolean;
    dtype?: string;
  }): Promise<{ layer: Layer; before: Float32Array[]; after: Float32Array[]; loss: number[] }> => {
    utils.clearSession();
    utils.setRandomSeed(7);
    const layer = make(options.dtype === undefined ? {} : { dtype: options.dtype });
    const inputs = shapes.map(([, ...shape]) => Input({ shape, dtype: inputDtype }));
    const output = layer.invoke(spread(inputs)) as KerasTensor;
    const model = new Model(single(inputs) as KerasTensor, output);
    model.compile({
      optimizer: new optimizers.SGD({ learningRate: 0.1 }),
      loss: "mse",
      runEagerly: options.runEagerly,
    });
    const before = await valuesOf(layer.trainableWeights);
    const [batch = 1] = shapes[0] as Shape;
    const x = data(3);
    const y = floats([batch * 3, ...spec.outputShape.slice(1)], 99);
    const { history } = await model.fit(single(x), y, {
      batchSize: batch * 2,
      epochs: 2,
      verbose: 0,
      shuffle: false,
    });
    return {
      layer,
      before,
      after: await valuesOf(layer.trainableWeights),
      loss: history["loss"] as number[],
    };
  };

  return {
    "builds its weights": () => {
      const layer = make({ name: "tested" });
      const given = shapes.map((shape) => [...shape]);
      layer.build(...spread(given));
      expect(layer.built).toBe(true);
      checkCounts(layer);
      for (const { path } of layer.weights) expect(path.startsWith("tested/"), path).toBe(true);
    },

    "gives symbolic outputs of the shape and dtype of real ones": () => {
      const layer = make();
      const known = layer.invoke(spread(symbols(undefined))) as KerasTensor;
      const open = layer.invoke(spread(symbols(null))) as KerasTensor;
      checkCounts(layer);
      const real = call(layer, data());
      expect([...real.shape]).toEqual(spec.outputShape);
      expect([...known.shape]).toEqual(spec.outputShape);
      expect([...open.shape]).toEqual([null, ...spec.outputShape.slice(1)]);
      expect([known.dtype, open.dtype, real.dtype]).toEqual(Array(3).fill(outputDtype));
      const unbuilt = make();
      const inferred = unbuilt.computeOutputShape(...spread(shapes.map((shape) => [...shape])));
      expect(inferred).toEqual(spec.outputShape);
      expect(
        layer.computeOutputShape(...spread(shapes.map(([, ...rest]) => [null, ...rest]))),
      ).toEqual([null, ...spec.outputShape.slice(1)]);
    },

    "computes eagerly": async () => {
      const layer = make();
      const output = call(layer, data(), { training: true });
      expect(output).toBeInstanceOf(Tensor);
      expect([...output.shape]).toEqual(spec.outputShape);
      expect(output.dtype).toBe(outputDtype);
      expect([...(await output.data())].every((x) => Number.isFinite(Number(x)))).toBe(true);
      expect(layer.losses.length, "losses").toBe(spec.losses ?? 0);
      checkCounts(layer);
    },

    "comes back from its config": async () => {
      const layer = make({ name: "tested" });
      const inputs = data();
      const output = call(layer, inputs);
      const config = layer.getConfig();
      const text = JSON.stringify(config);
      const { fromConfig } = Class as unknown as { fromConfig(config: unknown): Layer };
      const copy = fromConfig.call(Class, JSON.parse(text));
      expect(JSON.parse(JSON.stringify(copy.getConfig()))).toEqual(JSON.parse(text));
      const serialized = JSON.stringify(saving.serializeKerasObject(layer));
      const revived = saving.deserializeKerasObject(JSON.parse(serialized), {
        customObjects: { [Class.name]: Class },
      }) as Layer;
      expect(revived).toBeInstanceOf(Class);
      expect(JSON.stringify(saving.serializeKerasObject(revived))).toBe(serialized);
      for (const other of [copy, revived]) {
        if (!other.built) other.build(...spread(shapes.map((shape) => [...shape])));
        other.setWeights(layer.getWeights());
        expect(distance(await numbersOf(call(other, inputs)), await numbersOf(output))).toBe(0);
      }
    },

    "treats masks as it says": () => {
      const layer = make();
      expect(layer.supportsMasking, "supportsMasking").toBe(spec.supportsMasking ?? false);
      const inputs = data();
      const masked = inputs.filter((input) => input.ndim >= 3);
      if (masked.length === 0) return;
      for (const input of masked) {
        setMask(input, ops.ones(input.shape.slice(0, spec.maskAxes ?? 2), { dtype: "bool" }));
      }
      const { warn } = console;
      let warnings = 0;
      console.warn = () => warnings++;
      try {
        const passes = spec.passesMask ?? spec.supportsMasking ?? false;
        expect(getMask(call(layer, inputs)) !== null, "passes the mask").toBe(passes);
        expect(warnings, "warnings").toBe(layer.supportsMasking ? 0 : 1);
      } finally {
        console.warn = warn;
      }
    },

    "trains, compiled as eagerly": async () => {
      const compiled = await train({ runEagerly: false });
      for (const [i, values] of compiled.after.entries()) {
        const { path } = compiled.layer.trainableWeights[i] as Variable;
        expect(distance(values, compiled.before[i] as Float32Array), path).toBeGreaterThan(0);
      }
      expect(compiled.loss.every(Number.isFinite)).toBe(true);
      const eager = await train({ runEagerly: true });
      expect(distance(eager.loss, compiled.loss)).toBeLessThan(stepTolerance);
      for (const [i, values] of eager.after.entries()) {
        expect(distance(values, compiled.after[i] as Float32Array)).toBeLessThan(stepTolerance);
      }
    },

    ...Object.fromEntries(
      (["mixed_float16", "mixed_bfloat16"] as const).map((dtype) => [
        `computes in ${dtype} over float32 variables`,
        async () => {
          const layer = make({ dtype });
          const half = dtype.slice("mixed_".length);
          const output = call(layer, data());
          const symbol = layer.invoke(spread(symbols(null))) as KerasTensor;
          const expected = outputDtype === "float32" ? half : outputDtype;
          expect([output.dtype, symbol.dtype]).toEqual([expected, expected]);
          for (const { storageDtype, path } of layer.weights) {
            expect(storageDtype, path).toBe("float32");
          }
          const { after, loss } = await train({ runEagerly: false, dtype });
          expect(loss.every(Number.isFinite)).toBe(true);
          for (const values of after) expect([...values].every(Number.isFinite)).toBe(true);
        },
      ]),
    ),
  };
}

/** Tests that a layer does what every layer must, and what its spec says. */
export function layerTest<Arguments extends readonly unknown[]>(
  // biome-ignore lint/suspicious/noExplicitAny: constructors of any arguments
  Class: LayerClass<any>,
  spec: LayerSpec<Arguments>,
): void {
  describe(`${Class.name}(${JSON.stringify(argumentsOf(spec)).slice(1, -1)})`, () => {
    for (const [name, check] of Object.entries(layerChecks(Class, spec))) test(name, check);
  });
}

function argumentsOf<Arguments extends readonly unknown[]>(spec: LayerSpec<Arguments>): Arguments {
  return typeof spec.init === "function" ? spec.init() : spec.init;
}

function isShape(shape: Shape | readonly Shape[]): shape is Shape {
  return typeof shape[0] === "number";
}

async function numbersOf(tensor: Tensor): Promise<Float64Array> {
  return Float64Array.from((await tensor.data()) as ArrayLike<number>, Number);
}

function valuesOf(variables: readonly Variable[]): Promise<Float32Array[]> {
  return Promise.all(
    variables.map(async (variable) => Float32Array.from((await variable.data()) as Float32Array)),
  );
}
