#!/usr/bin/env node
/**
 * `npx keratin doctor` and `npx keratin build`.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatAttempts, loadAddon } from "../backends/native/loader.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What is here: the package, the addon, and where it was looked for. */
function doctor(): number {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  console.log(`keratin ${version}, Node ${process.version}, ${process.platform}-${process.arch}`);
  const { addon, attempts } = loadAddon();
  console.log(`native addon:\n${formatAttempts(attempts)}`);
  if (addon === null) {
    console.log("There is no CPU device. Build the addon: npx keratin build");
    return 1;
  }
  const { isa, supported, threads, compiler } = addon.info();
  console.log(`device: cpu, ${addon.kernels().length} kernels`);
  console.log(`instruction sets: ${supported.join(", ")} (using ${isa})`);
  console.log(`threads: ${threads}`);
  console.log(`compiler: ${compiler}`);
  return 0;
}

function build(): number {
  const script = join(root, "scripts/build-native.mjs");
  if (!existsSync(script)) {
    console.error(`${script} is missing: install the package again.`);
    return 1;
  }
  return (
    spawnSync(process.execPath, [script, ...process.argv.slice(3)], { stdio: "inherit" }).status ??
    1
  );
}

const commands: Readonly<Record<string, () => number>> = { doctor, build };
const command = commands[process.argv[2] ?? ""];
if (command === undefined) {
  console.error(
    "usage: keratin doctor   what is installed, and which device there is\n" +
      "       keratin build    compile the native addon here",
  );
  process.exitCode = 2;
} else process.exitCode = command();
