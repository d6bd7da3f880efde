// Lets Node run the TypeScript of this repository as it is:
//   node --import ./scripts/ts-loader.mjs bench/main.ts
// "keratin" is then the source, not what was last built from it.
// Types are erased file by file; `npm run check` is what checks them.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { register } from "node:module";
import { fileURLToPath } from "node:url";

if (!import.meta.url.includes("?hooks")) register(`${import.meta.url}?hooks`);

const entry = new URL("../src/index.ts", import.meta.url).href;

export async function resolve(specifier, context, nextResolve) {
  if (specifier === "keratin") return { url: entry, shortCircuit: true };
  return nextResolve(specifier, context);
}

const cache = new URL("../node_modules/.cache/keratin-ts/", import.meta.url);
let ts;

export async function load(url, context, nextLoad) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
  const text = await readFile(fileURLToPath(url), "utf8");
  const cached = new URL(createHash("sha1").update(url).update(text).digest("hex"), cache);
  const source =
    (await readFile(cached, "utf8").catch(() => null)) ?? (await transpile(url, text, cached));
  return { format: "module", source, shortCircuit: true };
}

async function transpile(url, text, cached) {
  ts ??= (await import("typescript")).default;
  const { outputText } = ts.transpileModule(text, {
    fileName: fileURLToPath(url),
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  });
  // Renamed, since several processes may do the same.
  await mkdir(cache, { recursive: true });
  const temporary = new URL(`${cached.href}.${process.pid}`);
  await writeFile(temporary, outputText);
  await rename(temporary, cached);
  return outputText;
}
