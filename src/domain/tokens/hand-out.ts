import { ServiceError } from "../../errors.ts";
import { orAfter } from "../../work/or-after.ts";
import { perObject } from "../../work/per-object.ts";
import type { World } from "../../world.ts";
import { networkOf } from "../access/network.ts";
import type { AuditEvent, AuditLog } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import { createGrowingWindows, type Window } from "../record/growing-windows.ts";
import type { IssuedToken } from "./issued-token.ts";
import { createKnownPlaces } from "./known-places.ts";

/** Addresses of a caller whose windows are found without a look-up. */
const maxAtHand = 256;
/** Says of a row without an address that it counts hand-outs to more of them than get rows of their own. */
const furtherAddresses = "further_addresses";
/** How long a caller waits for its row: whoever cannot be served for the sake of the database is told within 1.5 s. */
const maxWaitMs = 1_300;
/** Rows of one statement: first hand-outs get between two of them. */
const maxRows = 1_000;
/** What the column takes. */
const maxCount = 2_147_483_647;

export interface HandOut {
  /** Counts a hand-out that this caller has on record from this address; false, and nothing is done, if it has not. */
  repeat(issued: IssuedToken, call: Call): boolean;
  /**
   * Returns once this hand-out may happen: the first time a caller gets a token at an address (IPv6: its /64), the row
   * is durable before the answer; further ones are counted and written by `flush`, as are those to more than a hundred
   * addresses within an hour.
   * @throws ServiceError SERVICE_UNAVAILABLE if the row cannot be written, or not within 1.3 s.
   */
  record(issued: IssuedToken, call: Call): Promise<void>;
  /**
   * To be called every second. Writes what was counted in windows that have ended, or in `all`: they grow from one
   * second to five minutes. What cannot be written is kept for the next time.
   */
  flush(all?: boolean): Promise<void>;
}

/** The record of who was given what, and when an installation was last used. */
export function createHandOut(parts: {
  readonly audit: AuditLog;
  readonly installations: Pick<InstallationRepository, "recordUse">;
  readonly world: World;
}): HandOut {
  const { audit, installations, world } = parts;
  const places = createKnownPlaces(world);
  const repeats = createGrowingWindows(world);
  /** When installations were last used, as far as it is to be written. */
  const uses = new Map<string, Date>();
  /** Now, to the second. */
  let lately = world.now();
  /** Open windows by token, caller and address, found without making a key: almost all hand-outs are counted so. */
  const atHand = perObject((_: IssuedToken) => new Map<string, Map<string | undefined, Window>>());

  function event(kind: AuditEvent["kind"], issued: IssuedToken, call: Call): AuditEvent {
    const { caller, method, address, requestId, policyHash } = call;
    const { installationId, owner, platform, tokenId: tokenFingerprint } = issued;
    const subject = { installationId, owner, platform, tokenFingerprint };
    return { kind, at: world.now(), caller, method, ...subject, address, requestId, policyHash, count: 1 };
  }

  function repeat(issued: IssuedToken, call: Call): boolean {
    const window = atHand(issued).get(call.caller)?.get(call.address);
    if (window?.isOpen === true) {
      window.count++;
      window.lastAt = lately;
      return true;
    }
    const standing = places.standing(subjectOf(issued, call), placeOf(call));
    if (standing === "new") return false;
    countRepeat(issued, call, standing === "known");
    return true;
  }

  function countRepeat(issued: IssuedToken, call: Call, listed: boolean): void {
    const key = `${subjectOf(issued, call)}|${listed ? placeOf(call) : furtherAddresses}`;
    keepAtHand(
      issued,
      call,
      repeats.count(key, () => firstRepeat(issued, call, listed)),
    );
  }

  function firstRepeat(issued: IssuedToken, call: Call, listed: boolean): AuditEvent {
    const first = event("token.repeated", issued, call);
    return listed ? first : { ...first, address: undefined, detail: furtherAddresses };
  }

  function keepAtHand(issued: IssuedToken, { caller, address }: Call, window: Window): void {
    const windows = atHand(issued).get(caller) ?? new Map<string | undefined, Window>();
    if (windows.size >= maxAtHand) windows.clear();
    windows.set(address, window);
    atHand(issued).set(caller, windows);
  }

  async function putOnRecord(issued: IssuedToken, call: Call): Promise<void> {
    const write = () => audit.append([event("token.issued", issued, call)]);
    try {
      const settled = await places.settle(subjectOf(issued, call), placeOf(call), write);
      if (settled === "known" && !repeat(issued, call)) countRepeat(issued, call, true);
    } catch (cause) {
      throw notOnRecord(cause);
    }
  }

  function noteUse(installationId: string, at: Date): void {
    const known = uses.get(installationId);
    if (known === undefined || known < at) uses.set(installationId, at);
  }

  async function writeRepeats(windows: readonly Window[]): Promise<void> {
    for (let written = 0; written < windows.length; written += maxRows) {
      const part = windows.slice(written, written + maxRows);
      try {
        await audit.append(part.map(({ first, count }) => ({ ...first, count: Math.min(count, maxCount) })));
      } catch (error) {
        repeats.putBack(windows.slice(written));
        throw error;
      }
      for (const { first, lastAt } of part)
        if (first.installationId !== undefined) noteUse(first.installationId, lastAt);
    }
  }

  async function writeUses(): Promise<void> {
    const all = [...uses];
    for (let written = 0; written < all.length; written += maxRows) {
      const part = all.slice(written, written + maxRows);
      await installations.recordUse(new Map(part));
      for (const [id, at] of part) if (uses.get(id) === at) uses.delete(id);
    }
  }

  return {
    repeat,
    async record(issued, call) {
      if (repeat(issued, call)) return;
      noteUse(issued.installationId, world.now());
      await inTime(putOnRecord(issued, call));
    },
    async flush(all = false) {
      lately = world.now();
      await writeRepeats(repeats.take(all));
      await writeUses();
    },
  };
}

/** One token may serve several installations, each of which is on record. */
function subjectOf({ tokenId, installationId }: IssuedToken, { caller }: Call): string {
  return `${caller}|${tokenId}|${installationId}`;
}

function placeOf({ address }: Call): string {
  return address === undefined ? "" : networkOf(address);
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
