/**
 * Objects to Keras's JSON and back.
 *
 * A config only ever names what is registered here; it never runs code.
 *
 * @module
 */
import { tensor } from "../../tensor/create.ts";
import { publicOpNamed } from "../../tensor/public-op.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { isDType } from "../../util/dtypes.ts";
import {
  ArgumentError,
  describe,
  KeratinError,
  SerializationError,
  UnsupportedError,
} from "../../util/errors.ts";
import { toCamelCase } from "../../util/naming.ts";
import { isPlainObject } from "../../util/pytree.ts";
import { type Config, type KerasClass, KerasObject } from "../object.ts";
import {
  getRegisteredName,
  getRegisteredObject,
  isRegistered,
  namespaceOf,
} from "./registration.ts";

/** A serialized object. */
export interface SerializedObject {
  /** Missing in older files. */
  module?: string | null;
  class_name: string;
  config: unknown;
  registered_name: string | null;
  build_config?: unknown;
  compile_config?: unknown;
}

/** Deepest nesting of a config: beyond it a file is refused. */
const maxDepth = 200;

/** What an object with hooks of its own adds to its serialized form. */
export interface SelfSerializing {
  getConfig(): Config;
  getBuildConfig?(): unknown;
  getCompileConfig?(): unknown;
}

/**
 * The JSON form of any value that configs hold.
 *
 * @throws {SerializationError} For values that have none.
 */
export function serializeKerasObject(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") {
    return value;
  }
  if (value instanceof KerasObject || isSelfSerializing(value)) return serializeInstance(value);
  if (Array.isArray(value)) return value.map(serializeKerasObject);
  if (value instanceof Tensor) {
    return {
      class_name: "__tensor__",
      config: { value: value.arraySync(), dtype: value.dtype },
    };
  }
  if (typeof value === "function") {
    if (!isRegistered(value)) {
      throw new SerializationError(
        `The function ${value.name || "(without a name)"} cannot be saved: register it with ` +
          "saving.registerKerasSerializable(package)(fn).",
      );
    }
    return {
      module: "builtins",
      class_name: "function",
      config: value.name,
      registered_name: getRegisteredName(value),
    };
  }
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, serializeKerasObject(v)]));
  }
  throw new SerializationError(`${describe(value)} cannot be saved in a config.`);
}

function isSelfSerializing(value: unknown): value is SelfSerializing & object {
  return (
    (typeof value === "object" || typeof value === "function") &&
    value !== null &&
    typeof (value as { getConfig?: unknown }).getConfig === "function"
  );
}

function serializeInstance(value: SelfSerializing & object): SerializedObject {
  const constructor = value.constructor as KerasClass & { name: string };
  const module = constructor.kerasModule;
  const name = constructor.kerasName ?? constructor.name;
  const isBuiltIn = module !== undefined && namespaceOf(module)?.[name] === constructor;
  const serialized: SerializedObject = {
    module: isBuiltIn
      ? module
      : isRegistered(constructor)
        ? (getRegisteredName(constructor).split(">")[0] as string)
        : null,
    class_name: name,
    config: value.getConfig(),
    // Keras's classes outside of its public namespaces have their name there.
    registered_name:
      isBuiltIn && !module.startsWith("keras.src.") ? null : getRegisteredName(constructor),
  };
  const build = value.getBuildConfig?.();
  if (build !== undefined && build !== null) serialized.build_config = build;
  const compile = value.getCompileConfig?.();
  if (compile !== undefined && compile !== null) serialized.compile_config = compile;
  return serialized;
}

