/**
 * Whether what was traced still holds.
 *
 * @module
 */

let epoch = 0;

/**
 * A number that changes with everything global that changes what a trace sees:
 * the device, the dtype policy, the set of variables and their `trainable`.
 */
export function traceEpoch(): number {
  return epoch;
}

/** Something that a trace depends on has changed. */
export function bumpTraceEpoch(): void {
  epoch++;
}
