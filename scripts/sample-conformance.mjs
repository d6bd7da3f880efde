#!/usr/bin/env node
// Writes test/conformance/sample: every k-th case of each area, with the files
// it names, so that a clone by itself is held against real Keras.
//
//   node scripts/sample-conformance.mjs DIR
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const from = process.argv[2];
if (from === undefined || !existsSync(from)) {
  console.error("usage: node scripts/sample-conformance.mjs DIR");
  process.exit(2);
}
const to = join(root, "test/conformance/sample");
/** One case in so many; of the saved files, which are large, fewer. */
const every = 8;
const everySaved = 5;
/** Cases larger than this are left to the whole set. */
const maxLine = 60_000;
const maxFile = 120_000;

rmSync(to, { recursive: true, force: true });
mkdirSync(join(to, "saved"), { recursive: true });
let bytes = 0;
let count = 0;
for (const name of readdirSync(from).filter((file) => file.endsWith(".jsonl"))) {
  const isSaved = name === "saved.jsonl";
  const lines = readFileSync(join(from, name), "utf8")
    .split("\n")
    .filter((line) => line !== "" && line.length <= maxLine)
    .filter((_, i) => i % (isSaved ? everySaved : every) === 0)
    .filter((line) => {
      if (!isSaved) return true;
      const { file, files = [file] } = JSON.parse(line);
      const paths = files.map((part) => join(from, part));
      if (paths.some((path) => !statSync(path).isFile() || statSync(path).size > maxFile)) {
        return false;
      }
      for (const part of files) copyFileSync(join(from, part), join(to, part));
      bytes += paths.reduce((sum, path) => sum + statSync(path).size, 0);
      return true;
    });
  writeFileSync(join(to, name), `${lines.join("\n")}\n`);
  bytes += lines.reduce((sum, line) => sum + line.length + 1, 0);
  count += lines.length;
}
console.log(`${count} cases, ${(bytes / 1e6).toFixed(1)} MB`);
