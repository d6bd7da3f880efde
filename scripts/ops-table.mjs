// Writes docs/ops.md, the table of public ops, from their definitions and the
// specs of the op tests:
//   npm run docs:ops [-- --check]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as keratin from "../src/index.ts";
import { currentBackend } from "../src/runtime/device.ts";
import { withTape } from "../src/tensor/context.ts";
import { definedOps } from "../src/tensor/define-op.ts";
import { dtypes as allDTypes, isFloat, isInteger } from "../src/util/dtypes.ts";
import { allSpecs } from "../test/support/all-specs.ts";
import { floats, makeCall, shapesOf, tensorsOf } from "../test/support/calls.ts";

const target = new URL("../docs/ops.md", import.meta.url);
const sources = new URL("../src/ops/", import.meta.url);
const mostKernels = 6;

const specs = await allSpecs();
await keratin.setDevice("cpu");

/** The specs that bear the name of an op, alone or before what else they say. */
function specsOf(names) {
  return specs.map(({ spec }) => spec).filter(({ name }) => names.includes(/^\w+/.exec(name)?.[0]));
}

/** Classes of dtypes in a word each. */
function dtypeWords(list) {
  const has = (group) => group.length > 0 && group.every((dtype) => list.includes(dtype));
  const groups = {
    floats: allDTypes.filter(isFloat),
    integers: allDTypes.filter((dtype) => isInteger(dtype)),
    bool: ["bool"],
  };
  const words = [];
  let rest = list;
  for (const [word, group] of Object.entries(groups)) {
    if (!has(group)) continue;
    words.push(word);
    rest = rest.filter((dtype) => !group.includes(dtype));
  }
  return [...words, ...rest].join(", ");
}

/** Primitives that a spec runs in its first call, without those of its gradient. */
async function primitivesOf(spec) {
  const tape = { entries: [], reads: new Map() };
  const shapes = shapesOf(spec).find((s) => s.length === 0 || s.flat().every((n) => n > 0));
  if (shapes === undefined) return [];
  const [dtype] = spec.dtypes ?? floats;
  const where = { op: spec.name, backend: "cpu", check: "", dtype, shapes, layout: "", seed: 1 };
  const inputs = tensorsOf(await makeCall(spec, where, shapes, spec.seed));
  withTape(tape, () => spec.run(...inputs));
  // What is recorded under no name is a custom gradient.
  return tape.entries.flatMap(({ op }) => definedOps().get(op.name) ?? []);
}

const order = ["true", "zero", "throws", "false"];
const words = { true: "yes", zero: "zero", throws: "no", false: "no" };

/** "yes", "zero" or "no", by what most is claimed in the specs. */
function derivative(list) {
  const claims = list.map(({ differentiable = true }) => String(differentiable));
  return words[order.find((claim) => claims.includes(claim))];
}

function second(list) {
  const claims = list.filter(({ differentiable = true }) => differentiable === true);
  return claims.some(({ secondDerivative = true }) => secondDerivative === true) ? "yes" : "no";
}

async function rowOf(name, op) {
  const keras = op.signature.path.replace(/^keras\.ops\./, "");
  const list = specsOf([name, keras]);
  const cells = [`\`${name}\``, `\`${keras}\``];
  if (list.length === 0) return [...cells, "", "", "", ""];
  const ops = (await Promise.all(list.map(primitivesOf))).flat();
  const backend = currentBackend();
  const runs = new Map(ops.map((op) => [op.name, op.kernelOn(backend) !== undefined]));
  const kernels = [...runs].map(([kernel, has]) => {
    if (has) return `\`${kernel}\``;
    return ops.find((op) => op.name === kernel)?.traits.view === true
      ? `\`${kernel}\` (view)`
      : `\`${kernel}\` (decomposed)`;
  });
  kernels.sort();
  const shown = kernels.slice(0, mostKernels).join(" ");
  const more = kernels.length > mostKernels ? ` and ${kernels.length - mostKernels} more` : "";
  const tested = new Set(list.flatMap(({ dtypes = floats }) => dtypes));
  return [...cells, dtypeWords([...tested]), derivative(list), second(list), shown + more];
}

function table(rows) {
  const head = ["op", "Keras", "dtypes", "derivative", "second", "kernels on cpu"];
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

const exported = new Map();
for (const [name, value] of Object.entries(keratin.ops)) {
  if (value?.signature !== undefined) exported.set(value.signature.path, [name, value]);
}

const sections = [];
const seen = new Set();
for (const file of readdirSync(sources).sort()) {
  if (!file.endsWith(".ts") || file === "index.ts" || file === "methods.ts") continue;
  const url = new URL(file, sources);
  const title = /^\/\*\*\n \* (.*)/.exec(readFileSync(url, "utf8"))?.[1] ?? file;
  const rows = [];
  for (const value of Object.values(await import(url.href))) {
    const path = value?.signature?.path;
    const [name, op] = exported.get(path) ?? [];
    if (op !== value || seen.has(path)) continue;
    seen.add(path);
    rows.push(await rowOf(name, op));
  }
  if (rows.length === 0) continue;
  const family = file.replace(/\.ts$/, "").replaceAll("-", " ");
  sections.push(`## ${family[0].toUpperCase()}${family.slice(1)}\n\n${title}\n\n${table(rows)}\n`);
}
const rest = [...exported].filter(([path]) => !seen.has(path));
if (rest.length > 0) {
  const rows = [];
  for (const [, [name, op]] of rest) rows.push(await rowOf(name, op));
  sections.push(`## Others\n\nDefined outside of \`src/ops\`.\n\n${table(rows)}\n`);
}

const text = `# Ops

Every public op, by family (the files of \`src/ops\`). Made by \`scripts/ops-table.mjs\` from the definitions and the specs of the op tests; \`npm run check\` fails where it is out of date.

- **dtypes**: those of its inputs that the op tests run: floats are float16, bfloat16, float32 and float64, integers the eight signed and unsigned ones.
- **derivative** and **second**: whether the first and the second derivative are checked against differences. "zero": it is zero wherever it exists, as of \`floor\`. "no": there is none.
- **kernels on cpu**: what the op tests saw it run. "decomposed": no kernel of its own, other ops compute it; "view": no elements are moved.

Empty cells: no op test bears the op's name (it is tested by hand, as control flow is, or together with an op beside it).

${sections.join("\n")}`;

if (process.argv.includes("--check")) {
  let current = "";
  try {
    current = readFileSync(target, "utf8");
  } catch {}
  if (current !== text) {
    console.error("docs/ops.md is out of date: run npm run docs:ops");
    process.exit(1);
  }
} else {
  mkdirSync(new URL(".", target), { recursive: true });
  writeFileSync(target, text);
}
