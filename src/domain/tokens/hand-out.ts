import { ServiceError } from "../../errors.ts";
import { orAfter } from "../../work/or-after.ts";
import { perObject } from "../../work/per-object.ts";
import type { World } from "../../world.ts";
import { networkOf } from "../access/network.ts";
import type { AuditEvent, AuditLog } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { IssuedToken } from "./issued-token.ts";
import { createKnownPlaces } from "./known-places.ts";

/** Addresses of a caller that are counted for a token without a look-up, within one flush. */
const maxAtHand = 256;
/** Says of a row without an address that it counts hand-outs to more of them than get rows of their own. */
const furtherAddresses = "further_addresses";
/** How long a caller waits for its row: whoever cannot be served for the sake of the database is told within 1.5 s. */
const maxWaitMs = 1_300;

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
  const places = createKnownPlaces(world);
  let repeats = new Map<string, Repeats>();
  let uses = new Set<string>();
  /** What is counted already since the last flush, found without making a key: almost all hand-outs are such. */
  const countedOf = perObject((_: IssuedToken) => new Map<string, AtHand>());

  function event(kind: AuditEvent["kind"], issued: IssuedToken, call: Call): AuditEvent {
    const { caller, method, address, requestId, policyHash } = call;
    const { installationId, owner, platform, tokenId: tokenFingerprint } = issued;
    const subject = { installationId, owner, platform, tokenFingerprint };
    return { kind, at: world.now(), caller, method, ...subject, address, requestId, policyHash, count: 1 };
  }

  function repeat(issued: IssuedToken, call: Call): boolean {
    const atHand = countedOf(issued).get(call.caller);
    const counted = atHand?.window === repeats ? atHand.byAddress.get(call.address) : undefined;
    if (counted !== undefined) {
      counted.count++;
      return true;
    }
    const standing = places.standing(subjectOf(issued, call), placeOf(call));
    if (standing === "new") return false;
    countRepeat(issued, call, standing === "known");
    return true;
  }

  function countRepeat(issued: IssuedToken, call: Call, listed: boolean): void {
    const key = `${subjectOf(issued, call)}|${listed ? placeOf(call) : furtherAddresses}`;
    const counted = repeats.get(key) ?? { first: firstRepeat(issued, call, listed), count: 0 };
    counted.count++;
    uses.add(issued.installationId);
    repeats.set(key, counted);
    keepAtHand(issued, call, counted);
  }

  function firstRepeat(issued: IssuedToken, call: Call, listed: boolean): AuditEvent {
    const first = event("token.repeated", issued, call);
    return listed ? first : { ...first, address: undefined, detail: furtherAddresses };
  }

  function keepAtHand(issued: IssuedToken, { caller, address }: Call, counted: Repeats): void {
    const known = countedOf(issued).get(caller);
    const atHand = known?.window === repeats ? known : { window: repeats, byAddress: new Map() };
    if (atHand.byAddress.size < maxAtHand) atHand.byAddress.set(address, counted);
    countedOf(issued).set(caller, atHand);
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

  return {
    repeat,
    async record(issued, call) {
      if (repeat(issued, call)) return;
      uses.add(issued.installationId);
      await inTime(putOnRecord(issued, call));
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
function subjectOf({ tokenId, installationId }: IssuedToken, { caller }: Call): string {
  return `${caller}|${tokenId}|${installationId}`;
}

function placeOf({ address }: Call): string {
  return address === undefined ? "" : networkOf(address);
}

/** Further hand-outs of one token to one caller: the first of them, and how many. */
interface Repeats {
  readonly first: AuditEvent;
  count: number;
}

/** What a caller's hand-outs of a token are counted in, until the next flush. */
interface AtHand {
  readonly window: Map<string, Repeats>;
  readonly byAddress: Map<string | undefined, Repeats>;
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
