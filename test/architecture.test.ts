/**
 * Who may import whom, read from the imports.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What the files of each folder of src/ may import beside their own folder. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  util: [],
  platform: ["util"],
  runtime: ["util"],
  tensor: ["runtime", "util"],
  jit: ["tensor", "runtime", "util"],
  autograd: ["tensor", "runtime", "util"],
  ops: ["autograd", "jit", "tensor", "runtime", "util"],
  nn: ["ops", "autograd", "jit", "tensor", "runtime", "util"],
  keras: ["nn", "ops", "autograd", "jit", "tensor", "runtime", "platform", "util"],
  backends: ["runtime", "util"],
  cli: ["backends", "runtime", "util"],
};
/** Where Node's own modules may be imported. */
const nodeFiles = [/^backends\/native\//, /^platform\/node\.ts$/, /^cli\//];
/** The package's entries: the only files outside of a folder. */
const entries = ["api.ts", "index.ts", "index.browser.ts"];
const maxLines = 600;

function filesBelow(folder: string, endings: readonly string[]): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, endings);
    return endings.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
  });
}

/** With `types`, also what only types are imported from: erased when compiled. */
function importsOf(text: string, types: boolean): string[] {
  const found = text.matchAll(
    /^(?:import|export)\b[^;'"]*?from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return [...found]
    .filter((match) => types || !/^(?:import|export) type\b/.test(match[0]))
    .map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

const source = join(root, "src");
const files = new Map(
  filesBelow(source, [".ts"]).map((path) => [
    relative(source, path),
    {
      all: importsOf(readFileSync(path, "utf8"), true),
      loaded: importsOf(readFileSync(path, "utf8"), false),
    },
  ]),
);

function layerOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] as string) : "";
}

/** Imports of our own files, by their path below src/. */
function ownImports(file: string, kind: "all" | "loaded" = "all"): string[] {
  return (files.get(file)?.[kind] ?? [])
    .filter((name) => name.startsWith("."))
    .map((name) => relative(source, resolve(source, dirname(file), name)));
}

describe("architecture", () => {
  it("finds the source", () => {
    expect(files.size).toBeGreaterThan(100);
    expect(ownImports("index.ts")).toContain("api.ts");
  });

  it("has no folder that the house does not know, and no other entry", () => {
    const layers = new Set([...files.keys()].map(layerOf));
    layers.delete("");
    expect([...layers].filter((layer) => !(layer in mayImport))).toEqual([]);
    expect([...files.keys()].filter((f) => layerOf(f) === "" && !entries.includes(f))).toEqual([]);
  });

  it("imports downwards only", () => {
    const wrong: string[] = [];
    for (const file of files.keys()) {
      const layer = layerOf(file);
      if (layer === "") continue;
      for (const target of ownImports(file)) {
        const to = layerOf(target);
        if (to !== layer && !mayImport[layer]?.includes(to)) wrong.push(`${file} → ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("imports files that exist, with their ending", () => {
    const wrong: string[] = [];
    for (const file of files.keys()) {
      for (const target of ownImports(file)) {
        if (!files.has(target)) wrong.push(`${file} → ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("never imports its own folder's index", () => {
    const wrong: string[] = [];
    for (const file of files.keys()) {
      for (const target of ownImports(file)) {
        if (target === join(dirname(file), "index.ts") && layerOf(file) !== "") {
          wrong.push(`${file} → ${target}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("has no cycles of loading", () => {
    const done = new Set<string>();
    const path: string[] = [];
    const cycles: string[] = [];
    const visit = (file: string): void => {
      if (done.has(file)) return;
      const at = path.indexOf(file);
      if (at >= 0) {
        cycles.push([...path.slice(at), file].join(" → "));
        return;
      }
      path.push(file);
      for (const target of ownImports(file, "loaded")) visit(target);
      path.pop();
      done.add(file);
    };
    for (const file of files.keys()) visit(file);
    expect(cycles).toEqual([]);
  });

  it("uses Node's modules only where Node is", () => {
    const wrong: string[] = [];
    for (const [file, { all }] of files) {
      if (nodeFiles.some((pattern) => pattern.test(file))) continue;
      for (const name of all) if (name.startsWith("node:")) wrong.push(`${file}: ${name}`);
    }
    expect(wrong).toEqual([]);
  });

  it("has one file that includes napi.h", () => {
    const including = filesBelow(join(root, "native"), [".cc", ".h"])
      .filter((path) => /#include\s*[<"]napi\.h[>"]/.test(readFileSync(path, "utf8")))
      .map((path) => relative(root, path));
    expect(including).toEqual(["native/addon.cc"]);
  });

  it("describes every kernel in kernels/README.md", () => {
    const sources = filesBelow(join(root, "native", "cpu"), [".cc"]);
    const names = sources.flatMap((path) =>
      [...readFileSync(path, "utf8").matchAll(/registry\.Add\(\s*"(\w+)"/g)].map((m) => m[1]),
    );
    expect(names.length).toBeGreaterThan(100);
    const contract = readFileSync(join(root, "kernels", "README.md"), "utf8");
    expect(names.filter((name) => !contract.includes(`\`${name}\``))).toEqual([]);
  });

  it(`has no file of more than ${maxLines} lines`, () => {
    const folders = ["src", "native", "kernels", "test", "bench", "examples", "scripts"];
    const long = folders
      .flatMap((folder) => {
        try {
          return filesBelow(join(root, folder), [".ts", ".mjs", ".cc", ".h", ".cu", ".wgsl"]);
        } catch {
          return [];
        }
      })
      .map((path) => ({ path, lines: readFileSync(path, "utf8").split("\n").length - 1 }))
      .filter(({ lines }) => lines > maxLines)
      .map(({ path, lines }) => `${relative(root, path)}: ${lines}`);
    expect(long).toEqual([]);
  });
});
