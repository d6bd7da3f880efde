#!/usr/bin/env node
// Puts the addon of this machine into prebuilds/, from where the published
// package loads it.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
execFileSync(process.execPath, [join(root, "scripts/build-native.mjs")], { stdio: "inherit" });
const built = join(root, "build/Release/keratin.node");
if (!existsSync(built)) process.exit(1);
const folder = join(root, "prebuilds", `${process.platform}-${process.arch}`);
mkdirSync(folder, { recursive: true });
copyFileSync(built, join(folder, "keratin.node"));
if (process.platform === "linux") spawnSync("strip", ["-s", join(folder, "keratin.node")]);
