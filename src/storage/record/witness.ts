import { desc } from "drizzle-orm";
import { serviceCaller } from "../../domain/model/audit-event.ts";
import type { Database } from "../database.ts";
import { auditChains } from "../schema.ts";
import type { ChainedAuditLog } from "./log.ts";
import { sightingDetail } from "./rows.ts";

/** The chains written to last; more than there are replicas and restarts between two rounds. */
const maxChains = 100;

/**
 * Notes in this process's chain how far the others go, so that none can be cut back or removed without a trace in
 * another one. Each is noted once per length.
 */
export function createWitness(tools: {
  readonly database: Database;
  readonly log: ChainedAuditLog;
  readonly now: () => Date;
}): () => Promise<void> {
  const { database, log, now } = tools;
  let noted: ReadonlyMap<string, number> = new Map();

  return async () => {
    const chains = await database.read((db) =>
      db
        .select({ chainId: auditChains.id, sequence: auditChains.lastSequence, hash: auditChains.headHash })
        .from(auditChains)
        .orderBy(desc(auditChains.updatedAt), desc(auditChains.id))
        .limit(maxChains),
    );
    const news = chains.filter(({ chainId, sequence }) => chainId !== log.chainId && noted.get(chainId) !== sequence);
    await log.append(
      news.map((seen) => ({
        kind: "audit.witnessed",
        at: now(),
        caller: serviceCaller,
        method: "witness the record",
        detail: sightingDetail(seen),
        count: 1,
      })),
    );
    noted = new Map(chains.map(({ chainId, sequence }) => [chainId, sequence]));
  };
}
