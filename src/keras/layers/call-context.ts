/**
 * What a call of a layer passes on to the layers that it calls.
 *
 * @module
 */

/** The call of the outermost layer. */
export interface CallContext {
  readonly entry: object;
  /** Whether layers train; undefined where nobody said. */
  training: boolean | null | undefined;
}

let current: CallContext | null = null;

/** The call that is going on. */
export function callContext(): CallContext | null {
  return current;
}

/** Runs `fn` in the call that is going on, or in a new one that `entry` begins. */
export function inCallContext<T>(
  entry: object,
  fn: (context: CallContext, isNew: boolean) => T,
): T {
  if (current !== null) return fn(current, false);
  current = { entry, training: undefined };
  try {
    return fn(current, true);
  } finally {
    current = null;
  }
}
