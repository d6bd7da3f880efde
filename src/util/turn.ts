/**
 * Letting others run.
 *
 * @module
 */

// Node has setImmediate; in browsers a message is the shortest turn.
const { setImmediate: immediately } = globalThis as { setImmediate?: (fn: () => void) => void };

/** Waits for a turn of the event loop: timers, input and messages come first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (immediately !== undefined) {
      immediately(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    (port1 as { onmessage?: () => void }).onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
