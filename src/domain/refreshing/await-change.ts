import type { ChangeFeed } from "../model/change-feed.ts";

/** Waits so long, or until the feed tells of a change of this credential: what is waited for is then looked at. */
export type AwaitChange = (credentialId: string, milliseconds: number) => Promise<void>;

/** Without a feed only the time counts: notices can be lost, so nobody relies on one. */
export function createAwaitChange(changes: ChangeFeed | undefined): AwaitChange {
  const waiting = new Map<string, Set<() => void>>();

  changes?.subscribe((change) => {
    if (change.kind === "credential") wake(waiting.get(change.id));
    else if (change.kind === "everything") for (const each of [...waiting.values()]) wake(each);
  });

  return (id, milliseconds) =>
    new Promise((resolve) => {
      const others = waiting.get(id) ?? new Set();
      const done = () => {
        clearTimeout(timer);
        others.delete(done);
        if (others.size === 0 && waiting.get(id) === others) waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      others.add(done);
      waiting.set(id, others);
    });
}

function wake(each: ReadonlySet<() => void> | undefined): void {
  for (const done of [...(each ?? [])]) done();
}
