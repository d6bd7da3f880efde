import { expect, test } from "vitest";
import { saving } from "../../../src/index.ts";
import { configToJson } from "../../../src/keras/saving/json.ts";
import { configOf, makeModel } from "./files.ts";

test("is JSON, like JSON.stringify's", () => {
  const value = {
    text: 'a "b" \u2028 \\',
    list: [1, null, undefined, true, [2.5, {}]],
    none: undefined,
    nan: Number.NaN,
    units: 3,
    big: 1e21,
  };
  expect(configToJson(value)).toBe(JSON.stringify(value));
});

test("whole numbers that Python must read as floats have a point", () => {
  const config = { learning_rate: 1, momentum: 0, units: 2, config: { beta: 2, momentum: 0.5 } };
  expect(configToJson(config)).toBe(
    '{"learning_rate":1.0,"momentum":0.0,"units":2,"config":{"beta":2.0,"momentum":0.5}}',
  );
});

test("is what models are saved with", async () => {
  const archive = await saving.packModel(makeModel("sgd"));
  expect(configOf(archive)["class_name"]).toBe("Sequential");
  expect(new TextDecoder("latin1").decode(archive)).toContain('"momentum":0.0');
});
