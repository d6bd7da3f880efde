/** Every primitive has an op test, and every op test names primitives that exist. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { definedOps } from "../../src/tensor/define-op.ts";
import { collectOpTests, type NamedSpec } from "../support/op-test.ts";
import "../../src/index.ts";

/** Primitives whose results have no plain reference, and where they are tested. */
const elsewhere: Readonly<Record<string, string>> = {
  random_gamma: "drawn by rejection: moments in test/nn/random.test.ts, numbers in conformance",
  random_binomial: "drawn by rejection: moments in test/nn/random.test.ts, numbers in conformance",
  depends: "only orders what a checkpoint computes again: test/autograd/checkpoint.test.ts",
};

const root = new URL("../", import.meta.url);
const specs: NamedSpec[] = [];
for (const folder of ["ops", "nn", "tensor"]) {
  for (const file of readdirSync(new URL(folder, root))) {
    const url = new URL(`${folder}/${file}`, root);
    if (!file.endsWith(".test.ts") || url.href === import.meta.url) continue;
    // Only files with op tests: what else a file tests runs here once more.
    if (!/\b(op|unary|binary)Test\(/.test(readFileSync(url, "utf8"))) continue;
    specs.push(...(await collectOpTests(() => import(url.href))));
  }
}

test("every primitive is tested", () => {
  const tested = new Set(specs.flatMap(({ ops }) => ops ?? []));
  const missing = [...definedOps().keys()].filter(
    (name) => !tested.has(name) && elsewhere[name] === undefined && !name.startsWith("test_"),
  );
  expect(missing, "add an opTest with `ops: [name]` in test/ops/<family>.test.ts").toEqual([]);
});

test("op tests name what exists", () => {
  const unknown = specs
    .flatMap(({ name, ops }) => (ops ?? []).map((op) => ({ name, op })))
    .filter(({ op }) => !definedOps().has(op));
  expect(unknown).toEqual([]);
  expect(Object.keys(elsewhere).filter((name) => !definedOps().has(name))).toEqual([]);
});

test("names are unique, so that a seed belongs to one test", () => {
  const names = specs.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});
