import { and, asc, count, eq, gt, inArray, isNotNull, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { ifReadable, open, type SealedColumn, seal, sealedColumns, sealingKeyId } from "../credentials/rows.ts";
import type { Database } from "../database.ts";
import { credentials } from "../schema.ts";
import { gcmPrefix, type Sealer } from "../seal/sealer.ts";

const columnNames: readonly SealedColumn[] = [
  "accessToken",
  "refreshToken",
  "previousRefreshToken",
  "spareRefreshToken",
];

/** A credential as it stands sealed. */
export type SealedRow = Readonly<Record<SealedColumn, string | null>> & {
  readonly id: string;
  readonly version: number;
  readonly keyId: string | null;
};

/** What is sealed by which key, and how much of it another key or cipher than the current one sealed. */
export interface SealedCount {
  readonly rowsByKey: ReadonlyMap<string, number>;
  readonly outdated: number;
}

/** Looks at every row. */
export async function countSealed(database: Database, sealer: Sealer): Promise<SealedCount> {
  const rows = await database.read((db) =>
    db
      .select({
        keyId: credentials.keyId,
        rows: count(),
        outdated: sql`count(*) filter (where ${isOutdated(sealer)})`.mapWith(Number),
      })
      .from(credentials)
      .where(isNotNull(credentials.keyId))
      .groupBy(credentials.keyId)
      .orderBy(credentials.keyId),
  );
  return {
    rowsByKey: new Map(rows.flatMap(({ keyId, rows }) => (keyId === null ? [] : [[keyId, rows] as const]))),
    outdated: rows.reduce((sum, row) => sum + row.outdated, 0),
  };
}

/** What can be told of a row without opening it. */
export interface ListedRow {
  readonly id: string;
  readonly keyId: string | null;
  /** Whether another key or cipher than the current one sealed it. */
  readonly outdated: boolean;
  /** Whether it has to be looked at: a spare may come from a replica with another first key than the row's. */
  readonly suspect: boolean;
}

/** The next `limit` rows after `after` by id. */
export async function listRows(
  database: Database,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
  sealer: Sealer,
): Promise<readonly ListedRow[]> {
  const outdated = sql<boolean>`coalesce(${isOutdated(sealer)}, false)`;
  return database.read((db) =>
    db
      .select({
        id: credentials.id,
        keyId: credentials.keyId,
        outdated,
        suspect: sql<boolean>`${outdated} or ${credentials.spareRefreshToken} is not null`,
      })
      .from(credentials)
      .where(after === undefined ? undefined : gt(credentials.id, after))
      .orderBy(asc(credentials.id))
      .limit(limit),
  );
}

/** Those of the rows that still exist, in no order. */
export async function readRows(database: Database, ids: readonly string[]): Promise<readonly SealedRow[]> {
  return database.read((db) =>
    db
      .select({ id: credentials.id, version: credentials.version, keyId: credentials.keyId, ...sealedColumns })
      .from(credentials)
      .where(inArray(credentials.id, [...ids])),
  );
}

/** Whether the current key and cipher sealed all of the row, and it says so. */
export function isCurrent(row: SealedRow, sealer: Sealer): boolean {
  const texts = columnNames.flatMap((column) => row[column] ?? []);
  return texts.length === 0 || (row.keyId === sealingKeyId(sealer) && texts.every(sealer.isCurrent));
}

/** The columns of the row sealed anew for where they stand; undefined if one of them cannot be opened. */
export function sealAnew(row: SealedRow, sealer: Sealer): Pick<SealedRow, SealedColumn> | undefined {
  const anew = (column: SealedColumn) => seal(sealer, row.id, column, open(sealer, row.id, column, row[column]));
  return ifReadable(() => ({
    accessToken: anew("accessToken"),
    refreshToken: anew("refreshToken"),
    previousRefreshToken: anew("previousRefreshToken"),
    spareRefreshToken: anew("spareRefreshToken"),
  }));
}

/**
 * Stores them if the row still is what was read, and touches neither its version nor its lease. False if somebody was
 * faster: what they stored stays.
 */
export async function replaceSealed(
  database: Database,
  row: SealedRow,
  anew: Pick<SealedRow, SealedColumn>,
  sealer: Sealer,
): Promise<boolean> {
  const replaced = await database.write((db) =>
    db
      .update(credentials)
      .set({ ...anew, keyId: sealingKeyId(sealer) })
      .where(
        and(
          eq(credentials.id, row.id),
          eq(credentials.version, row.version),
          ...columnNames.map((column) => isStill(sealedColumns[column], row[column])),
        ),
      )
      .returning({ id: credentials.id }),
  );
  return replaced.length > 0;
}

function isStill(column: (typeof sealedColumns)[SealedColumn], text: string | null): SQL {
  return text === null ? isNull(column) : eq(column, text);
}

/** Null, which a filter takes for false, where nothing is sealed. */
function isOutdated(sealer: Sealer): SQL | undefined {
  const otherFormat = columnNames.map((name) => {
    const isGcm = sql`starts_with(${sealedColumns[name]}, ${gcmPrefix})`;
    return sealer.cipher === "aes-256-gcm" ? sql`not ${isGcm}` : isGcm;
  });
  return or(ne(credentials.keyId, sealingKeyId(sealer) ?? ""), ...otherFormat);
}
