/**
 * `npm run conformance`: holds Keratin against what real Keras computed.
 *
 *   npm run conformance -- [--cases DIR] [--area RE] [--backend cpu]
 *     [--mode eager|jit|both] [--failures N] [--json FILE]
 *
 * @module
 */
import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setDevice, UnsupportedError, utils } from "../../src/index.ts";
import { runFit } from "./fit.ts";
import { runLayer } from "./layers.ts";
import { runFunctionObject, runInitializer, runSchedule } from "./objects.ts";
import {
  runActivation,
  runOp,
  runPromotion,
  runRandom,
  runRandomExact,
  runSeedGenerator,
} from "./ops.ts";
import type { Case, CaseRunner, Mode } from "./run-case.ts";
import { runSaved } from "./saved.ts";
import { runLoss, runMetric, runOptimizer } from "./training.ts";
import { toleranceOfCase } from "./values.ts";

const runners: Readonly<Record<string, CaseRunner>> = {
  op: runOp,
  activation: runActivation,
  dtype_promotion: runPromotion,
  random: runRandom,
  random_exact: runRandomExact,
  seed_generator: runSeedGenerator,
  initializer: runInitializer,
  regularizer: runFunctionObject("regularizer"),
  constraint: runFunctionObject("constraint"),
  schedule: runSchedule,
  layer: runLayer,
  loss: runLoss,
  metric: runMetric,
  optimizer: runOptimizer,
  fit: runFit,
  saved: runSaved,
};

type Status = "passed" | "failed" | "unsupported";
interface Result {
  readonly id: string;
  readonly area: string;
  readonly status: Status;
  readonly reason?: string;
}
interface Count {
  passed: number;
  failed: number;
  unsupported: number;
  of: number;
}

const here = dirname(fileURLToPath(import.meta.url));
const repository = resolve(here, "../..");
const usage =
  "usage: conformance [--cases DIR] [--area RE] [--backend NAME] [--mode eager|jit|both] " +
  "[--failures N] [--json FILE]";

function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

interface Options {
  readonly cases: string;
  readonly area: RegExp;
  readonly backend: string;
  readonly mode: "eager" | "jit" | "both";
  readonly failures: number;
  readonly json: string | undefined;
}

function readOptions(): Options {
  let values: Record<string, string | undefined>;
  try {
    ({ values } = parseArgs({
      options: {
        cases: { type: "string" },
        area: { type: "string" },
        backend: { type: "string", default: "cpu" },
        mode: { type: "string", default: "both" },
        failures: { type: "string", default: "10" },
        json: { type: "string" },
      },
    }) as { values: Record<string, string | undefined> });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const mode = values["mode"];
  if (mode !== "eager" && mode !== "jit" && mode !== "both") return fail(`no mode "${mode}"`);
  const failures = Number(values["failures"]);
  if (!Number.isInteger(failures) || failures < 0) return fail("--failures takes a count");
  let area: RegExp;
  try {
    area = new RegExp(values["area"] ?? "");
  } catch {
    return fail(`--area takes a regular expression, not ${values["area"]}`);
  }
  return {
    cases: findCases(values["cases"]),
    area,
    backend: values["backend"] as string,
    mode,
    failures,
    json: values["json"],
  };
}

function findCases(given: string | undefined): string {
  if (given !== undefined) {
    if (!existsSync(given)) fail(`no folder ${given}`);
    return given;
  }
  const shared = resolve(repository, "../shared/conformance");
  if (existsSync(shared)) return shared;
  const sample = join(here, "sample");
  console.log(`${shared} is missing: running the sample of ${sample}`);
  return sample;
}

/** Cases that cannot be right, with the reasons; they count as failed all the same. */
function readExceptions(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(here, "exceptions.json"), "utf8")) as Record<string, string>;
}

async function runOne(test: Case, mode: Options["mode"]): Promise<Omit<Result, "id" | "area">> {
  const runner = runners[test.kind];
  if (runner === undefined) return { status: "failed", reason: `unknown kind ${test.kind}` };
  const modes: Mode[] = mode === "both" ? ["eager", "jit"] : [mode];
  for (const one of modes) {
    try {
      utils.clearSession();
      const reason = await runner(test, one);
      if (reason !== null) return { status: "failed", reason: `${one}: ${reason}` };
    } catch (error) {
      if (error instanceof UnsupportedError)
        return { status: "unsupported", reason: error.message };
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { status: "failed", reason: `${one}: ${text.split("\n").slice(0, 4).join(" | ")}` };
    }
  }
  return { status: "passed" };
}

async function main(): Promise<void> {
  const options = readOptions();
  process.env["KERATIN_CONFORMANCE_CASES"] = options.cases;
  try {
    await setDevice(options.backend);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  const areas = readdirSync(options.cases)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => name.slice(0, -".jsonl".length))
    .filter((name) => options.area.test(name))
    .sort();
  if (areas.length === 0) fail(`no area of ${options.cases} matches`);
  const results: Result[] = [];
  const counts: Record<string, Count> = {};
  for (const area of areas) {
    const count: Count = { passed: 0, failed: 0, unsupported: 0, of: 0 };
    counts[area] = count;
    const lines = createInterface({
      input: createReadStream(join(options.cases, `${area}.jsonl`)),
    });
    for await (const line of lines) {
      if (line.trim() === "") continue;
      const given = JSON.parse(line) as Case;
      const test = { ...given, tol: toleranceOfCase(given) };
      const result = await runOne(test, options.mode);
      count.of++;
      count[result.status]++;
      results.push({ id: test.id, area, ...result });
    }
    console.log(
      `${area.padEnd(24)} ${String(count.passed).padStart(5)} passed ${String(count.failed).padStart(5)} failed ` +
        `${String(count.unsupported).padStart(5)} unsupported, of ${count.of}`,
    );
  }
  const failed = results.filter((result) => result.status === "failed");
  // Where the case itself is wrong; each has its reason in the file.
  const known = readExceptions();
  const unexpected = failed.filter(({ id }) => known[id] === undefined);
  for (const { area, id } of failed) {
    if (known[id] !== undefined) console.log(`EXCEPTED ${area} ${id}: ${known[id]}`);
  }
  for (const { area, id, reason } of unexpected.slice(0, options.failures)) {
    console.log(`FAILED ${area} ${id}: ${reason ?? ""}`);
  }
  if (options.json !== undefined) {
    writeFileSync(
      options.json,
      JSON.stringify({
        backend: options.backend,
        mode: options.mode,
        areas: counts,
        cases: results,
      }),
    );
  }
  const passed = results.filter((result) => result.status === "passed").length;
  console.log(`conformance: ${passed} of ${results.length} passed`);
  process.exitCode = unexpected.length > 0 ? 1 : 0;
}

await main();
