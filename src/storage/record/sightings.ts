import { and, eq, sql } from "drizzle-orm";
import type { Database } from "../database.ts";
import { auditChains, auditEvents } from "../schema.ts";
import type { Finding } from "./check.ts";
import type { IsForgotten } from "./forgotten-chains.ts";
import { type AuditRow, readSighting, type Sighting } from "./rows.ts";

/** What chains say of each other: how far each was seen to go. */
export interface Sightings {
  /** Compares what these rows have seen with what there is. */
  check(rows: readonly AuditRow[]): Promise<void>;
}

/** Reports each chain once that is shorter than it was, or is gone and was not forgotten. */
export function createSightings({
  database,
  isForgotten,
  report,
}: {
  readonly database: Database;
  readonly isForgotten: IsForgotten;
  readonly report: (finding: Finding) => void;
}): Sightings {
  const reported = new Set<string>();
  return {
    async check(rows) {
      const seen = rows.flatMap((row) => readSighting(row) ?? []);
      if (seen.length === 0) return;
      for (const found of await lookUp(database, seen)) {
        const why = whatIsWrong(found);
        if (why === undefined || reported.has(found.chainId)) continue;
        if (found.lastSequence === null && (await isForgotten(found.chainId))) continue;
        reported.add(found.chainId);
        const { flaw, text } = why;
        report({ flaw, chainId: found.chainId, sequence: found.sequence, why: text });
      }
    },
  };
}

interface Found extends Sighting {
  readonly lastSequence: number | null;
  readonly hashNow: string | null;
}

function whatIsWrong({ sequence, hash, lastSequence, hashNow }: Found) {
  if (lastSequence === null) {
    return { flaw: "missing", text: `the whole chain is gone; another one saw ${sequence} rows of it` } as const;
  }
  if (lastSequence < sequence) {
    return { flaw: "truncated", text: `it ends at row ${lastSequence}; another one saw ${sequence}` } as const;
  }
  if (hashNow !== null && hashNow !== hash) {
    return { flaw: "changed", text: "another chain saw another row here" } as const;
  }
  return undefined;
}

async function lookUp(database: Database, seen: readonly Sighting[]): Promise<readonly Found[]> {
  const each = sql`jsonb_to_recordset(${JSON.stringify(seen)}::jsonb) as seen("chainId" uuid, sequence bigint, hash text)`;
  return database.read((db) =>
    db
      .select({
        chainId: sql<string>`seen."chainId"`,
        sequence: sql`seen.sequence`.mapWith(Number),
        hash: sql<string>`seen.hash`,
        lastSequence: auditChains.lastSequence,
        hashNow: auditEvents.hash,
      })
      .from(each)
      .leftJoin(auditChains, eq(auditChains.id, sql`seen."chainId"`))
      .leftJoin(
        auditEvents,
        and(eq(auditEvents.chainId, sql`seen."chainId"`), eq(auditEvents.sequence, sql`seen.sequence`)),
      ),
  );
}
