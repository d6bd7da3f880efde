#!/usr/bin/env node
// Compares two builds of the addon: they must export the same and offer the
// same kernels.
//
//   node scripts/check-symbols.mjs a/keratin.node b/keratin.node
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const paths = process.argv.slice(2);
if (paths.length !== 2) {
  console.error("usage: node scripts/check-symbols.mjs A B");
  process.exit(2);
}
const require = createRequire(import.meta.url);

function describe(path) {
  const exported = execFileSync("nm", ["-D", "--defined-only", "-j", path], { encoding: "utf8" })
    .split("\n")
    .filter((name) => name !== "" && !name.startsWith("_"))
    .sort();
  const addon = require(resolve(path));
  const kernels = addon
    .kernels()
    .map(([name, dtypes]) => `${name} ${dtypes}`)
    .sort();
  return { exported, functions: Object.keys(addon).sort(), kernels };
}

const [a, b] = paths.map(describe);
let failed = false;
for (const key of Object.keys(a)) {
  const missing = a[key].filter((name) => !b[key].includes(name));
  const extra = b[key].filter((name) => !a[key].includes(name));
  if (missing.length + extra.length > 0) {
    failed = true;
    console.error(
      `${key}: only in ${paths[0]}: ${missing.join(", ")}; only in ${paths[1]}: ${extra.join(", ")}`,
    );
  }
}
if (failed) process.exit(1);
console.log(
  `the same ${a.exported.length} symbols, ${a.functions.length} functions and ${a.kernels.length} kernels`,
);
