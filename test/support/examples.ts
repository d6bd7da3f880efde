/**
 * The examples of docstrings.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** One `@example`. */
export interface Example {
  /** Relative to the folder that was searched. */
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

/** All examples of the TypeScript files below a folder. */
export function findExamples(root: string): Example[] {
  const found: Example[] = [];
  for (const entry of readdirSync(root, { recursive: true }) as string[]) {
    if (!entry.endsWith(".ts")) continue;
    const lines = readFileSync(join(root, entry), "utf8").split("\n");
    for (const [i, line] of lines.entries()) {
      if (!/^\s*\* @example\s*$/.test(line)) continue;
      const code: string[] = [];
      for (let k = i + 1; k < lines.length; k++) {
        const text = (lines[k] as string).match(/^\s*\*(?!\/) ?(.*)$/)?.[1];
        if (text === undefined || /^@\w/.test(text)) break;
        if (!text.startsWith("```")) code.push(text);
      }
      found.push({ file: entry, line: i + 1, code: code.join("\n").trim() });
    }
  }
  return found;
}

/** What an example says of one expression: `expression; // value`. */
export type Check = (actual: unknown, expected: string, source: string) => void;

/** The literal that a comment stands for; undefined for prose. */
export function literalOf(comment: string): { value: unknown } | undefined {
  if (!/^(-?[\d.]|-?Infinity\b|NaN\b|\[|"|\{|true\b|false\b|null\b|undefined\b)/.test(comment)) {
    return undefined;
  }
  try {
    return { value: new Function(`"use strict"; return (${comment});`)() };
  } catch {
    return undefined;
  }
}

/** An example as the body of an async function in which `check` is called for each value. */
export function compileExample(code: string): string {
  const file = ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2022, true);
  let body = "";
  for (const statement of file.statements) {
    const text = statement.getText(file);
    const comment = ts
      .getTrailingCommentRanges(code, statement.getEnd())
      ?.map(({ pos, end }) => code.slice(pos, end).replace(/^\/\/\s*/, ""))[0];
    const isCheck =
      ts.isExpressionStatement(statement) &&
      comment !== undefined &&
      literalOf(comment) !== undefined;
    body += isCheck
      ? `check(${statement.expression.getText(file)}, ${JSON.stringify(comment)}, ` +
        `${JSON.stringify(text)});\n`
      : `${text}\n`;
  }
  return ts.transpileModule(body, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  }).outputText;
}

/** Whether a value is what a literal says; decimals to the places that it has. */
export function matches(actual: unknown, expected: unknown, text: string): boolean {
  if (typeof actual === "number" && typeof expected === "number") {
    if (Object.is(actual, expected)) return true;
    const places = Math.max(0, ...[...text.matchAll(/\.(\d+)/g)].map(([, d]) => d?.length ?? 0));
    const exponent = Number(text.match(/e([-+]?\d+)/)?.[1] ?? 0);
    // Integers are exact.
    return places > 0 && Math.abs(actual - expected) <= 0.500001 * 10 ** (exponent - places);
  }
  if (ArrayBuffer.isView(actual)) {
    return matches(Array.from(actual as Float32Array), expected, text);
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return (
      actual.length === expected.length &&
      actual.every((value, i) => matches(value, expected[i], text))
    );
  }
  if (isRecord(actual) && isRecord(expected)) {
    const keys = Object.keys(expected);
    return (
      keys.length === Object.keys(actual).length &&
      keys.every((key) => matches(actual[key], expected[key], text))
    );
  }
  return Object.is(actual, expected);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
