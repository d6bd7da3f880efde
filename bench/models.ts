/**
 * The models whose training steps are timed: the same as the Python side of
 * `peers/training_server.py` builds.
 *
 * @module
 */
import {
  Input,
  type KerasTensor,
  layers,
  losses,
  Model,
  type Optimizer,
  ops,
  optimizers,
  Sequential,
  type Tensor,
  tensor,
} from "../src/index.ts";

/** A model to train and the batch that it is trained on. */
export interface Workload {
  readonly model: Model;
  readonly x: Tensor | Tensor[];
  readonly y: Tensor;
}

type Layers = ConstructorParameters<typeof Sequential>[0];

/** Numbers in [-1, 1) that both sides can make: index times a prime. */
function values(shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return ops.reshape(
    tensor(Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 10007) / 5003.5 - 1)),
    [...shape],
  );
}

function classes(shape: readonly number[], count: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return ops.reshape(
    tensor(Int32Array.from({ length: size }, (_, i) => ((i * 7919) % 10007) % count)),
    [...shape],
  );
}

function compiled(
  model: Model,
  optimizer: Optimizer,
  x: Workload["x"],
  y: Tensor,
  fromLogits = true,
): Workload {
  model.compile({
    optimizer,
    loss: new losses.SparseCategoricalCrossentropy({ fromLogits }),
  });
  for (const weight of model.weights) {
    if (weight.shape.length < 2) continue;
    weight.assign(ops.multiply(values(weight.shape as number[]), 0.05));
  }
  return { model, x, y };
}

function sequential(list: Layers, optimizer: Optimizer, x: Tensor, y: Tensor): Workload {
  return compiled(new Sequential(list), optimizer, x, y);
}

/** A small network for 28x28 images of ten classes. */
export function convnetLayers(
  filters: readonly [number, number],
  dropout: number,
  activation: string | null = null,
): Layers {
  const [first, second] = filters;
  return [
    Input({ shape: [28, 28, 1] }),
    new layers.Conv2D(first, 3, { activation: "relu" }),
    new layers.MaxPooling2D(),
    new layers.Conv2D(second, 3, { activation: "relu" }),
    new layers.MaxPooling2D(),
    new layers.Flatten(),
    new layers.Dropout(dropout),
    new layers.Dense(10, { activation }),
  ];
}

function gpt(): Workload {
  const [width, heads, length, words] = [128, 4, 128, 65];
  const tokens = Input({ shape: [length], dtype: "int32" });
  const add = (a: KerasTensor, b: KerasTensor | Tensor): KerasTensor =>
    ops.add(a, b) as KerasTensor;
  const places = new layers.Embedding(length, width);
  let h = add(new layers.Embedding(words, width)(tokens), places(ops.arange(length)));
  for (let block = 0; block < 2; block++) {
    const a = new layers.LayerNormalization({ epsilon: 1e-5 })(h);
    const attention = new layers.MultiHeadAttention(heads, width / heads);
    h = add(h, attention(a, a, { useCausalMask: true }));
    let f = new layers.LayerNormalization({ epsilon: 1e-5 })(h);
    f = new layers.Dense(4 * width, { activation: "gelu" })(f);
    h = add(h, new layers.Dense(width)(f));
  }
  const outputs = new layers.Dense(words)(new layers.LayerNormalization({ epsilon: 1e-5 })(h));
  return compiled(
    new Model({ inputs: tokens, outputs }),
    new optimizers.AdamW({ learningRate: 3e-4, weightDecay: 0.1 }),
    classes([32, length], words),
    classes([32, length], words),
  );
}

/** MobileNetV2 of Sandler et al. (arXiv 1801.04381), width 0.35, as keras.applications builds it. */
function mobilenet(): Workload {
  const width = 0.35;
  const channelsOf = (base: number): number => {
    const scaled = base * width;
    const rounded = Math.max(8, Math.floor((scaled + 4) / 8) * 8);
    return rounded < 0.9 * scaled ? rounded + 8 : rounded;
  };
  const norm = (x: KerasTensor): KerasTensor =>
    new layers.BatchNormalization({ epsilon: 1e-3, momentum: 0.999 })(x);
  const relu6 = (x: KerasTensor): KerasTensor => new layers.ReLU({ maxValue: 6 })(x);
  const strided = { strides: 2, padding: "same", useBias: false } as const;
  const inputs = Input({ shape: [96, 96, 3] });
  let channels = channelsOf(32);
  let x = relu6(norm(new layers.Conv2D(channels, 3, strided)(inputs)));
  const blocks = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const;
  for (const [expansion, base, repeats, first] of blocks) {
    const filters = channelsOf(base);
    for (let i = 0; i < repeats; i++) {
      const before = x;
      const strides = i === 0 ? first : 1;
      if (expansion > 1) {
        const wide = new layers.Conv2D(channels * expansion, 1, { useBias: false });
        x = relu6(norm(wide(x)));
      }
      if (strides === 2) {
        const pad: [number, number] = [(x.shape[1] as number) % 2, 1];
        x = new layers.ZeroPadding2D({ padding: [pad, pad] })(x);
      }
      const padding = strides === 2 ? "valid" : "same";
      x = relu6(norm(new layers.DepthwiseConv2D(3, { strides, padding, useBias: false })(x)));
      x = norm(new layers.Conv2D(filters, 1, { useBias: false })(x));
      if (channels === filters && strides === 1) x = new layers.Add()([before, x]);
      channels = filters;
    }
  }
  x = relu6(norm(new layers.Conv2D(1280, 1, { useBias: false })(x)));
  x = new layers.Dense(1000, { activation: "softmax" })(new layers.GlobalAveragePooling2D()(x));
  return compiled(
    new Model({ inputs, outputs: x }),
    new optimizers.SGD({ learningRate: 0.01 }),
    values([32, 96, 96, 3]),
    classes([32], 1000),
    false,
  );
}

