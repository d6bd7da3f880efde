/** Every `@example` in a docstring of src runs, and its `// value` comments hold. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as keratin from "../src/index.ts";
import { compileExample, findExamples, literalOf, matches } from "./support/examples.ts";

const source = fileURLToPath(new URL("../src", import.meta.url));
const home = process.cwd();
let folder = "";

beforeAll(() => {
  // Examples that write files do it there.
  folder = mkdtempSync(join(tmpdir(), "keratin-docs-"));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

const AsyncFunction = (async () => {}).constructor as new (
  ...args: string[]
) => (...args: unknown[]) => Promise<void>;

describe("examples", () => {
  for (const { file, line, code } of findExamples(source)) {
    test(`${file}:${line}`, async () => {
      expect(code, "an empty example").not.toBe("");
      // What the package exports, and what the file itself does.
      const own = (await import(join(source, file))) as Record<string, unknown>;
      const scope: Record<string, unknown> = { ...own, ...keratin };
      const check = (actual: unknown, expected: string, text: string): void => {
        const literal = literalOf(expected) as { value: unknown };
        if (!matches(actual, literal.value, expected)) {
          expect(actual, `${text} // ${expected}`).toEqual(literal.value);
          expect.fail(`${text} gives ${String(actual)}, the example says ${expected}`);
        }
      };
      const run = new AsyncFunction("check", ...Object.keys(scope), compileExample(code));
      await run(check, ...Object.values(scope));
    });
  }
});

describe("the test of examples", () => {
  const failing = async (code: string): Promise<string[]> => {
    const found: string[] = [];
    const check = (actual: unknown, expected: string): void => {
      if (!matches(actual, literalOf(expected)?.value, expected)) found.push(expected);
    };
    await new AsyncFunction("check", compileExample(code))(check);
    return found;
  };

  test("finds values that differ", async () => {
    expect(await failing("1 + 1; // 3\n[1,\n 2]; // [1, 3]")).toEqual(["3", "[1, 3]"]);
    expect(await failing("await 0.0913; // 0.0900\n0.09004; // 0.0900")).toEqual(["0.0900"]);
    expect(await failing('"a"; // "b"\ntrue; // false\n[1]; // [1, 2]')).toHaveLength(3);
  });

  test("passes values that agree, and prose", async () => {
    const code = "const x = 2; // two\nx * 2; // 4\n({ a: [x] }); // { a: [2] }\nx; // its value";
    expect(await failing(code)).toEqual([]);
  });
});
