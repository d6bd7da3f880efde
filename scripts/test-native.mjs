#!/usr/bin/env node
// Builds and runs the C++ tests: all of them under ASan and UBSan, those of the
// runtime and of kernels on several threads under TSan.
//
//   node scripts/test-native.mjs            with sanitizers
//   node scripts/test-native.mjs --plain    without
//   node scripts/test-native.mjs --arm64    for 64-bit ARM, under qemu (Debian:
//                                           g++-aarch64-linux-gnu, qemu-user-static)
import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const has = (command) => spawnSync(command, ["--version"]).status === 0;
const cross = "aarch64-linux-gnu-g++";
const emulator = "qemu-aarch64-static";
const arm64 = {
  name: "arm64",
  options: [
    "-DCMAKE_SYSTEM_NAME=Linux",
    "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
    `-DCMAKE_CXX_COMPILER=${cross}`,
  ],
  runner: [emulator, "-L", "/usr/aarch64-linux-gnu"],
};
const sanitized = [
  { name: "address", options: ["-DKERATIN_SANITIZE=address,undefined,float-cast-overflow"] },
  {
    name: "thread",
    options: ["-DKERATIN_SANITIZE=thread"],
    filter: ["parallel_", "context_", "control_", "loop_", "threads"],
  },
];
const [mode] = process.argv.slice(2);
const runs =
  mode === "--plain" ? [{ name: "plain", options: [] }] : mode === "--arm64" ? [arm64] : sanitized;
const missing = runs.includes(arm64) ? [cross, emulator].filter((command) => !has(command)) : [];
if (missing.length > 0) {
  console.log(`native tests: arm64 skipped, there is no ${missing.join(" and no ")}`);
  process.exit(0);
}
for (const { name, options, runner = [], filter = [] } of runs) {
  const folder = join(root, "build-test", name);
  const generator = has("ninja") ? ["-GNinja"] : [];
  console.log(`native tests: ${name}`);
  // Asking for more memory than there is must fail, not end the test.
  const env = { ...process.env, ASAN_OPTIONS: "allocator_may_return_null=1" };
  const run = (command, args) => execFileSync(command, args, { cwd: root, env, stdio: "inherit" });
  run("cmake", ["-S", root, "-B", folder, "-DKERATIN_TESTS=ON", ...options, ...generator]);
  run("cmake", ["--build", folder, "--parallel", "2"]);
  const [command, ...args] = [...runner, join(folder, "keratin_test"), ...filter];
  run(command, args);
}
