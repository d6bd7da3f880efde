import { expect, test } from "vitest";
import { ArgumentError, layers, losses } from "../../../src/index.ts";

test("layers to configs and back", () => {
  const layer = new layers.Dense(3, { name: "three" });
  const copy = layers.deserialize(layers.serialize(layer));
  expect(copy).toBeInstanceOf(layers.Dense);
  expect(copy.getConfig()).toEqual(layer.getConfig());
});

test("custom layers are given by name", () => {
  class Own extends layers.Layer {}
  const config = layers.serialize(new Own());
  expect(layers.deserialize(config, { Own })).toBeInstanceOf(Own);
});

test("refuses what is no layer", () => {
  const config = losses.serialize(new losses.MeanSquaredError());
  expect(() => layers.deserialize(config)).toThrow(ArgumentError);
});

test("Keras's other names", () => {
  expect(layers.Convolution2D).toBe(layers.Conv2D);
  expect(layers.MaxPool2D).toBe(layers.MaxPooling2D);
  expect(layers.GlobalAvgPool1D).toBe(layers.GlobalAveragePooling1D);
});
