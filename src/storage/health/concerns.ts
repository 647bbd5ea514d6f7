import { and, desc, eq, getTableColumns, inArray } from "drizzle-orm";
import type { ConcernRepository } from "../../domain/health/concern-repository.ts";
import { isVisible } from "../conditions.ts";
import { concerns, installations } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { readFacts, readLastProven } from "./facts.ts";
import { type NotingTools, noteConcerns, toConcern } from "./note-concerns.ts";
import { beginRound, endRound } from "./rounds.ts";
import { findSuspects } from "./suspects.ts";

export function createConcernRepository(tools: NotingTools): ConcernRepository {
  const { database } = tools;
  return {
    beginRound: (everyMs) => beginRound(database, everyMs),
    endRound: (places, through) => endRound(database, places, through),
    suspects: (source, after, limit) => database.read((db) => findSuspects(db, source, after, limit)),
    facts: (ids) => readFacts(database, ids),
    lastProven: (platforms) => readLastProven(database, platforms),
    note: (judged, deliveryOf) => noteConcerns(tools, judged, deliveryOf),
    async list({ installationIds, kind }, visible, limit) {
      const { owner, externalOrgId, externalOrgName } = installations;
      const named = installationIds && inArray(concerns.installationId, installationIds.filter(isUuid));
      const rows = await database.read((db) =>
        db
          .select({ ...getTableColumns(concerns), owner, externalOrgId, externalOrgName })
          .from(concerns)
          .innerJoin(installations, eq(installations.id, concerns.installationId))
          .where(and(named, kind && eq(concerns.kind, kind), isVisible(visible)))
          .orderBy(desc(concerns.id))
          .limit(limit),
      );
      return rows.map((row) => {
        const { externalOrgId, externalOrgName } = row;
        return { ...toConcern(row), owner: row.owner ?? undefined, externalOrgId, externalOrgName };
      });
    },
  };
}
