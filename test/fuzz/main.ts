/**
 * `npm run fuzz -- [--minutes N] [--seed S] [--case K] [--ops RE] [--list]`:
 * random calls of ops, each compared with a reference, compiled with eager,
 * and one thread with all. A case is made of its seed and number alone.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { setDevice } from "../../src/runtime/device.ts";
import { Random } from "../support/random.ts";
import { check, type FuzzCase, type FuzzOp } from "./case.ts";
import { allOps } from "./ops.ts";
import "../../src/index.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    case: { type: "string" },
    ops: { type: "string", default: "." },
    list: { type: "boolean", default: false },
    findings: { type: "string", default: "20" },
  },
});

const seed = Number(options.seed);
const wanted = new RegExp(options.ops);
const mostFindings = Number(options.findings);
await setDevice("cpu");
const ops = await allOps();
const total = ops.reduce((sum, { weight = 1 }) => sum + weight, 0);

/** Which op a case is of, and the generator that draws the rest of it. */
function pickOp(number: number): readonly [FuzzOp, Random] {
  const random = new Random((Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0);
  let place = random.next() * total;
  for (const op of ops) {
    place -= op.weight ?? 1;
    if (place < 0) return [op, random];
  }
  return [ops.at(-1) as FuzzOp, random];
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
};

function report(op: FuzzOp, number: number, drawn: FuzzCase | null, error: unknown): void {
  console.log(`FOUND ${op.name}: seed ${seed}, case ${number}`);
  if (drawn !== null) {
    const inputs = drawn.inputs.map(({ shape, dtype }) => `${dtype} [${shape.join(", ")}]`);
    console.log(`  inputs: ${inputs.join("; ") || "none"}`);
    console.log(`  attributes: ${short(drawn.attributes)}`);
  }
  const isPlain = error instanceof Error && error.message.includes("KERATIN_TEST_SEED");
  const text = isPlain ? error.message.split("\n")[0] : ((error as Error).stack ?? error);
  console.log(`  ${String(text).split("\n").slice(0, 8).join("\n  ")}`);
  console.log(`  again: npm run fuzz -- --seed ${seed} --case ${number}`);
}

/** The longest that a case may take, in seconds. */
const patience = 60;
const running = new Int32Array(new SharedArrayBuffer(4));

/** Ends the process where a case does not end: nothing else could, while a kernel runs. */
function watch(): void {
  const source = `
    const { workerData: running } = require("node:worker_threads");
    const { writeSync } = require("node:fs");
    for (;;) {
      const number = Atomics.load(running, 0);
      if (Atomics.wait(running, 0, number, ${patience * 1000}) !== "timed-out") continue;
      writeSync(1, "FOUND no end after ${patience} s: seed ${seed}, case " + number + "\\n");
      process.kill(process.pid, "SIGKILL");
    }`;
  new Worker(source, { eval: true, workerData: running }).unref();
}

/** False where it fails. */
async function runCase(number: number): Promise<boolean> {
  const [op, random] = pickOp(number);
  Atomics.store(running, 0, number);
  Atomics.notify(running, 0);
  let drawn: FuzzCase | null = null;
  try {
    drawn = op.draw(random);
    await check(op, drawn, random.integer(0, 2 ** 31));
    return true;
  } catch (error) {
    report(op, number, drawn, error);
    return false;
  }
}

if (options.list) {
  for (const { name } of ops) console.log(name);
} else if (options.case !== undefined) {
  process.exitCode = (await runCase(Number(options.case))) ? 0 : 1;
} else {
  watch();
  const end = Date.now() + Number(options.minutes) * 60_000;
  const counts = new Map<string, number>();
  let found = 0;
  let cases = 0;
  for (let number = 0; Date.now() < end && found < mostFindings; number++) {
    const [{ name }] = pickOp(number);
    if (!wanted.test(name)) continue;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    cases++;
    if (!(await runCase(number))) found++;
  }
  console.log(`seed ${seed}: ${cases} cases of ${counts.size} ops, ${found} findings`);
  process.exitCode = found === 0 ? 0 : 1;
}
