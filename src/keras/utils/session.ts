/**
 * Global state of the Keras layer.
 *
 * @module
 */
import { resetGlobalState } from "../../runtime/reset.ts";
import { resetUids } from "../../util/naming.ts";

/** Forgets automatic names and global seeds: the next layers are named from the start. */
export function clearSession(): void {
  resetUids();
  resetGlobalState();
}
