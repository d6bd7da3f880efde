#!/usr/bin/env node
// Tests need the addon: without it they fail here, saying what is missing.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
try {
  execFileSync(process.execPath, [join(root, "scripts/build-native.mjs")], { stdio: "inherit" });
} catch {
  process.exit(1);
}
if (!existsSync(join(root, "build/Release/keratin.node"))) process.exit(1);
