/**
 * Configs as JSON text that Python reads as it should.
 *
 * @module
 */

/** Arguments that Keras refuses as Python ints: a whole number is written as `0.0`. */
const floatKeys: ReadonlySet<string> = new Set(["beta", "learning_rate", "momentum", "threshold"]);

/** The JSON text of a config. */
export function configToJson(config: unknown): string {
  return write(config, "") ?? "null";
}

/** undefined for what JSON leaves out, as `JSON.stringify` does. */
function write(value: unknown, key: string): string | undefined {
  if (typeof value === "number" && Number.isInteger(value) && floatKeys.has(key)) {
    return value.toFixed(1);
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, key) ?? "null").join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([name, item]) => {
    const text = write(item, name);
    return text === undefined ? null : `${JSON.stringify(name)}:${text}`;
  });
  return `{${parts.filter((part) => part !== null).join(",")}}`;
}
