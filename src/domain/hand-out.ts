import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import type { World } from "../world.ts";
import type { AuditEvent, AuditLog } from "./audit.ts";
import type { Call } from "./call.ts";
import { orAfter } from "./or-after.ts";
import { perObject } from "./per-object.ts";
import type { InstallationRepository } from "./repositories.ts";
import type { IssuedToken } from "./use-cases.ts";

/** Callers with a token and installation that are on record. Forgetting one costs a second row, never a missing one. */
const maxKnown = 100_000;
/** How long a caller waits for its row: whoever cannot be served for the sake of the database is told within 1.5 s. */
const maxWaitMs = 1_300;

export interface HandOut {
  /** Counts a hand-out of a token that this caller has on record already; false, and nothing is done, if it has not. */
  repeat(issued: IssuedToken, call: Call): boolean;
  /**
   * Returns once this hand-out may happen: the first time a caller gets a token, its row is durable before the
   * answer; further ones are counted and written by `flush`.
   * @throws ServiceError SERVICE_UNAVAILABLE if the row cannot be written, or not within 1.3 s.
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
  /** `true` once the row is durable; until then the commit that others wait for too. */
  const onRecord = new LRUCache<string, Promise<void> | true>({ max: maxKnown });
  const append = groupCommit(audit);
  let repeats = new Map<string, Repeats>();
  let uses = new Set<string>();
  /** What is counted already since the last flush, found without making a key: almost all hand-outs are such. */
  const countedOf = perObject((_: IssuedToken) => new Map<string, { window: typeof repeats; counted: Repeats }>());

  function event(kind: AuditEvent["kind"], issued: IssuedToken, call: Call): AuditEvent {
    const { caller, method, address, requestId, policyHash } = call;
    const { installationId, owner, platform, tokenId: tokenFingerprint } = issued;
    const subject = { installationId, owner, platform, tokenFingerprint };
    return { kind, at: world.now(), caller, method, ...subject, address, requestId, policyHash, count: 1 };
  }

  function repeat(issued: IssuedToken, call: Call): boolean {
    const known = countedOf(issued).get(call.caller);
    if (known?.window === repeats) {
      known.counted.count++;
      return true;
    }
    const key = keyOf(issued, call);
    if (onRecord.get(key) !== true) return false;
    countRepeat(key, issued, call);
    return true;
  }

  function countRepeat(key: string, issued: IssuedToken, call: Call): void {
    const counted = repeats.get(key) ?? { first: event("token.repeated", issued, call), count: 0 };
    counted.count++;
    uses.add(issued.installationId);
    repeats.set(key, counted);
    countedOf(issued).set(call.caller, { window: repeats, counted });
  }

  async function first(key: string, issued: IssuedToken, call: Call): Promise<void> {
    const written = append(event("token.issued", issued, call));
    onRecord.set(key, written);
    try {
      await written;
      onRecord.set(key, true);
    } catch (cause) {
      onRecord.delete(key);
      throw notOnRecord(cause);
    }
  }

  async function afterAnother(known: Promise<void>, key: string, issued: IssuedToken, call: Call): Promise<void> {
    try {
      await known;
    } catch {
      // The one that wrote for all of us failed; ours may get through.
      return first(key, issued, call);
    }
    countRepeat(key, issued, call);
  }

  return {
    repeat,
    async record(issued, call) {
      if (repeat(issued, call)) return;
      uses.add(issued.installationId);
      const key = keyOf(issued, call);
      const known = onRecord.get(key);
      const isFirst = known === undefined || known === true;
      await inTime(isFirst ? first(key, issued, call) : afterAnother(known, key, issued, call));
    },
    async flush() {
      const [counted, used] = [repeats, uses];
      [repeats, uses] = [new Map(), new Set()];
      const at = world.now();
      try {
        const rows = [...counted.values()].map(({ first, count }) => ({ ...first, count }));
        if (rows.length > 0) await audit.append(rows);
        counted.clear();
        if (used.size > 0) await installations.recordUse(new Map([...used].map((id) => [id, at])));
      } catch (error) {
        for (const [key, older] of counted) {
          const newer = repeats.get(key);
          if (newer === undefined) repeats.set(key, older);
          else newer.count += older.count;
        }
        for (const id of used) uses.add(id);
        throw error;
      }
    },
  };
}

/** One token may serve several installations, each of which is on record. */
function keyOf({ tokenId, installationId }: IssuedToken, { caller }: Call): string {
  return `${caller}|${tokenId}|${installationId}`;
}

/** Further hand-outs of one token to one caller: the first of them, and how many. */
interface Repeats {
  readonly first: AuditEvent;
  count: number;
}

/** What is not on record by then is refused. It goes on being written, for an answer that is not given. */
function inTime(recorded: Promise<void>): Promise<void> {
  return orAfter(maxWaitMs, recorded, () => {
    throw notOnRecord(undefined);
  });
}

function notOnRecord(cause: unknown): ServiceError {
  return new ServiceError("SERVICE_UNAVAILABLE", "the hand-out cannot be put on record", {
    retryAfterMs: 1_000,
    cause,
  });
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
