/**
 * Starting anew: what `clearSession` resets.
 *
 * @module
 */

const resets: (() => void)[] = [];

/** Has `reset` called whenever global state is cleared. */
export function onReset(reset: () => void): void {
  resets.push(reset);
}

/** Clears all global state: names, global seeds. */
export function resetGlobalState(): void {
  for (const reset of resets) reset();
}
