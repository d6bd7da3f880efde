/** The blocks of MobileNetV2 and ResNet: they train, compiled as eagerly, and come back from files. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  Input,
  type KerasTensor,
  layers,
  Model,
  optimizers,
  saving,
  type Tensor,
  utils,
} from "../../src/index.ts";
import { distance, floats, integers } from "../support/data.ts";
import { folder } from "./saving/files.ts";

/** Expansion, depthwise convolution, projection. Source: Sandler et al., 2018, arXiv:1801.04381. */
function inverted(x: KerasTensor, channels: number, strides: number): KerasTensor {
  const [, , , given] = x.shape as number[];
  let y = new layers.Conv2D(3 * (given as number), 1, { padding: "same", useBias: false })(x);
  y = new layers.ReLU({ maxValue: 6 })(new layers.BatchNormalization()(y));
  if (strides === 2) {
    const padding = [
      [0, 1],
      [0, 1],
    ];
    y = new layers.ZeroPadding2D({ padding })(y);
  }
  const padding = strides === 1 ? "same" : "valid";
  y = new layers.DepthwiseConv2D(3, { strides, padding, useBias: false })(y);
  y = new layers.ReLU({ maxValue: 6 })(new layers.BatchNormalization()(y));
  y = new layers.Conv2D(channels, 1, { padding: "same", useBias: false })(y);
  y = new layers.BatchNormalization()(y);
  return strides === 1 && given === channels ? new layers.Add()([x, y]) : y;
}

/** Two convolutions and a shortcut. Source: He et al., 2015, arXiv:1512.03385. */
function residual(x: KerasTensor, channels: number, strides: number): KerasTensor {
  let shortcut = x;
  if (strides > 1) shortcut = new layers.Conv2D(channels, 1, { strides })(x);
  let y = new layers.ZeroPadding2D()(x);
  y = new layers.Conv2D(channels, 3, { strides, kernelInitializer: "he_normal" })(y);
  y = new layers.Activation("relu")(new layers.BatchNormalization()(y));
  y = new layers.Conv2D(channels, 3, { padding: "same" })(y);
  return new layers.Activation("relu")(layers.add([shortcut, new layers.BatchNormalization()(y)]));
}

const blocks = { MobileNetV2: inverted, ResNet: residual };

function make(block: typeof inverted, runEagerly: boolean): Model {
  utils.clearSession();
  utils.setRandomSeed(1);
  const x = Input({ shape: [8, 8, 3] });
  let y: KerasTensor = new layers.Conv2D(4, 3, { padding: "same" })(x);
  y = block(block(y, 4, 1), 8, 2);
  y = new layers.Dropout(0.1)(new layers.GlobalAveragePooling2D()(y));
  const model = new Model(x, new layers.Dense(3, { activation: "softmax" })(y));
  model.compile({
    optimizer: new optimizers.SGD({ learningRate: 0.05, momentum: 0.9 }),
    loss: "sparse_categorical_crossentropy",
    runEagerly,
  });
  return model;
}

const images = (): Tensor => floats([12, 8, 8, 3], 1);

async function losses(model: Model, epochs: number): Promise<number[]> {
  const { history } = await model.fit(images(), integers([12], 3, 2), {
    batchSize: 4,
    epochs,
    verbose: 0,
    shuffle: false,
  });
  return history["loss"] as number[];
}

async function predictions(model: Model): Promise<Float32Array> {
  return (await ((await model.predict(images(), { verbose: 0 })) as Tensor).data()) as Float32Array;
}

for (const [name, block] of Object.entries(blocks)) {
  describe(name, () => {
    test("trains, compiled as eagerly", async () => {
      const compiled = await losses(make(block, false), 2);
      expect(distance(await losses(make(block, true), 2), compiled)).toBeLessThan(1e-4);
    });

    test("learns its training data", async () => {
      const history = await losses(make(block, false), 30);
      expect(history.at(-1)).toBeLessThan((history[0] as number) / 2);
    });

    test("comes back from its file", async () => {
      const model = make(block, false);
      await losses(model, 1);
      const path = join(folder(), "model.keras");
      await model.save(path);
      const loaded = await saving.loadModel(path);
      expect(distance(await predictions(loaded), await predictions(model))).toBe(0);
      expect(await losses(loaded, 1)).toEqual(await losses(model, 1));
    });
  });
}
