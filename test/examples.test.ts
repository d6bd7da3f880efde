/**
 * The programs of examples/ and of the README run as they stand there.
 *
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { root, runNode } from "./support/run-node.ts";

/** What other programs import. */
const helpers = ["digits.mjs"];
/** What each must have printed. */
const output: Readonly<Record<string, RegExp>> = {
  "custom-layer.mjs": /^loss: 0\.\d+ → 0\.0\d+$/m,
  "first.mjs": /loss, accuracy: \[ 0\.\d+, 0\.9\d+ \]/,
  "gradients.mjs": /^the line: +2\.000 x \+ 1\.000$/m,
  "quickstart.mjs": /accuracy 9[789]\.\d+ %[\s\S]*predictions differ by 0$/m,
};

const programs = readdirSync(join(root, "examples"))
  .filter((name) => name.endsWith(".mjs") && !helpers.includes(name))
  .sort();
const folder = mkdtempSync(join(tmpdir(), "keratin-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("examples", () => {
  it("are all known here", () => {
    expect(programs).toEqual(Object.keys(output));
  });

  it.each(programs)("%s runs", { timeout: 120_000 }, async (name) => {
    const { stdout, stderr, code } = await runNode(join("examples", name), { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(output[name] as RegExp);
  });

  it("the README shows the first of them", () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);
    expect(blocks).toContain(readFileSync(join(root, "examples/first.mjs"), "utf8"));
  });
});
