/**
 * Which dtypes layers keep their variables in, and which they compute in.
 *
 * @module
 */
import { bumpTraceEpoch } from "../runtime/epoch.ts";
import { floatx } from "../runtime/precision.ts";
import { onReset } from "../runtime/reset.ts";
import { type DType, isDType, standardizeDType } from "../util/dtypes.ts";
import { ArgumentError, describe, UnsupportedError } from "../util/errors.ts";
import { isPlainObject } from "../util/pytree.ts";
import { type Config, KerasObject, type ParameterTable } from "./object.ts";
import { deserializeKerasObject } from "./saving/serialization.ts";

/**
 * A dtype policy: `"float32"` and other dtypes for both, `"mixed_float16"` and
 * `"mixed_bfloat16"` for computing in a half type over float32 variables.
 */
export class DTypePolicy extends KerasObject {
  static override readonly kerasModule: string = "keras";
  static override readonly parameters: ParameterTable = { name: null };
  readonly name: string;
  readonly computeDtype: DType;
  readonly variableDtype: DType;
  /** null: weights are not quantized. */
  readonly quantizationMode: string | null = null;

  constructor(name?: string | null | { name?: string | null }) {
    super();
    const given = isPlainObject(name) ? (name as { name?: string | null }).name : name;
    this.name = (given as string | null | undefined) ?? dtypePolicy().name;
    [this.computeDtype, this.variableDtype] = parse(this.name);
  }

  call(): never {
    throw new ArgumentError("A dtype policy cannot be called.");
  }

  override getConfig(): Config {
    return { name: this.name };
  }

  override toString(): string {
    return `<DTypePolicy "${this.name}">`;
  }
}

function parse(name: unknown): [compute: DType, variable: DType] {
  if (name === "mixed_float16") return ["float16", "float32"];
  if (name === "mixed_bfloat16") return ["bfloat16", "float32"];
  if (isDType(name)) return [name, name];
  if (typeof name === "string" && name.includes("_from_")) {
    throw new UnsupportedError(`The quantized dtype policy "${name}" is not supported.`, {
      dtypes: [name],
    });
  }
  throw new ArgumentError(
    `There is no dtype policy ${describe(name)}. Use "mixed_float16", "mixed_bfloat16" or a dtype ` +
      'such as "float32".',
  );
}

let current: DTypePolicy | null = null;

onReset(() => {
  current = null;
});

/** The policy of layers that are given none. */
export function dtypePolicy(): DTypePolicy {
  current ??= new DTypePolicy(floatx());
  if (current.name !== floatx() && isDType(current.name) && !policySet) {
    current = new DTypePolicy(floatx());
  }
  return current;
}

let policySet = false;

/** Sets the policy of layers that are given none. */
export function setDtypePolicy(policy: string | DTypePolicy): void {
  current = policy instanceof DTypePolicy ? policy : new DTypePolicy(policy);
  policySet = true;
  bumpTraceEpoch();
}

/** What layers take as `dtype`. */
export type DTypePolicyLike = string | DTypePolicy | object | null | undefined;

/** The policy that an identifier names; null for the global one. */
export function get(identifier: DTypePolicyLike): DTypePolicy {
  if (identifier === null || identifier === undefined) return dtypePolicy();
  if (identifier instanceof DTypePolicy) return identifier;
  if (typeof identifier === "string") {
    return new DTypePolicy(
      identifier === "int" || identifier === "float"
        ? standardizeDType(identifier, floatx())
        : identifier,
    );
  }
  if (isPlainObject(identifier)) {
    const policy = deserializeKerasObject(identifier);
    if (policy instanceof DTypePolicy) return policy;
  }
  throw new ArgumentError(`Expected a dtype policy, got ${describe(identifier)}.`);
}
