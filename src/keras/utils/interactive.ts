/**
 * Whether progress is drawn for somebody who watches.
 *
 * @module
 */

let interactive = true;

/** Whether progress bars are drawn over as they grow. */
export function isInteractiveLoggingEnabled(): boolean {
  return interactive;
}

/** Has progress bars drawn over as they grow, in a terminal. The default. */
export function enableInteractiveLogging(): void {
  interactive = true;
}

/** Has progress written as lines that stay, as for a log file. */
export function disableInteractiveLogging(): void {
  interactive = false;
}