/** ResNet-20 for 32x32 images, as in section 4.2 of He et al. (arXiv 1512.03385). */
function resnet(): Workload {
  const convolution = (x: KerasTensor, filters: number, size: number, strides = 1): KerasTensor => {
    const options = { strides, padding: "same", useBias: false } as const;
    return new layers.BatchNormalization()(new layers.Conv2D(filters, size, options)(x));
  };
  const relu = (x: KerasTensor): KerasTensor => new layers.ReLU()(x);
  const inputs = Input({ shape: [32, 32, 3] });
  let x = relu(convolution(inputs, 16, 3));
  for (const [stage, filters] of [16, 32, 64].entries()) {
    for (let block = 0; block < 3; block++) {
      const strides = stage > 0 && block === 0 ? 2 : 1;
      const inner = relu(convolution(x, filters, 3, strides));
      const shortcut = strides === 1 ? x : convolution(x, filters, 1, strides);
      x = relu(new layers.Add()([shortcut, convolution(inner, filters, 3)]));
    }
  }
  return compiled(
    new Model({
      inputs,
      outputs: new layers.Dense(10)(new layers.GlobalAveragePooling2D()(x)),
    }),
    new optimizers.SGD({ learningRate: 0.1, momentum: 0.9 }),
    values([32, 32, 32, 3]),
    classes([32], 10),
  );
}

/** A wide and a deep part over 13 numbers and 26 categories (arXiv 1606.07792). */
function tabular(): Workload {
  const [rows, numbers, columns, words, width] = [512, 13, 26, 20_000, 16];
  const numeric = Input({ shape: [numbers] });
  const categories = Input({ shape: [columns], dtype: "int32" });
  const embedded = new layers.Flatten()(new layers.Embedding(words, width)(categories));
  let deep = new layers.Concatenate()([numeric, embedded]);
  for (const units of [256, 128]) deep = new layers.Dense(units, { activation: "relu" })(deep);
  const wide = new layers.Flatten()(new layers.Embedding(words, 1)(categories));
  const both = new layers.Concatenate()([wide, deep]);
  return compiled(
    new Model({ inputs: [numeric, categories], outputs: new layers.Dense(2)(both) }),
    new optimizers.Adam({ learningRate: 1e-3 }),
    [values([rows, numbers]), classes([rows, columns], words)],
    classes([rows], 2),
  );
}

/** The training steps, by name. */
export const models: Readonly<Record<string, () => Workload>> = {
  mlp: () =>
    sequential(
      [
        Input({ shape: [784] }),
        new layers.Dense(512, { activation: "relu" }),
        new layers.Dense(512, { activation: "relu" }),
        new layers.Dense(10),
      ],
      new optimizers.Adam({ learningRate: 1e-3 }),
      values([128, 784]),
      classes([128], 10),
    ),
  convnet: () =>
    sequential(
      convnetLayers([32, 64], 0.5),
      new optimizers.Adam({ learningRate: 1e-3 }),
      values([128, 28, 28, 1]),
      classes([128], 10),
    ),
  lstm: () =>
    sequential(
      [Input({ shape: [100, 64] }), new layers.LSTM(128), new layers.Dense(10)],
      new optimizers.Adam({ learningRate: 1e-3 }),
      values([64, 100, 64]),
      classes([64], 10),
    ),
  gpt,
  mobilenet,
  resnet,
  tabular,
  tiny: () =>
    sequential(
      [Input({ shape: [4] }), new layers.Dense(16, { activation: "relu" }), new layers.Dense(3)],
      new optimizers.Adam({ learningRate: 1e-3 }),
      values([16, 4]),
      classes([16], 3),
    ),
};
