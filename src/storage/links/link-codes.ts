import { and, count, desc, eq, gt, inArray, isNull, lt, lte, or, sql } from "drizzle-orm";
import { type LinkCodeRepository, liveCodes, pollSeconds, pollToleranceMs } from "../../domain/links/link-code.ts";
import type { Database, Queries } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { linkAccounts, linkCodes } from "../schema.ts";
import type { Signer } from "../seal/signer.ts";
import { toLinkCode } from "./rows.ts";

/** Polls that come closer together are told to wait. */
const turnMs = pollSeconds * 1_000 - pollToleranceMs;

export function createLinkCodeRepository(tools: {
  readonly database: Database;
  readonly recorded: RecordedTransaction;
  readonly signer: Signer;
  readonly newId: () => string;
}): LinkCodeRepository {
  const { database, recorded, signer, newId } = tools;

  return {
    create: (link, { code, holder }, record) =>
      recorded(async (tx) => {
        await lockCodes(tx);
        const { inAll, ofHolder } = await countLive(tx, holder, link.startedAt);
        if (ofHolder >= liveCodes.each) return "too_many_of_one";
        const isFull = inAll >= liveCodes.inAll;
        const [same] = await tx
          .select({ id: linkCodes.id })
          .from(linkCodes)
          .where(inArray(linkCodes.codeHash, [...signer.macs(code)]));
        if (same !== undefined) return "taken";
        if (isFull && !(await makeRoom(tx, ofHolder, link.startedAt))) return "too_many";
        const { keyId, mac: codeHash } = signer.sign(code);
        await tx.insert(linkCodes).values({ ...link, id: newId(), holder, codeHash, keyId, state: "open" });
        return isFull ? "kept_instead" : "kept";
      }, record),

    async find(code) {
      const hashes = [...signer.macs(code)];
      const [found] = await database.read((db) =>
        db
          .select()
          .from(linkCodes)
          .where(inArray(linkCodes.codeHash, hashes))
          .orderBy(desc(linkCodes.startedAt))
          .limit(1),
      );
      return found && toLinkCode(found);
    },

    async openOf(ids) {
      const rows = await database.read((db) =>
        db
          .select({ id: linkCodes.id })
          .from(linkCodes)
          .where(and(inArray(linkCodes.id, [...ids]), eq(linkCodes.state, "open"))),
      );
      return rows.map(({ id }) => id);
    },

    async takeTurn(id, now) {
      const before = new Date(now.getTime() - turnMs);
      const [taken] = await database.write((db) =>
        db
          .update(linkCodes)
          .set({ polledAt: now })
          .where(and(eq(linkCodes.id, id), or(isNull(linkCodes.polledAt), lte(linkCodes.polledAt, before))))
          .returning({ id: linkCodes.id }),
      );
      if (taken !== undefined) return 0;
      const [row] = await database.read((db) =>
        db.select({ polledAt: linkCodes.polledAt }).from(linkCodes).where(eq(linkCodes.id, id)),
      );
      const due = (row?.polledAt ?? now).getTime() + pollSeconds * 1_000;
      return Math.min(Math.max(1, due - now.getTime()), pollSeconds * 1_000);
    },

    deny: (id, now, record) =>
      recorded(async (tx) => {
        const open = and(eq(linkCodes.id, id), eq(linkCodes.state, "open"), gt(linkCodes.expiresAt, now));
        const [denied] = await tx.update(linkCodes).set({ state: "denied" }).where(open).returning();
        return denied && toLinkCode(denied);
      }, record),

    deliver: (id, secretHash, now, record) =>
      recorded(async (tx) => {
        const waits = and(eq(linkCodes.id, id), eq(linkCodes.state, "connected"), gt(linkCodes.expiresAt, now));
        const [code] = await tx.update(linkCodes).set({ state: "delivered" }).where(waits).returning();
        if (code === undefined || code.accountId === null) return false;
        const [account] = await tx
          .update(linkAccounts)
          .set({ secretHash, usedAt: now })
          .where(eq(linkAccounts.id, code.accountId))
          .returning({ id: linkAccounts.id });
        return account !== undefined;
      }, record),

    async prune(before) {
      await deleteInParts(database, linkCodes, linkCodes.id, {
        by: linkCodes.expiresAt,
        where: lt(linkCodes.expiresAt, before),
      });
    },
  };
}

/** One at a time, so that no more live ones come to be than are counted. */
async function lockCodes(tx: Queries): Promise<void> {
  await tx
    .select({ locked: sql`pg_advisory_xact_lock(hashtextextended('link codes', 0))` })
    .from(sql`(select 1) as one`)
    .execute();
}

async function countLive(tx: Queries, holder: string, now: Date) {
  const [counted] = await tx
    .select({ inAll: count(), ofHolder: sql`count(*) filter (where ${eq(linkCodes.holder, holder)})`.mapWith(Number) })
    .from(linkCodes)
    .where(isLiveAt(now));
  return counted ?? { inAll: 0, ofHolder: 0 };
}

/** Ends the newest code of who has most, unless who asks would then have as many. */
async function makeRoom(tx: Queries, ofHolder: number, now: Date): Promise<boolean> {
  const [most] = await tx
    .select({ holder: linkCodes.holder, codes: count() })
    .from(linkCodes)
    .where(isLiveAt(now))
    .groupBy(linkCodes.holder)
    .orderBy(desc(count()), linkCodes.holder)
    .limit(1);
  if (most === undefined || most.codes <= ofHolder + 1) return false;
  const newest = tx
    .select({ id: linkCodes.id })
    .from(linkCodes)
    .where(and(isLiveAt(now), eq(linkCodes.holder, most.holder)))
    .orderBy(desc(linkCodes.startedAt), desc(linkCodes.id))
    .limit(1);
  // Connected by somebody at this moment, it is not live any more.
  const ended = await tx
    .update(linkCodes)
    .set({ expiresAt: now })
    .where(and(inArray(linkCodes.id, newest), isLiveAt(now)))
    .returning({ id: linkCodes.id });
  return ended.length > 0;
}

function isLiveAt(now: Date) {
  return and(eq(linkCodes.state, "open"), gt(linkCodes.expiresAt, now));
}
