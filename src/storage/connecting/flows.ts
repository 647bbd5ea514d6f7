import { and, eq, inArray, isNull, lt, notInArray, or, sql } from "drizzle-orm";
import type { FlowRepository, FlowState } from "../../domain/flows/flow.ts";
import type { Database } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import { flows } from "../schema.ts";

const ends: FlowState[] = ["connected", "denied", "failed"];
/** Of which nothing has come yet: the same link may be opened again. */
const starts: FlowState[] = ["opening", "opened"];

export function createFlowRepository(database: Database): FlowRepository {
  return {
    async begin(hash, { platform, linkHash = null, now, expiresAt }) {
      const begun = await database.write((db) =>
        db
          .insert(flows)
          .values({
            hash,
            platform,
            linkHash,
            state: "opening",
            completion: false,
            createdAt: now,
            movedAt: now,
            expiresAt,
          })
          .onConflictDoUpdate({
            target: flows.hash,
            set: { movedAt: now, expiresAt },
            setWhere: sql`${inArray(flows.state, starts)} and ${flows.linkHash} = excluded.link_hash`,
          })
          .returning({ hash: flows.hash }),
      );
      return begun.length === 1;
    },

    async move(hash, { atStart, ...move }, now) {
      const movable = atStart === true ? inArray(flows.state, starts) : notInArray(flows.state, ends);
      await database.write((db) =>
        db
          .update(flows)
          .set({ ...move, movedAt: now })
          .where(and(eq(flows.hash, hash), movable)),
      );
    },

    async close(hash, now) {
      await database.write((db) =>
        db
          .update(flows)
          .set({ closedAt: now })
          .where(and(eq(flows.hash, hash), or(isNull(flows.closedAt), lt(flows.closedAt, flows.movedAt)))),
      );
    },

    async find(hashes) {
      const rows = await database.read((db) =>
        db
          .select()
          .from(flows)
          .where(inArray(flows.hash, [...hashes])),
      );
      return new Map(
        rows.map(({ hash, linkHash, createdAt, returnOrigin, reason, closedAt, ...flow }) => [
          hash,
          {
            ...flow,
            returnOrigin: returnOrigin ?? undefined,
            reason: reason ?? undefined,
            closedAt: closedAt ?? undefined,
          },
        ]),
      );
    },

    async prune(before) {
      await deleteInParts(database, flows, flows.hash, { by: flows.expiresAt, where: lt(flows.expiresAt, before) });
    },
  };
}
