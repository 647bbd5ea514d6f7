import { inArray, sql } from "drizzle-orm";
import type { NewDelivery } from "../../domain/deliveries/delivery-repository.ts";
import type { Concern, Finding } from "../../domain/health/concern.ts";
import type { ConcernChange, Judged } from "../../domain/health/concern-repository.ts";
import type { ConnectionFacts } from "../../domain/health/connection-facts.ts";
import type { Database, Queries } from "../database.ts";
import { concerns } from "../schema.ts";

type ConcernRow = typeof concerns.$inferSelect;

export interface NotingTools {
  readonly database: Database;
  readonly newId: () => string;
  readonly now: () => Date;
  /** Within the same transaction. */
  readonly keepDeliveries: (tx: Queries, deliveries: readonly NewDelivery[]) => Promise<unknown>;
}

/** See ConcernRepository.note. Where nothing has changed, which is mostly so, it is one look. */
export async function noteConcerns(
  { database, newId, now, keepDeliveries }: NotingTools,
  judged: readonly Judged[],
  deliveryOf: (change: ConcernChange) => NewDelivery | undefined,
): Promise<readonly ConcernChange[]> {
  const ids = judged.map(({ facts }) => facts.installation.id);
  const present = await database.read((db) => db.select().from(concerns).where(inArray(concerns.installationId, ids)));
  const at = now();
  const { wanted, passed } = compare(judged, present, (finding, { id, platform }) => ({
    ...finding,
    id: newId(),
    installationId: id,
    platform,
    detail: finding.detail ?? null,
    actBefore: finding.actBefore ?? null,
    notedAt: at,
  }));
  if (wanted.length === 0 && passed.length === 0) return [];
  const installationOf = new Map(judged.map(({ facts }) => [facts.installation.id, facts.installation]));
  const changeOf = (kind: ConcernChange["kind"], row: ConcernRow): ConcernChange[] => {
    const installation = installationOf.get(row.installationId);
    return installation === undefined ? [] : [{ kind, at, concern: toConcern(row), installation }];
  };
  return database.transaction(async (tx) => {
    const kept = wanted.length === 0 ? [] : await keep(tx, wanted);
    const gone = passed.length === 0 ? [] : await tx.delete(concerns).where(inArray(concerns.id, passed)).returning();
    const changes = [
      ...gone.flatMap((row) => changeOf("ended", row)),
      ...kept.flatMap(({ isNew, ...row }) => (isNew ? changeOf("began", row) : [])),
    ];
    const deliveries = changes.map(deliveryOf).filter((delivery) => delivery !== undefined);
    if (deliveries.length > 0) await keepDeliveries(tx, deliveries);
    return changes;
  });
}

/** New ones are added, and of those on the list what is said of them; since when stays as it was first known. */
function keep(tx: Queries, rows: readonly ConcernRow[]) {
  const { detail, actBefore } = concerns;
  return tx
    .insert(concerns)
    .values([...rows])
    .onConflictDoUpdate({
      target: [concerns.installationId, concerns.kind],
      set: { detail: sql`excluded.detail`, actBefore: sql`excluded.act_before` },
    })
    .returning({ ...columns, detail, actBefore, isNew: sql<boolean>`xmax = 0` });
}

const columns = {
  id: concerns.id,
  installationId: concerns.installationId,
  kind: concerns.kind,
  platform: concerns.platform,
  since: concerns.since,
  notedAt: concerns.notedAt,
};

function compare(
  judged: readonly Judged[],
  present: readonly ConcernRow[],
  rowOf: (finding: Finding, installation: ConnectionFacts["installation"]) => ConcernRow,
): { readonly wanted: readonly ConcernRow[]; readonly passed: string[] } {
  const noted = Map.groupBy(present, ({ installationId }) => installationId);
  const wanted: ConcernRow[] = [];
  const passed: string[] = [];
  for (const { facts, findings, undecided } of judged) {
    const rows = noted.get(facts.installation.id) ?? [];
    for (const finding of findings) {
      const row = rowOf(finding, facts.installation);
      const known = rows.find(({ kind }) => kind === finding.kind);
      if (known === undefined || !saysSame(known, row)) wanted.push(row);
    }
    for (const { id, kind } of rows) {
      const goesOn = findings.some((finding) => finding.kind === kind) || undecided.includes(kind);
      if (!goesOn) passed.push(id);
    }
  }
  return { wanted, passed };
}

function saysSame(known: ConcernRow, row: ConcernRow): boolean {
  return known.detail === row.detail && known.actBefore?.getTime() === row.actBefore?.getTime();
}

export function toConcern({ id, installationId, kind, platform, since, detail, actBefore }: ConcernRow): Concern {
  return { id, installationId, kind, platform, since, detail: detail ?? undefined, actBefore: actBefore ?? undefined };
}
