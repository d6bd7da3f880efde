/**
 * Letting others run.
 *
 * @module
 */

// Node has setImmediate; in browsers a message is the shortest turn.
const { setImmediate: immediately } = globalThis as { setImmediate?: (fn: () => void) => void };

/** Milliseconds after which others get a turn of the event loop. */
const turnAfter = 8;
let lastTurn = performance.now();

/** Gives timers, input and messages their turn, if they have waited for some time. */
export async function giveTurn(): Promise<void> {
  if (performance.now() - lastTurn < turnAfter) return;
  await nextTurn();
  lastTurn = performance.now();
}

function nextTurn(): Promise<void> {
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
