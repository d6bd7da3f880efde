/**
 * Ops as steps of functional models.
 *
 * @module
 */
import {
  type Parameter,
  type PublicOp,
  publicOps,
  registerSymbolicHook,
  type Signature,
} from "../tensor/public-op.ts";
import { ArgumentError, UnsupportedError } from "../util/errors.ts";
import { KerasTensor } from "./keras-tensor.ts";
import { type Config, type KerasClass, required } from "./object.ts";
import { Operation } from "./operation.ts";
import { operationTable } from "./operation-table.ts";
import { serializeArgument } from "./saving/arguments.ts";

type AnyOp = PublicOp<(...args: never[]) => unknown>;

/** How Keras's config names an op. */
interface OperationEntry {
  readonly module: string;
  readonly className: string;
  /** The arguments that stand in the config; the others are those of the call. */
  readonly params: readonly string[];
}

const byOp = new Map<string, OperationEntry>();

for (const [module, classes] of Object.entries(operationTable)) {
  for (const [className, params] of Object.entries(classes)) {
    byOp.set(className.toLowerCase(), {
      module,
      className,
      params: params === "" ? [] : params.split(" "),
    });
  }
}

/** Functions whose class has another name in Keras. */
const renamed: Readonly<Record<string, string>> = {
  batchnormalization: "batchnorm",
  layernormalization: "layernorm",
  rmsnormalization: "rmsnorm",
};

/** `keras.ops.log_softmax` and `LogSoftmax` alike. */
function entryOf(path: string): OperationEntry | undefined {
  const name = path
    .slice(path.lastIndexOf(".") + 1)
    .replaceAll("_", "")
    .toLowerCase();
  return byOp.get(renamed[name] ?? name);
}

/** A call of a public op, as an operation with a config. */
export abstract class OpOperation extends Operation {
  /** Which op. */
  abstract readonly entry: OperationEntry;
  readonly options: Config;

  constructor(config: Config) {
    const { name, ...options } = config;
    super({ name: name as string | null | undefined });
    this.options = options;
  }

  /** Keras's arguments of the call, in order: the others come from the config. */
  override call(...args: unknown[]): unknown {
    const { entry } = this;
    const op = opOf(entry);
    const { parameters } = op.signature;
    if (parameters.some(({ argument }) => argument.variadic)) {
      return (op as (...given: never[]) => unknown)(...(args as never[]));
    }
    const last = args.at(-1) as Record<string, unknown>;
    const hasKwargs = args.length > 1 && isKwargs(last, parameters);
    const positional = hasKwargs ? args.slice(0, -1) : [...args];
    const kwargs = hasKwargs ? last : {};
    const values = new Map<string, unknown>();
    for (const { kerasName } of parameters) {
      if (entry.params.includes(kerasName)) {
        if (Object.hasOwn(this.options, kerasName)) values.set(kerasName, this.options[kerasName]);
      } else if (Object.hasOwn(kwargs, kerasName)) values.set(kerasName, kwargs[kerasName]);
      else if (positional.length > 0) values.set(kerasName, positional.shift());
    }
    return (op as (...given: never[]) => unknown)(...(toArguments(parameters, values) as never[]));
  }

  override getConfig(): Config {
    return { ...mapValues(this.options, serializeArgument), name: this.name };
  }
}

/** Whether `value` holds arguments by name; a plain object may be an argument itself. */
function isKwargs(
  value: unknown,
  parameters: readonly Parameter[],
): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length > 0 &&
    Object.keys(value).every((key) => parameters.some(({ kerasName }) => kerasName === key))
  );
}

function mapValues(config: Config, fn: (value: unknown) => unknown): Config {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, fn(value)]));
}

