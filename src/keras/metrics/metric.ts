/**
 * The base class of metrics.
 *
 * @module
 */
import { zeros } from "../../ops/creation.ts";
import type { TensorLike } from "../../ops/promote.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Variable, type VariableInitializer } from "../../tensor/variable.ts";
import type { DType } from "../../util/dtypes.ts";
import { autoName, toCamelCase, withNameScope } from "../../util/naming.ts";
import { type DTypePolicyLike, get as getPolicy } from "../dtype-policies.ts";
import * as initializers from "../initializers/index.ts";
import { leaves } from "../layers/tracking.ts";
import {
  type Config,
  checkConstructorOptions,
  inherits,
  KerasObject,
  ownParameters,
  type ParameterTable,
} from "../object.ts";
import { serializeArgument } from "../saving/arguments.ts";

/** Options that every metric takes. */
export interface MetricOptions {
  name?: string | null | undefined;
  dtype?: DTypePolicyLike;
}

/** Options of `updateState`. */
export interface UpdateOptions {
  /** How much each sample counts. */
  sampleWeight?: TensorLike | null | undefined;
}

export interface Metric {
  /** Updates the metric and returns its value. */
  // biome-ignore lint/suspicious/noExplicitAny: as updateState takes it
  (...args: any[]): Tensor;
}

/**
 * A value that is collected over batches. Its state lies in variables, so a
 * compiled step updates it.
 *
 * A subclass makes variables with `addVariable`, and defines `updateState` and
 * `result`.
 *
 * @example
 * const mean = new metrics.Mean();
 * mean.updateState(tensor([1, 3]));
 * await mean.result().item(); // 2
 */
export abstract class Metric extends KerasObject {
  static override readonly kerasModule: string = "keras.metrics";
  static override readonly parameters: ParameterTable = {
    dtype: null,
    name: null,
    [inherits]: true,
  };
  name: string;
  /** The dtype of the state and the result. */
  readonly dtype: DType;
  /** Whether a larger value is better (`"up"`), a smaller (`"down"`), or nobody knows. */
  get direction(): "up" | "down" | null {
    return null;
  }
  readonly #variables: Variable[] = [];

  constructor(options: MetricOptions = {}) {
    super();
    checkConstructorOptions(new.target, options);
    this.name = options.name ?? autoName(new.target.name);
    this.dtype = getPolicy(options.dtype ?? "float32").computeDtype;
  }

  /** @internal */
  override invoke(args: unknown[]): unknown {
    (this.updateState as (...args: unknown[]) => void)(...args);
    return this.result();
  }

  /** Takes a batch in. */
  // biome-ignore lint/suspicious/noExplicitAny: metrics define what they take
  abstract updateState(...args: any[]): void;

  /** The value over all batches since the last reset. */
  abstract result(): Tensor | Record<string, Tensor>;

  /** Starts anew. */
  resetState(): void {
    for (const variable of this.variables) {
      variable.assign(zeros(variable.shape, { dtype: variable.storageDtype }));
    }
  }

  /** Makes a variable of the state. */
  addVariable(options: {
    shape?: readonly number[];
    initializer?: initializers.InitializerLike;
    dtype?: DType;
    name: string;
  }): Variable {
    const initializer = initializers.get(options.initializer ?? "zeros") as VariableInitializer;
    const variable = withNameScope(
      this.name.replaceAll("/", ">"),
      () =>
        new Variable(initializer, {
          shape: options.shape ?? [],
          dtype: options.dtype ?? this.dtype,
          trainable: false,
          aggregation: "sum",
          synchronization: "on_read",
          name: options.name,
        }),
      { caller: this },
    );
    this.#variables.push(variable);
    return variable;
  }

  /** The same as `addVariable`. */
  addWeight(options: Parameters<Metric["addVariable"]>[0]): Variable {
    return this.addVariable(options);
  }

  /** The state, with that of metrics inside. */
  get variables(): Variable[] {
    const inner = leaves(this).filter((leaf): leaf is Metric => leaf instanceof Metric);
    return [...this.#variables, ...inner.flatMap((metric) => metric.variables)];
  }

  override getConfig(): Config {
    const config: Config = { name: this.name, dtype: this.dtype };
    for (const key of Object.keys(ownParameters(this.constructor, Metric))) {
      config[key] = serializeArgument(
        (this as unknown as Record<string, unknown>)[toCamelCase(key)],
      );
    }
    return config;
  }

  saveOwnVariables(store: Record<string, Variable | Tensor>): void {
    for (const [i, variable] of this.#variables.entries()) store[`${i}`] = variable;
  }

  loadOwnVariables(store: Readonly<Record<string, Tensor>>): void {
    for (const [i, variable] of this.#variables.entries()) {
      const value = store[`${i}`];
      if (value !== undefined) variable.assign(value);
    }
  }
}
