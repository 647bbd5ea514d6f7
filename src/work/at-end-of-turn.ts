import { setImmediate } from "node:timers";

/**
 * Runs `begin` once when all else that this turn of the event loop brought has been done, however often it is asked for
 * in it: what several connections bring at the same time is worked on together.
 */
export function atEndOfTurn(begin: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setImmediate(() => {
      asked = false;
      begin();
    });
  };
}