/** Arguments by Keras's names as a call of ours. */
function toArguments(
  parameters: readonly Parameter[],
  values: ReadonlyMap<string, unknown>,
): unknown[] {
  const positional: unknown[] = [];
  const options: Record<string, unknown> = {};
  for (const { kerasName, name, argument } of parameters) {
    const value = values.get(kerasName);
    if (argument.positional)
      positional.push(value ?? (argument.isRequired ? undefined : argument.fallback));
    else if (values.has(kerasName)) options[name] = value;
  }
  return Object.keys(options).length > 0 ? [...positional, options] : positional;
}

function opOf(entry: OperationEntry): AnyOp {
  const op = opsByClass().get(entry.className);
  if (op === undefined) {
    throw new UnsupportedError(
      `The operation ${entry.module}.${entry.className} is not supported.`,
      {
        op: entry.className,
      },
    );
  }
  return op;
}

let known: Map<string, AnyOp> | null = null;

function opsByClass(): ReadonlyMap<string, AnyOp> {
  if (known === null) {
    known = new Map();
    for (const op of publicOps()) {
      const { path } = op.signature;
      const entry = path.startsWith("keras.ops.") ? entryOf(path) : undefined;
      if (entry !== undefined) known.set(entry.className, op);
    }
  }
  return known;
}

const classes = new Map<string, KerasClass<OpOperation>>();

/** The class of an op's operations, under Keras's name. */
function classOf(entry: OperationEntry): KerasClass<OpOperation> {
  let found = classes.get(entry.className);
  if (found === undefined) {
    const made = class extends OpOperation {
      static override readonly kerasModule: string = entry.module;
      override readonly entry: OperationEntry = entry;
      static override fromConfig<T>(config: Config): T {
        return new made(config) as T;
      }
    };
    Object.defineProperty(made, "name", { value: entry.className });
    found = made as unknown as KerasClass<OpOperation>;
    classes.set(entry.className, found);
  }
  return found;
}

/** The classes of all ops that there are, by module. */
export function operationNamespaces(): Record<string, Record<string, unknown>> {
  const namespaces: Record<string, Record<string, unknown>> = {};
  for (const className of opsByClass().keys()) {
    const entry = byOp.get(className.toLowerCase()) as OperationEntry;
    namespaces[entry.module] ??= {};
    (namespaces[entry.module] as Record<string, unknown>)[className] = classOf(entry);
  }
  return namespaces;
}

function symbolicConfig({ className }: OperationEntry, name: string): ArgumentError {
  return new ArgumentError(
    `${className}: \`${name}\` stands in the operation's config, as in Keras, and cannot be a ` +
      "symbolic tensor. Give a tensor with values, or compute with other ops.",
    { op: className },
  );
}

/** Records a call of an op on symbolic tensors as a step of a model. */
function record(
  signature: Signature,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
): unknown {
  const entry = signature.path.startsWith("keras.ops.") ? entryOf(signature.path) : undefined;
  // What Keras has no class for is made of ops that it has one for.
  if (entry === undefined) return fn(...(args as never[]));
  const config: Config = {};
  const inputs: unknown[] = [];
  const { parameters, variadic, positionals } = signature;
  if (variadic) inputs.push(...args);
  else {
    const options = (args[positionals] ?? {}) as Record<string, unknown>;
    let position = 0;
    let count = 0;
    for (const { kerasName, name, argument } of parameters) {
      const given = argument.positional ? args[position++] : options[name];
      const value =
        given === undefined ? (argument.isRequired ? required : argument.fallback) : given;
      if (value === required) continue;
      if (entry.params.includes(kerasName)) {
        if (value instanceof KerasTensor) throw symbolicConfig(entry, name);
        config[kerasName] = value;
      } else {
        inputs.push(value);
        if (argument.positional || given !== undefined) count = inputs.length;
      }
    }
    // One that is left out keeps its place before one that is given.
    inputs.splice(count);
  }
  const Class = classOf(entry) as unknown as new (config: Config) => OpOperation;
  return (new Class(config) as unknown as (...inputs: unknown[]) => unknown)(...inputs);
}

registerSymbolicHook(KerasTensor, record);
