/**
 * `npx keratin` and what it says when the addon is missing.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatAttempts, loadAddon } from "../src/backends/native/loader.ts";
import { root, runNode } from "./support/run-node.ts";

const cli = "src/cli/main.ts";

describe("keratin doctor", () => {
  it("tells device, instruction sets, threads, versions and attempts", async () => {
    const { stdout, code } = await runNode(cli, { args: ["doctor"] });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^keratin \d+\.\d+\.\d+, Node v\d+/);
    expect(stdout).toMatch(/keratin\.node \(built here\): loaded/);
    expect(stdout).toMatch(/device: cpu, \d+ kernels/);
    expect(stdout).toMatch(/instruction sets: baseline.*\(using /);
    expect(stdout).toMatch(/threads: \d+/);
    expect(stdout).toMatch(/compiler: /);
  });

  it("obeys KERATIN_ISA and KERATIN_THREADS", async () => {
    const env = { KERATIN_ISA: "baseline", KERATIN_THREADS: "1" };
    const { stdout } = await runNode(cli, { args: ["doctor"], env });
    expect(stdout).toContain("(using baseline)");
    expect(stdout).toContain("threads: 1");
  });

  it("lists every attempt where none works", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keratin-cli-"));
    const broken = join(folder, "keratin.node");
    writeFileSync(broken, "no library");
    const { addon, attempts } = withNative(broken, loadAddon);
    rmSync(folder, { recursive: true });
    // The named one comes first, is reported, and does not end the search.
    expect(attempts[0]).toMatchObject({ path: broken, origin: "KERATIN_NATIVE" });
    expect(attempts[0]?.error).toBeTruthy();
    expect(addon).not.toBe(null);
    expect(formatAttempts(attempts)).toContain(broken);
  });

  it("says how it is used", async () => {
    const { stderr, code } = await runNode(cli, { args: ["dance"] });
    expect(code).toBe(2);
    expect(stderr).toContain("usage: keratin doctor");
  });
});

describe("the native build", () => {
  const build = (env: Record<string, string>): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [join(root, "scripts/build-native.mjs")], {
      encoding: "utf8",
      env: { ...process.env, CXX: "/no/such/compiler", npm_lifecycle_event: "", ...env },
    });

  it("says what to install where there is no compiler", () => {
    const { status, stderr } = build({});
    expect(status).toBe(1);
    expect(stderr).toContain("missing a C++20 compiler");
    expect(stderr).toContain("apt-get install g++");
  });

  it("lets npm ci go on without it", () => {
    const { status, stderr } = build({ npm_lifecycle_event: "prepare" });
    expect(status).toBe(0);
    expect(stderr).toContain("apt-get install g++");
  });
});

function withNative<T>(path: string, fn: () => T): T {
  const before = process.env["KERATIN_NATIVE"];
  process.env["KERATIN_NATIVE"] = path;
  try {
    return fn();
  } finally {
    if (before === undefined) delete process.env["KERATIN_NATIVE"];
    else process.env["KERATIN_NATIVE"] = before;
  }
}
