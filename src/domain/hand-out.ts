import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import type { World } from "../world.ts";
import type { AuditEvent, AuditLog } from "./audit.ts";
import type { Call } from "./call.ts";
import type { InstallationRepository } from "./repositories.ts";
import type { IssuedToken } from "./use-cases.ts";

/** Pairs of caller and token that are known to be on record. Forgetting one costs a second row, never a missing one. */
const maxKnownPairs = 100_000;

export interface HandOut {
  /**
   * Returns once this hand-out may happen: the first time a caller gets a token, its row is durable before the
   * answer; further ones are counted and written by `flush`.
   * @throws ServiceError SERVICE_UNAVAILABLE if the row cannot be written.
   */
  record(issued: IssuedToken, call: Call): Promise<void>;
  /** Writes what was counted since the last flush. What cannot be written is kept for the next one. */
  flush(): Promise<void>;
}

/** The record of who was given what, and when an installation was last used. */
export function createHandOut(parts: {
  readonly audit: AuditLog;
  readonly installations: InstallationRepository;
  readonly world: World;
}): HandOut {
  const { audit, installations, world } = parts;
  const onRecord = new LRUCache<string, Promise<void>>({ max: maxKnownPairs });
  const append = groupCommit(audit);
  let repeats = new Map<string, AuditEvent>();
  let uses = new Map<string, Date>();

  function event(kind: AuditEvent["kind"], issued: IssuedToken, call: Call, count: number): AuditEvent {
    const { caller, method, address, requestId } = call;
    const { installationId, tokenId: tokenFingerprint } = issued;
    return { kind, at: world.now(), caller, method, installationId, tokenFingerprint, address, requestId, count };
  }

  async function first(key: string, issued: IssuedToken, call: Call): Promise<void> {
    const written = append(event("token.issued", issued, call, 1));
    onRecord.set(key, written);
    try {
      await written;
    } catch (cause) {
      onRecord.delete(key);
      throw new ServiceError("SERVICE_UNAVAILABLE", "the hand-out cannot be put on record", {
        retryAfterMs: 1_000,
        cause,
      });
    }
  }

  return {
    async record(issued, call) {
      uses.set(issued.installationId, world.now());
      const key = `${call.caller}|${issued.tokenId}`;
      const known = onRecord.get(key);
      if (known === undefined) return first(key, issued, call);
      try {
        await known;
      } catch {
        // The one that wrote for all of us failed; ours may get through.
        return first(key, issued, call);
      }
      repeats.set(key, event("token.repeated", issued, call, (repeats.get(key)?.count ?? 0) + 1));
    },
    async flush() {
      const [counted, used] = [repeats, uses];
      [repeats, uses] = [new Map(), new Map()];
      try {
        if (counted.size > 0) await audit.append([...counted.values()]);
        counted.clear();
        if (used.size > 0) await installations.recordUse(used);
      } catch (error) {
        for (const [key, { count, ...rest }] of counted) {
          const newer = repeats.get(key);
          repeats.set(key, newer ? { ...newer, count: newer.count + count } : { ...rest, count });
        }
        for (const [id, at] of used) if (!uses.has(id)) uses.set(id, at);
        throw error;
      }
    },
  };
}

/** Rows that arrive while others are being written share the next commit. */
function groupCommit(audit: AuditLog): (event: AuditEvent) => Promise<void> {
  let waiting: AuditEvent[] = [];
  let next: Promise<void> | undefined;
  let running: Promise<void> = Promise.resolve();

  function start(): Promise<void> {
    const turn = running.then(() => {
      const batch = waiting;
      waiting = [];
      next = undefined;
      return audit.append(batch);
    });
    running = turn.catch(() => undefined);
    return turn;
  }

  return (event) => {
    waiting.push(event);
    next ??= start();
    return next;
  };
}
