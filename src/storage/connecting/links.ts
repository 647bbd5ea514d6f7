import { and, eq, gt, type InferSelectModel, isNull, lt } from "drizzle-orm";
import type { LinkRepository, StoredLink } from "../../domain/connecting/install-link.ts";
import type { Database } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { attempts, installLinks, linkAccounts, linkCodes } from "../schema.ts";
import { toFacts } from "./link-facts.ts";

export function createLinkRepository(tools: {
  readonly database: Database;
  readonly recorded: RecordedTransaction;
}): LinkRepository {
  const { database, recorded } = tools;
  return {
    create: (link, secretHash, now, record) =>
      recorded(
        async (tx) => void (await tx.insert(installLinks).values({ ...link, secretHash, createdAt: now })),
        record,
      ),

    async look(secretHash, platform, now) {
      const named = and(eq(installLinks.secretHash, secretHash), eq(installLinks.platform, platform));
      const open = and(named, isNull(installLinks.usedAt), gt(installLinks.expiresAt, now));
      const [found] = await database.read((db) => db.select().from(installLinks).where(open));
      return found && toLink(found);
    },

    async spend(secretHash, platform, now) {
      const named = and(eq(installLinks.secretHash, secretHash), eq(installLinks.platform, platform));
      const [spent] = await database.write((db) =>
        db
          .update(installLinks)
          .set({ usedAt: now })
          .where(and(named, isNull(installLinks.usedAt), gt(installLinks.expiresAt, now)))
          .returning(),
      );
      if (spent !== undefined) {
        return { kind: "spent", link: toLink(spent) };
      }
      const [row] = await database.read((db) => db.select().from(installLinks).where(named));
      if (row === undefined) return { kind: "refused", why: "unknown" };
      return { kind: "refused", why: row.usedAt === null ? "expired" : "used", returnTo: row.returnTo ?? undefined };
    },

    async prune(before) {
      await deleteInParts(database, installLinks, installLinks.secretHash, {
        by: installLinks.expiresAt,
        where: lt(installLinks.expiresAt, before),
      });
    },

    forgetOwner: (owner, record) =>
      recorded(async (tx) => {
        await tx.delete(installLinks).where(eq(installLinks.owner, owner));
        await tx.delete(attempts).where(eq(attempts.owner, owner));
        await tx.delete(linkCodes).where(eq(linkCodes.owner, owner));
        await tx.delete(linkAccounts).where(eq(linkAccounts.owner, owner));
      }, record),
  };
}

function toLink({ platform, owner, returnTo, expiresAt, facts }: InferSelectModel<typeof installLinks>): StoredLink {
  const link = { platform, owner: owner ?? undefined, returnTo: returnTo ?? undefined, expiresAt };
  return { ...link, facts: toFacts(facts) };
}
