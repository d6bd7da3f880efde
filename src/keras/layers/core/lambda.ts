/**
 * @module
 */
import { publicOpNamed, type Signature } from "../../../tensor/public-op.ts";
import { ArgumentError, describe, SerializationError } from "../../../util/errors.ts";
import { toCamelCase } from "../../../util/naming.ts";
import { isPlainObject } from "../../../util/pytree.ts";
import type { SymbolicShape } from "../../keras-tensor.ts";
import {
  type Config,
  type ConstructorOf,
  inherits,
  type ParameterTable,
  required,
} from "../../object.ts";
import { Operation } from "../../operation.ts";
import { isRegistered } from "../../saving/registration.ts";
import { deserializeKerasObject, serializeKerasObject } from "../../saving/serialization.ts";
import { type CallOptions, Layer, type LayerOptions } from "../layer.ts";
import { type InputShape, mapShapes } from "../shape-trees.ts";

/** What a Lambda computes: the inputs, then `{ ...arguments, mask, training }`. */
export type LambdaFunction = (...args: never[]) => unknown;

/** Options of `Lambda`. */
export interface LambdaOptions extends LayerOptions {
  /** The shape of one sample of the output, or a function from that of the input. Default: found out. */
  outputShape?:
    | SymbolicShape
    | readonly SymbolicShape[]
    | ((shape: InputShape) => InputShape)
    | null;
  /** The mask of the output, or a function of the inputs and their mask. */
  mask?: unknown;
  /** More options for the function, in Keras's names. */
  arguments?: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * A function as a layer. It can be saved if it is Keras's own or registered.
 *
 * @example
 * await new layers.Lambda((x) => ops.square(x))(tensor([1, 3])).array(); // [1, 9]
 */
export class Lambda extends Layer {
  static override readonly parameters: ParameterTable = {
    function: required,
    output_shape: null,
    mask: null,
    arguments: null,
    [inherits]: true,
  };
  readonly function: LambdaFunction;
  readonly outputShape: LambdaOptions["outputShape"];
  readonly mask: unknown;
  override readonly arguments: Readonly<Record<string, unknown>>;

  constructor(fn: LambdaFunction, options: LambdaOptions = {}) {
    super(options);
    if (typeof fn !== "function") {
      throw new ArgumentError(`Lambda: expected a function, got ${describe(fn)}.`);
    }
    this.function = fn;
    this.outputShape = options.outputShape ?? null;
    this.mask = options.mask ?? null;
    this.arguments = options.arguments ?? {};
    this.supportsMasking = this.mask !== null;
    this.built = true;
  }

  static override fromConfig<T>(
    this: ConstructorOf<T>,
    config: Config,
    customObjects?: Readonly<Record<string, unknown>>,
  ): T {
    const revived = { ...config };
    for (const name of ["function", "output_shape", "mask", "arguments"]) {
      if (isPlainObject(config[name])) {
        revived[name] = deserializeKerasObject(config[name], { customObjects });
      }
    }
    return Layer.fromConfig.call(this, revived) as T;
  }

  override call(inputs: unknown, { mask, training }: CallOptions = {}): unknown {
    const all: Record<string, unknown> = { mask, training };
    for (const [name, value] of Object.entries(this.arguments)) all[toCamelCase(name)] = value;
    const { signature } = this.function as { signature?: Signature };
    if (signature === undefined) return this.function(...([inputs, all] as never[]));
    // Ops refuse what they do not know.
    const given = Object.entries(all).filter(([name]) =>
      signature.parameters.some((parameter) => parameter.name === name),
    );
    const options = given.length > 0 ? [Object.fromEntries(given)] : [];
    return this.function(...([inputs, ...options] as never[]));
  }

  override computeOutputSpec(args: readonly unknown[], options: CallOptions): unknown {
    // Without a given shape the function tells, with its dtype.
    return this.outputShape === null
      ? Operation.prototype.computeOutputSpec.call(this, args, options)
      : super.computeOutputSpec(args, options);
  }

  override computeOutputShape(inputShape: InputShape): InputShape {
    const { outputShape } = this;
    if (outputShape === null) return super.computeOutputShape(inputShape);
    if (typeof outputShape === "function") return outputShape(inputShape);
    let batch: number | null = null;
    mapShapes(inputShape, (shape) => {
      batch ??= shape[0] ?? null;
      return shape;
    });
    return mapShapes(outputShape, (shape) => [batch, ...shape]);
  }

  override computeMask(inputs: unknown, previousMask: unknown): unknown {
    return typeof this.mask === "function" ? this.mask(inputs, previousMask) : this.mask;
  }

  override getConfig(): Config {
    const { mask, outputShape } = this;
    const config: Config = {
      ...super.getConfig(),
      function: serializeFunction(this.function),
      arguments: serializeKerasObject(this.arguments),
    };
    for (const [key, value] of Object.entries({ output_shape: outputShape, mask })) {
      if (value === null || value === undefined) continue;
      config[key] =
        typeof value === "function" ? serializeFunction(value) : serializeKerasObject(value);
    }
    return config;
  }

  /** `getConfig` has them all. */
  protected override get configParameters(): readonly string[] {
    return [];
  }
}

/** Modules whose functions configs name without saying where they are. */
const builtins = ["activations", "losses", "metrics"];

function serializeFunction(fn: object): unknown {
  const path = (fn as { signature?: Signature }).signature?.path;
  if (path === undefined || isRegistered(fn)) return serializeKerasObject(fn);
  const name = path.slice(path.lastIndexOf(".") + 1);
  if (!builtins.some((module) => publicOpNamed(`keras.${module}.${name}`) !== undefined)) {
    throw new SerializationError(
      `Lambda: configs cannot name ${path}. Register a function that calls it with ` +
        "saving.registerKerasSerializable(package)(fn).",
    );
  }
  return { module: "builtins", class_name: "function", config: name, registered_name: "function" };
}
