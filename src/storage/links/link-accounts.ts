import { and, arrayContains, eq, gt, isNull, lt, ne, notExists, or, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { LinkAccountRepository } from "../../domain/links/link-account.ts";
import type { Database } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { installations, linkAccounts } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { toLinkAccount } from "./rows.ts";

export function createLinkAccountRepository(tools: {
  readonly database: Database;
  readonly recorded: RecordedTransaction;
}): LinkAccountRepository {
  const { database, recorded } = tools;

  return {
    async find(id) {
      if (!isUuid(id)) return undefined;
      const [found] = await database.read((db) => db.select().from(linkAccounts).where(eq(linkAccounts.id, id)));
      return found && toLinkAccount(found);
    },

    async noteUse(id, now, used) {
      const { secretHash, previousHash, previousUntil } = linkAccounts;
      // Decided here: since the account was read, its secret may have been replaced, and the one used be the older.
      const unlessNewer = (column: typeof previousHash | typeof previousUntil) =>
        sql`case when ${eq(secretHash, used)} then null else ${column} end`;
      await database.write((db) =>
        db
          .update(linkAccounts)
          .set({ usedAt: now, previousHash: unlessNewer(previousHash), previousUntil: unlessNewer(previousUntil) })
          .where(eq(linkAccounts.id, id)),
      );
    },

    rotate: (id, { presented, made }, { now, until }, record) =>
      recorded(async (tx) => {
        const { secretHash, previousHash, previousUntil } = linkAccounts;
        const newer = eq(secretHash, presented);
        const older = and(eq(previousHash, presented), gt(previousUntil, now));
        const [rotated] = await tx
          .update(linkAccounts)
          .set({
            ...{ secretHash: made, previousHash: presented },
            // Whoever goes on with the older one does not make it live longer.
            previousUntil: sql`case when ${newer} then ${sql.param(until, previousUntil)} else ${previousUntil} end`,
          })
          .where(and(eq(linkAccounts.id, id), or(newer, older)))
          .returning({ id: linkAccounts.id });
        return rotated !== undefined;
      }, record),

    async madeAlone(id) {
      const other = alias(linkAccounts, "other");
      const rows = await database.read((db) =>
        db
          .select({ id: installations.id })
          .from(linkAccounts)
          .innerJoin(installations, sql`${installations.id} = any(${linkAccounts.createdIds})`)
          .where(
            and(
              eq(linkAccounts.id, id),
              ne(installations.status, "revoked"),
              eq(installations.connectedAt, linkAccounts.connectedAt),
              sql`${installations.owner} is not distinct from ${linkAccounts.owner}`,
              notExists(
                db
                  .select({ one: sql`1` })
                  .from(other)
                  .where(
                    and(
                      ne(other.id, linkAccounts.id),
                      arrayContains(other.installationIds, sql`array[${installations.id}]`),
                    ),
                  ),
              ),
            ),
          )
          .orderBy(installations.id),
      );
      return rows.map((row) => row.id);
    },

    forget: (id, record) =>
      recorded(async (tx) => {
        const gone = await tx.delete(linkAccounts).where(eq(linkAccounts.id, id)).returning({ id: linkAccounts.id });
        return gone.length > 0;
      }, record),

    async prune(unusedSince, unfetchedSince) {
      const { id, usedAt, connectedAt, secretHash } = linkAccounts;
      const unfetched = and(isNull(secretHash), lt(connectedAt, unfetchedSince));
      await deleteInParts(database, linkAccounts, id, { by: usedAt, where: lt(usedAt, unusedSince) });
      await deleteInParts(database, linkAccounts, id, { by: connectedAt, where: unfetched });
    },
  };
}
