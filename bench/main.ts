/**
 * `npm run bench`: measures, checks the results first, and prints a table.
 *
 *   npm run bench -- [FILTER] [--json FILE]
 *
 * FILTER is a part of a suite's name, or SUITE/PART for some rows of one
 * (`training/mlp`). Times are the minimum of several rounds.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { requireAddon } from "../src/backends/native/loader.ts";
import { epochsBench } from "./epochs.ts";
import type { Figure } from "./measure.ts";
import { memoryOfSteps } from "./memory.ts";
import { opsBench } from "./ops.ts";
import { overhead } from "./overhead.ts";
import { training } from "./training.ts";

type Suite = (part: string) => Promise<Figure[]>;
const suites: Readonly<Record<string, Suite>> = {
  overhead,
  ops: opsBench,
  training,
  memory: memoryOfSteps,
  epochs: epochsBench,
};
const usage = `usage: bench [SUITE[/PART]] [--json FILE]\nsuites: ${Object.keys(suites).join(", ")}`;

function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function readOptions(): { filter: string; json: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: "string" } },
      allowPositionals: true,
    });
    if (positionals.length > 1) fail("one filter at most");
    return { filter: positionals[0] ?? "", json: values.json };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function formatted(value: number, unit: string): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toLocaleString("en", { maximumFractionDigits: digits })} ${unit}`;
}

function print(figure: Figure): void {
  const { name, value, unit, peer, ratio, reach } = figure;
  let line = name.padEnd(44) + formatted(value, unit).padStart(16);
  if (reach !== undefined) {
    line += `   reach ${formatted(reach, unit)} (${(value / reach).toFixed(2)} of it)`;
  }
  if (peer !== undefined && ratio !== undefined) line += `   ${ratio.toFixed(2)} of ${peer}`;
  console.log(line);
}

const { filter, json } = readOptions();
const [suiteFilter = "", part = ""] = filter.split("/");
const chosen = Object.entries(suites).filter(([name]) => name.includes(suiteFilter));
if (chosen.length === 0) fail(`no suite named like "${filter}"`);
const { isa, threads } = requireAddon().info();
console.log(`${cpus()[0]?.model ?? "?"}, ${isa}, ${threads} threads, Node ${process.version}\n`);
const figures: Figure[] = [];
for (const [name, suite] of chosen) {
  console.log(name);
  for (const figure of await suite(part)) {
    print(figure);
    figures.push(figure);
  }
}
if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
