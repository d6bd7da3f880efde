/**
 * What is published: the files of the tarball, and a project that installs it.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./support/run-node.ts";

const folder = mkdtempSync(join(tmpdir(), "keratin-package-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What may be in the tarball. */
const wanted = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^CMakeLists\.txt$/,
  /^dist\/.*\.(js|d\.ts|js\.map)$/,
  /^prebuilds\/[a-z0-9]+-[a-z0-9]+\/keratin\.node$/,
  /^native\/(addon|cpu|cuda|runtime)\/.*\.(cc|h|cu|cuh|inc)$/,
  /^native\/(addon\.cc|kernel\.h|sources\.json)$/,
  /^kernels\/(README\.md|wgsl\/.*\.wgsl)$/,
  /^scripts\/(build-native|native-sources)\.mjs$/,
];

describe("the published package", () => {
  let tarball = "";
  let files: string[] = [];

  beforeAll(() => {
    const output = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    // What the build scripts print comes before the list.
    const [packed] = JSON.parse(output.slice(output.search(/^\[\s*$/m))) as {
      filename: string;
      files: { path: string }[];
    }[];
    tarball = join(folder, packed?.filename as string);
    files = (packed?.files ?? []).map(({ path }) => path);
  }, 600_000);

  it("contains what it should and nothing else", () => {
    expect(files.filter((path) => !wanted.some((pattern) => pattern.test(path)))).toEqual([]);
    for (const path of ["dist/index.js", "dist/index.d.ts", "dist/index.browser.js", "LICENSE"]) {
      expect(files).toContain(path);
    }
    expect(files.some((path) => path.startsWith("prebuilds/"))).toBe(true);
    // Everything that `keratin build` compiles.
    const sources = JSON.parse(readFileSync(join(root, "native/sources.json"), "utf8")) as Record<
      string,
      string[]
    >;
    for (const part of ["cpu", "portable", "runtime", "addon"]) {
      for (const path of sources[part] as string[]) expect(files).toContain(path);
    }
  });

  it("exports files that it has", () => {
    const { exports, bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      exports: Record<string, string | Record<string, string>>;
      bin: Record<string, string>;
    };
    const named = [...Object.values(exports), bin].flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    for (const path of named) expect(files).toContain(path.replace(/^\.\//, ""));
  });

  it("trains where it is installed", { timeout: 300_000 }, () => {
    const project = join(folder, "project");
    cpSync(join(root, "examples"), project, { recursive: true });
    writeFileSync(join(project, "package.json"), '{ "name": "project", "type": "module" }\n');
    const options = { cwd: project, encoding: "utf8" } as const;
    execFileSync(
      "npm",
      ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball],
      options,
    );
    expect(execFileSync("node", ["first.mjs"], options)).toMatch(/loss, accuracy: \[ 0\.\d+, 0\.9/);
    expect(execFileSync("npx", ["keratin", "doctor"], options)).toContain("(prebuilt): loaded");
  });
});
