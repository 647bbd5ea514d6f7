import { atEndOfTurn } from "./at-end-of-turn.ts";

/** So many reads are under way before the next ones wait for each other. */
const lanes = 2;
/** A read that takes longer than this holds up nobody: it is not counted any more. */
const patienceMs = 50;
const mostKeys = 200;

interface Asked<Key, Value> {
  readonly key: Key;
  readonly found: (value: Value | undefined) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Reads by keys. Who asks in the same turn of the event loop shares a read; while enough of them are under way, who asks
 * shares the next one, which begins after they have asked. Of a read that fails each key is told. Undefined: the read has
 * no value for the key.
 */
export function sharedReads<Key, Value>(
  read: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  const waiting: Asked<Key, Value>[] = [];
  let running = 0;
  const beginSoon = atEndOfTurn(() => {
    if (running < lanes && waiting.length > 0) begin();
  });

  function begin(): void {
    const asked = waiting.splice(0, mostKeys);
    let counted = true;
    running++;
    const leave = () => {
      clearTimeout(slow);
      if (!counted) return;
      counted = false;
      running--;
      if (waiting.length > 0) begin();
    };
    const slow = setTimeout(leave, patienceMs);
    read([...new Set(asked.map(({ key }) => key))]).then(
      (values) => {
        leave();
        for (const { key, found } of asked) found(values.get(key));
      },
      (error: unknown) => {
        leave();
        for (const { failed } of asked) failed(error);
      },
    );
  }

  return (key) =>
    new Promise((found, failed) => {
      waiting.push({ key, found, failed });
      if (running < lanes) beginSoon();
    });
}
