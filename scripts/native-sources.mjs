#!/usr/bin/env node
// Writes the lists that both native builds read, from what lies in native/:
//   native/sources.json       the sources of each part
//   native/cpu/families.inc   one line per kernel family
//
//   node scripts/native-sources.mjs [--check]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".cc"))
    .sort()
    .map((name) => `${folder}/${name}`);
const family = (path) => path.replace(/^.*\//, "").replace(/\.cc$/, "");

const lists = {
  // Compiled once for each instruction set.
  cpu: sources("native/cpu"),
  // Compiled once.
  portable: sources("native/cpu/portable"),
  runtime: sources("native/runtime"),
  addon: ["native/addon.cc", ...sources("native/addon")],
  test: sources("native/test"),
};
const files = {
  "native/sources.json": `${JSON.stringify(lists, null, 2)}\n`,
  "native/cpu/families.inc": [
    "// Made by scripts/native-sources.mjs: the kernel families.",
    ...lists.cpu.map((path) => `KERATIN_FAMILY(${family(path)})`),
    ...lists.portable.map((path) => `KERATIN_PORTABLE_FAMILY(${family(path)})`),
    "",
  ].join("\n"),
};

const stale = Object.keys(files).filter((path) => {
  try {
    return readFileSync(join(root, path), "utf8") !== files[path];
  } catch {
    return true;
  }
});
if (process.argv.includes("--check")) {
  if (stale.length > 0) {
    console.error(`${stale.join(" and ")} out of date: run node scripts/native-sources.mjs`);
    process.exit(1);
  }
} else {
  for (const path of stale) writeFileSync(join(root, path), files[path]);
}
