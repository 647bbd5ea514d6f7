import { and, asc, eq, gt, inArray, lt, max, sql } from "drizzle-orm";
import type { Installation } from "../../domain/model/installation.ts";
import type { InstallationChange, InstallationChanges } from "../../domain/watching/installation-changes.ts";
import type { Database, Queries } from "../database.ts";
import { toInstallation, type ViewRow, viewInstallations } from "../installations/rows.ts";
import { installationChanges, installations, meta, type SeenFacts } from "../schema.ts";
import { begunKey } from "../stamp.ts";

const keptDays = 7;
/** Removed by one statement. */
const partRows = 1_000;

/** The table is written by triggers, at the end of each transaction. */
export function createInstallationChanges(database: Database): InstallationChanges {
  return {
    after: (sequence, limit) => readAfter(database, sequence, limit),

    async latest() {
      const [row] = await database.read((db) =>
        db.select({ last: max(installationChanges.sequence) }).from(installationChanges),
      );
      return row?.last ?? 0;
    },

    markOf: (sequence) => database.read((db) => (sequence === 0 ? markOfBeginning(db) : markOf(db, sequence))),

    async forget() {
      for (let rows = 0; ; ) {
        const part = await database.write(forgetOldest);
        rows += part.length;
        if (part.length < partRows) return rows;
      }
    },
  };
}

async function readAfter(database: Database, sequence: number, limit: number): Promise<readonly InstallationChange[]> {
  const rows = await database.read((db) =>
    db
      .select()
      .from(installationChanges)
      .where(gt(installationChanges.sequence, sequence))
      .orderBy(asc(installationChanges.sequence))
      .limit(limit),
  );
  if (rows.length === 0) return [];
  const ids = [...new Set(rows.map(({ installationId }) => installationId))];
  const views = await database.read((db) => viewInstallations(db).where(inArray(installations.id, ids)));
  const present = new Map(views.map((view) => [view.installation.id, view]));
  return rows.map((row) => ({
    sequence: row.sequence,
    kind: row.kind,
    at: row.at,
    installation: asItWas(row.installation, present.get(row.installationId)),
    before: row.before === null ? undefined : asItWas(row.before, undefined),
  }));
}

function asItWas(facts: SeenFacts, now: ViewRow | undefined): Installation {
  const { createdAt, updatedAt, revokedAt } = facts;
  // How it fares since it is another owner's is that owner's.
  const present = now?.installation.owner === facts.owner ? now : undefined;
  return toInstallation({
    natural: null,
    ownWebhook: null,
    platformWebhook: null,
    ...present,
    installation: {
      ...facts,
      createdAt: new Date(createdAt),
      updatedAt: new Date(updatedAt),
      revokedAt: revokedAt === null ? null : new Date(revokedAt),
      lastUsedAt: present?.installation.lastUsedAt ?? null,
    },
  });
}

/** The time at which it was made: a database that was set back makes its next changes at other times. */
async function markOf(db: Queries, sequence: number): Promise<string | undefined> {
  const [row] = await db
    .select({ at: installationChanges.at })
    .from(installationChanges)
    .where(eq(installationChanges.sequence, sequence));
  return row?.at.toISOString();
}

/** Of no use once the first change is forgotten. */
async function markOfBeginning(db: Queries): Promise<string | undefined> {
  const [first] = await db
    .select({ sequence: installationChanges.sequence })
    .from(installationChanges)
    .orderBy(asc(installationChanges.sequence))
    .limit(1);
  if (first !== undefined && first.sequence > 1) return undefined;
  const [begun] = await db.select({ value: meta.value }).from(meta).where(eq(meta.key, begunKey));
  return begun?.value;
}

/** From the first one on, so that at no moment one is missing in the middle. */
async function forgetOldest(db: Queries): Promise<readonly unknown[]> {
  const { sequence, at } = installationChanges;
  const oldest = db
    .select({ sequence, at })
    .from(installationChanges)
    .orderBy(asc(sequence))
    .limit(partRows)
    .as("oldest");
  const isKept = sql`${oldest.at} >= statement_timestamp() - make_interval(days => ${keptDays})`;
  const end = db
    .select({ sequence: sql`coalesce(min(${oldest.sequence}) filter (where ${isKept}), max(${oldest.sequence}) + 1)` })
    .from(oldest);
  const last = db.select({ sequence: max(sequence) }).from(installationChanges);
  return db
    .delete(installationChanges)
    .where(and(lt(sequence, sql`(${end})`), lt(sequence, sql`(${last})`)))
    .returning({ sequence });
}
