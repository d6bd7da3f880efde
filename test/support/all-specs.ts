/**
 * The specs of all op tests, outside of vitest too.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { register } from "node:module";
import { collectOpTests, type NamedSpec } from "./op-test.ts";

const root = new URL("../", import.meta.url);

/** Resolves "vitest" to what defines no tests, once for all imports that follow. */
function withoutVitest(): void {
  const hooks = `export const resolve = (name, context, next) =>
    name === "vitest"
      ? { url: ${JSON.stringify(new URL("no-vitest.ts", import.meta.url).href)}, shortCircuit: true }
      : next(name, context);`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}

/** A spec and the test file that it stands in, below test/. */
export interface FiledSpec {
  readonly file: string;
  readonly spec: NamedSpec;
}

/** Every spec of the op tests in test/ops, test/nn and test/tensor. */
export async function allSpecs(): Promise<FiledSpec[]> {
  withoutVitest();
  const found: FiledSpec[] = [];
  for (const folder of ["ops", "nn", "tensor"]) {
    for (const name of readdirSync(new URL(folder, root)).sort()) {
      const file = `${folder}/${name}`;
      const url = new URL(file, root);
      // Only files with op tests; coverage.test.ts collects them itself.
      if (!name.endsWith(".test.ts") || name === "coverage.test.ts") continue;
      if (!/\b(op|unary|binary)Test\(/.test(readFileSync(url, "utf8"))) continue;
      for (const spec of await collectOpTests(() => import(url.href))) found.push({ file, spec });
    }
  }
  return found;
}
