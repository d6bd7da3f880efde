#!/usr/bin/env node
// Builds and runs the C++ tests under sanitizers: all of them under ASan and
// UBSan, those of the runtime and of kernels on several threads under TSan.
//
//   node scripts/test-native.mjs [--plain]
import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const hasNinja = spawnSync("ninja", ["--version"]).status === 0;
const runs = process.argv.includes("--plain")
  ? [["plain", "", []]]
  : [
      ["address", "address,undefined,float-cast-overflow", []],
      ["thread", "thread", ["parallel_", "context_", "control_", "loop_", "threads"]],
    ];
for (const [name, sanitizers, filter] of runs) {
  const folder = join(root, "build-test", name);
  const options = ["-DKERATIN_TESTS=ON", `-DKERATIN_SANITIZE=${sanitizers}`];
  if (hasNinja) options.push("-GNinja");
  console.log(`native tests: ${name}`);
  // Asking for more memory than there is must fail, not end the test.
  const env = { ...process.env, ASAN_OPTIONS: "allocator_may_return_null=1" };
  const run = (command, args) => execFileSync(command, args, { cwd: root, env, stdio: "inherit" });
  run("cmake", ["-S", root, "-B", folder, ...options]);
  run("cmake", ["--build", folder, "--parallel", "2"]);
  run(join(folder, "keratin_test"), filter);
}
