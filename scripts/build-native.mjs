#!/usr/bin/env node
// Builds the native addon into build/Release/keratin.node, unless it is there
// already from the same sources, compiler and flags.
//
//   node scripts/build-native.mjs [--gyp] [--force]
//
// CMake, through cmake-js, is the build; --gyp makes the same addon with
// node-gyp. Without a compiler or CMake it says what to install and exits 0
// under `npm ci` (documentation and browser work need no addon), else 1.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const useGyp = process.argv.includes("--gyp");
const force = process.argv.includes("--force");
const underInstall = process.env.npm_lifecycle_event === "prepare";
const binary = join(root, "build/Release/keratin.node");
const stamp = join(root, "build/keratin.stamp");

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

function output(command, args) {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? result.stdout.split("\n")[0] : null;
}

const compiler = process.env.CXX ?? "c++";
const compilerVersion = output(compiler, ["--version"]);
const needed = [];
if (compilerVersion === null)
  needed.push(["a C++20 compiler", "g++", "the command line tools (xcode-select --install)"]);
if (useGyp) {
  if (output("python3", ["--version"]) === null) needed.push(["Python 3", "python3", "python"]);
  if (output("make", ["--version"]) === null) needed.push(["make", "make", "make"]);
} else {
  if (output("cmake", ["--version"]) === null) needed.push(["CMake", "cmake", "cmake"]);
  if (output("ninja", ["--version"]) === null && output("make", ["--version"]) === null) {
    needed.push(["make or ninja", "make", "make"]);
  }
}
if (needed.length > 0) {
  console.error(
    [
      "",
      "keratin: the native addon was not built: missing " +
        `${needed.map(([what]) => what).join(", ")}.`,
      `  Debian, Ubuntu: apt-get install ${needed.map(([, debian]) => debian).join(" ")}`,
      `  macOS:          brew install ${needed.map(([, , mac]) => mac).join(" ")}`,
      "  then:           node scripts/build-native.mjs",
      "  Until then there is no CPU backend; `npx keratin doctor` tells what is found.",
      "",
    ].join("\n"),
  );
  process.exit(underInstall ? 0 : 1);
}

const hash = createHash("sha256");
hash.update(`${compilerVersion} ${process.platform} ${process.arch} ${useGyp ? "gyp" : "cmake"}`);
for (const name of ["CMakeLists.txt", "binding.gyp"]) {
  if (existsSync(join(root, name))) hash.update(readFileSync(join(root, name)));
}
for (const path of [...files(join(root, "native"))].sort()) {
  const name = relative(root, path);
  if (name.startsWith(join("native", "test"))) continue;
  hash.update(name).update(readFileSync(path));
}
const wanted = hash.digest("hex");
if (!force && existsSync(binary) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
  process.exit(0);
}

const started = Date.now();
mkdirSync(join(root, "build"), { recursive: true });
rmSync(stamp, { force: true });
const run = (script, args) =>
  execFileSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });

// cmake-js is here when the package is developed; where it was installed from
// the registry, plain CMake does the same.
function buildWithCMake() {
  let script;
  try {
    script = require.resolve("cmake-js/bin/cmake-js");
  } catch {
    const options = { cwd: root, stdio: ["ignore", "inherit", "inherit"] };
    const output = `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${join(root, "build/Release")}`;
    execFileSync(
      "cmake",
      ["-S", root, "-B", "build", "-DCMAKE_BUILD_TYPE=Release", output],
      options,
    );
    execFileSync("cmake", ["--build", "build", "--parallel", "4"], options);
    return;
  }
  run(script, ["compile", "--log-level=warn", "--parallel", "4"]);
}

// node-gyp would download Node's headers. All that the addon needs of them
// comes with node-api-headers, so it gets a folder with empty settings instead.
function emptyNodeDirectory() {
  const include = join(root, "build-gyp/include/node");
  mkdirSync(include, { recursive: true });
  writeFileSync(
    join(include, "common.gypi"),
    JSON.stringify({
      target_defaults: { default_configuration: "Release", configurations: { Release: {} } },
    }),
  );
  writeFileSync(
    join(include, "config.gypi"),
    JSON.stringify({ target_defaults: {}, variables: {} }),
  );
  writeFileSync(
    join(include, "node_version.h"),
    process.versions.node
      .split(".")
      .map((part, i) => `#define NODE_${["MAJOR", "MINOR", "PATCH"][i]}_VERSION ${part}\n`)
      .join(""),
  );
  return join(root, "build-gyp");
}

try {
  if (useGyp) {
    const headers = emptyNodeDirectory();
    run(require.resolve("node-gyp/bin/node-gyp.js"), [
      "rebuild",
      "--loglevel=warn",
      `--nodedir=${headers}`,
      "-j",
      "max",
    ]);
  } else {
    buildWithCMake();
  }
} catch (error) {
  console.error(`keratin: the native build failed: ${error.message}`);
  process.exit(1);
}
writeFileSync(stamp, wanted);
console.error(
  `keratin: native addon built in ${((Date.now() - started) / 1000).toFixed(0)} s (${compilerVersion})`,
);
