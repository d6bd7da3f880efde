/**
 * Whether functions of control flow give what they must.
 *
 * @module
 */
import type { TensorSpec } from "../../runtime/backend.ts";
import { formatShape } from "../../util/errors.ts";
import { sameShape } from "../../util/shapes.ts";

/** Whether lists have the same shapes and dtypes in the same places. */
export function sameSpecs(a: readonly TensorSpec[], b: readonly TensorSpec[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ shape, dtype }, i) => {
      const other = b[i] as TensorSpec;
      return other.dtype === dtype && sameShape(other.shape, shape);
    })
  );
}

/** `float32 [2, 3], int32 []`, for messages. */
export function formatSpecs(list: readonly TensorSpec[]): string {
  return list.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(", ");
}