/** Options of `deserializeKerasObject`. */
export interface DeserializeOptions {
  customObjects?: Readonly<Record<string, unknown>> | null | undefined;
  /** Names that the caller knows: used for bare strings and `{ class_name, config }`. */
  moduleObjects?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The value that a JSON form stands for.
 *
 * @throws {SerializationError} If it names something that is not registered,
 *   or does not describe an object.
 */
export function deserializeKerasObject(config: unknown, options: DeserializeOptions = {}): unknown {
  return deserialize(config, options, 0);
}

function deserialize(config: unknown, options: DeserializeOptions, depth: number): unknown {
  if (depth > maxDepth) {
    throw new SerializationError(`The config is nested more than ${maxDepth} deep.`);
  }
  if (config === null || config === undefined) return null;
  if (typeof config === "number" || typeof config === "boolean") return config;
  if (typeof config === "string") {
    const { moduleObjects } = options;
    if (moduleObjects !== undefined && Object.hasOwn(moduleObjects, config)) {
      const found = moduleObjects[config];
      return isClass(found) ? found.fromConfig({}) : found;
    }
    const custom = getRegisteredObject(config, options.customObjects);
    return custom ?? config;
  }
  if (Array.isArray(config)) return config.map((item) => deserialize(item, options, depth + 1));
  if (!isPlainObject(config)) {
    throw new SerializationError(`A config cannot hold ${describe(config)}.`);
  }
  if (!("class_name" in config) || !("config" in config)) {
    return Object.fromEntries(
      Object.entries(config).map(([k, v]) => [k, deserialize(v, options, depth + 1)]),
    );
  }
  const className = config["class_name"];
  if (typeof className !== "string") {
    throw new SerializationError(`A class name must be a string, got ${describe(className)}.`);
  }
  const inner = config["config"];
  switch (className) {
    case "__tensor__":
    case "__numpy__":
      return deserializeTensor(inner);
    case "__tuple__":
      return deserialize((inner as { value?: unknown })?.value ?? inner, options, depth + 1);
    case "__lambda__":
      throw new SerializationError(
        "The file holds a Python lambda as marshalled code, which is never run. " +
          "Rebuild the layer here and load the weights alone.",
      );
    default:
      return deserializeInstance(config as unknown as SerializedObject, options);
  }
}

function deserializeTensor(config: unknown): Tensor {
  const { value, dtype } = (config ?? {}) as { value?: unknown; dtype?: unknown };
  if (!isDType(dtype))
    throw new SerializationError(`A tensor of dtype ${describe(dtype)} in a config.`);
  return tensor(value as number[], { dtype });
}

function isClass(value: unknown): value is KerasClass {
  return (
    typeof value === "function" &&
    typeof (value as { fromConfig?: unknown }).fromConfig === "function" &&
    value.prototype !== undefined
  );
}

/** The class or function that a serialized object names. */
function resolve(serialized: SerializedObject, options: DeserializeOptions): unknown {
  const { module, class_name: className, registered_name: registered } = serialized;
  const custom = getRegisteredObject(registered ?? className, options.customObjects);
  if (custom !== undefined) return custom;
  const customByClass = getRegisteredObject(className, options.customObjects);
  if (customByClass !== undefined) return customByClass;
  if (typeof module === "string") {
    const namespace = namespaceOf(module);
    if (namespace !== undefined && Object.hasOwn(namespace, className)) return namespace[className];
    if (module === "keras" || module.startsWith("keras.")) {
      throw new UnsupportedError(`Keras's ${module}.${className} is not supported.`, {
        op: className,
      });
    }
    throw new SerializationError(
      `The config names ${module}.${className}, which is not registered. Only Keras's own classes ` +
        "and registered ones are made from files: register it with " +
        "saving.registerKerasSerializable, or pass it in customObjects.",
    );
  }
  const { moduleObjects } = options;
  if (moduleObjects !== undefined && Object.hasOwn(moduleObjects, className)) {
    return moduleObjects[className];
  }
  // Older files do not say where Keras's layers and models are from.
  for (const older of ["keras.layers", "keras"]) {
    const found = namespaceOf(older)?.[className];
    if (found !== undefined) return found;
  }
  if (module === undefined && !className.includes(">")) {
    throw new UnsupportedError(
      `"${className}" is neither a class of this release nor a registered one. Register it with ` +
        "saving.registerKerasSerializable, or pass it in customObjects.",
      { op: className },
    );
  }
  throw new SerializationError(
    `The config names "${className}", which is not known here. Register it with ` +
      "saving.registerKerasSerializable, or pass it in customObjects.",
  );
}

/** A function of Keras's own. */
function functionOf(module: string | null | undefined, name: string): unknown {
  const namespace = typeof module === "string" ? namespaceOf(module) : undefined;
  const found = namespace?.[toCamelCase(name)];
  if (found !== undefined) return found;
  for (const known of ["activations", "losses", "metrics"]) {
    const op = publicOpNamed(`keras.${known}.${name}`);
    if (op !== undefined) return op;
  }
  return undefined;
}

function deserializeInstance(serialized: SerializedObject, options: DeserializeOptions): unknown {
  const { class_name: className } = serialized;
  if (className === "function") {
    const name = serialized.config as string;
    const found =
      getRegisteredObject(serialized.registered_name ?? name, options.customObjects) ??
      getRegisteredObject(name, options.customObjects) ??
      functionOf(serialized.module, name) ??
      options.moduleObjects?.[name];
    if (typeof found !== "function") {
      throw new SerializationError(
        `The config names a function "${name}", which is not registered.`,
      );
    }
    return found;
  }
  const found = resolve(serialized, options);
  if (!isClass(found)) {
    throw new SerializationError(`"${className}" is no class that can be made from a config.`);
  }
  if (!isPlainObject(serialized.config)) {
    throw new SerializationError(
      `The config of "${className}" must be an object, got ${describe(serialized.config)}.`,
    );
  }
  let instance: unknown;
  try {
    instance = found.fromConfig({ ...serialized.config }, options.customObjects ?? {});
  } catch (error) {
    if (error instanceof KeratinError) throw error;
    throw new SerializationError(
      `"${className}" could not be made from its config: ` +
        `${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const built = instance as {
    buildFromConfig?(config: unknown): void;
    compileFromConfig?(config: unknown): void;
  };
  if (serialized.build_config) built.buildFromConfig?.(serialized.build_config);
  if (serialized.compile_config) built.compileFromConfig?.(serialized.compile_config);
  return instance;
}

/** What the `get` functions of the namespaces do with an identifier. */
export function getByIdentifier<T>(
  what: string,
  identifier: unknown,
  moduleObjects: Readonly<Record<string, unknown>>,
  customObjects?: Readonly<Record<string, unknown>> | null,
): T | null {
  if (identifier === null || identifier === undefined) return null;
  let found: unknown = identifier;
  if (typeof identifier === "string") {
    found = deserializeKerasObject(identifier, { moduleObjects, customObjects });
    if (typeof found === "string") {
      throw new ArgumentError(
        `There is no ${what} "${identifier}". Known: ${Object.keys(moduleObjects)
          .filter((name) => /^[a-z]/.test(name))
          .join(", ")}.`,
      );
    }
  } else if (isPlainObject(identifier)) {
    found = deserializeKerasObject(identifier, { moduleObjects, customObjects });
  }
  if (isClass(found)) found = Reflect.construct(found, []);
  if (typeof found !== "function") {
    throw new ArgumentError(`Expected a ${what}, got ${describe(identifier)}.`);
  }
  return found as T;
}
