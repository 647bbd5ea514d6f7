import { and, desc, eq, or, type SQL, sql } from "drizzle-orm";
import type { Position } from "../../domain/model/installation.ts";
import type { SearchedPart } from "../../domain/model/installation-repository.ts";
import type { Database, Queries } from "../database.ts";
import { knownLimit, pageLimit } from "../known-limit.ts";
import { installationProducts, installations } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { isAfter, isListed, type Listing, listInstallations, orderOf } from "./list.ts";
import { hasProduct } from "./products.ts";

export interface SearchBounds {
  /** Matches that are fetched to be listed; where there are more, so many rows at the beginning are looked through. */
  readonly few: number;
  /** Matches that are sorted; where there are more, some are near in the list, and it is read along instead. */
  readonly mostSorted: number;
  /** Rows of the list that are read along for one page. */
  readonly mostRead: number;
}

const usual = { few: 500, mostSorted: 10_000, mostRead: 50_000 };
/** How much of a name is in its index, whose entries may not be long. */
const indexedCharacters = 64;

/** At most `limit` of those in a list that `text` finds. Few matches and many are each looked for in the quicker way. */
export async function searchInstallations(
  database: Database,
  text: string,
  listing: Listing,
  limit: number,
  { few, mostSorted, mostRead }: SearchBounds = usual,
): Promise<SearchedPart> {
  const matches = matchesOf(text);
  const list = (ids: SQL, also?: SQL) => {
    const only = and(sql`${installations.id} = any (array(${ids}))`, also);
    return database.read((db) => listInstallations(db, listing, limit, only));
  };

  const first = await database.read((db) => fetchMatches(db, matches, few + 1));
  if (first.length <= few) return { found: await list(named(first)), lookedTo: undefined };
  // Of many, a page is often found at the beginning.
  const near = limit * 2 > few ? [] : await list(beginningOf(listing, few), or(...matches));
  if (near.length === limit) return { found: near, lookedTo: undefined };
  const all = anyOf(matches, mostSorted + 1);
  if ((await database.read((db) => count(db, all))) <= mostSorted)
    return { found: await list(all), lookedTo: undefined };
  const { ids, lookedTo } = await database.read((db) => readAlong(db, { listing, matches, mostRead }, limit));
  return { found: await list(named(ids)), lookedTo };
}

/** Each of them has an index. */
function matchesOf(text: string): readonly SQL[] {
  const { externalOrgId, externalOrgName, externalInstallId, id, owner } = installations;
  const folded = sql`lower(${text}::text)`;
  const beginning = sql`lower(left(${text}::text, ${sql.raw(String(indexedCharacters))}))`;
  const indexedName = sql`lower(left(${externalOrgName}, ${sql.raw(String(indexedCharacters))}))`;
  return [
    sql`${begins(indexedName, beginning)} and starts_with(lower(${externalOrgName}), ${folded})`,
    begins(sql`lower(${owner})`, folded),
    eq(externalOrgId, text),
    eq(externalInstallId, text),
    ...(isUuid(text) ? [eq(id, text)] : []),
  ];
}

/** As a range, which a plan that Postgres keeps can look up too: LIKE needs to know its pattern, and has wildcards. */
function begins(column: SQL, beginning: SQL): SQL {
  return sql`${column} ~>=~ ${beginning} and ${column} ~<~ (${beginning} || chr(1114111))`;
}

/** The ids of what matches, `most` of each kind. */
function anyOf(matches: readonly SQL[], most: number): SQL {
  const each = matches.map(
    (match) => sql`(select ${installations.id} from ${installations} where ${match} limit ${knownLimit(most)})`,
  );
  return sql.join(each, sql` union all `);
}

async function fetchMatches(db: Queries, matches: readonly SQL[], most: number): Promise<readonly string[]> {
  const rows = await db
    .select({ id: sql<string>`id` })
    .from(sql`(${anyOf(matches, most)}) as matching`)
    .limit(knownLimit(most))
    .prepare("fetch_matches")
    .execute();
  return rows.map(({ id }) => id);
}

async function count(db: Queries, ids: SQL): Promise<number> {
  const [counted] = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(sql`(${ids}) as matching`)
    .prepare("count_matches")
    .execute();
  return counted?.count ?? 0;
}

/**
 * The first rows in the list's order, whether they are in the list or not: so many are read and no more, also for who
 * sees few.
 */
function beginningOf(listing: Listing, rows: number): SQL {
  const { createdAt, id } = orderOf(listing);
  const { platform } = listing.filter;
  const table = platform === undefined ? installations : installationProducts;
  const from = and(platform === undefined ? undefined : eq(installationProducts.product, platform), isAfter(listing));
  return sql`select ${id} from ${table} where ${from ?? sql`true`}
    order by ${createdAt} desc, ${id} desc limit ${knownLimit(rows)}`;
}

/** One text, since not every driver knows what an array of a prepared statement is made of. */
function named(ids: readonly string[]): SQL {
  return sql`select unnest(string_to_array(${ids.join(",")}, ',')::uuid[])`;
}

interface ReadingAlong extends Pick<SearchBounds, "mostRead"> {
  readonly listing: Listing;
  readonly matches: readonly SQL[];
}

interface ReadPart {
  /** Of the next matches, at most `limit`. */
  readonly ids: readonly string[];
  /** Where reading along ended; undefined: the list has. Some of what was found may be gone when it is listed. */
  readonly lookedTo: Position | undefined;
}

/** The next matches in a list, in its order. */
async function readAlong(db: Queries, along: ReadingAlong, limit: number): Promise<ReadPart> {
  const { listing, matches, mostRead } = along;
  const { createdAt, id } = orderOf(listing);
  const part = db
    .select({ createdAt, id, matches: sql<boolean>`coalesce(${or(...matches)}, false)`.as("matches") })
    .from(installations)
    .$dynamic();
  if (listing.filter.platform !== undefined) part.innerJoin(installationProducts, hasProduct(listing.filter.platform));
  const read = part.where(isListed(listing)).orderBy(desc(createdAt), desc(id)).limit(knownLimit(mostRead)).as("read");
  const numbered = db
    .select({
      ...{ createdAt: read.createdAt, id: read.id, matches: read.matches },
      row: sql<number>`row_number() over (order by ${read.createdAt} desc, ${read.id} desc)::int`.as("row"),
    })
    .from(read)
    .as("numbered");
  const rows = await db
    .select()
    .from(numbered)
    .where(sql`${numbered.matches} or ${numbered.row} = ${knownLimit(mostRead)}`)
    .orderBy(desc(numbered.createdAt), desc(numbered.id))
    .limit(pageLimit(limit))
    .prepare("search_installations")
    .execute();
  const found = rows.filter((row) => row.matches).slice(0, limit);
  const last = found.length === limit ? found.at(-1) : rows.at(-1);
  const goesOn = last !== undefined && (found.length === limit || last.row === mostRead);
  return {
    ids: found.map((row) => row.id),
    lookedTo: goesOn ? { createdAt: last.createdAt, id: last.id } : undefined,
  };
}
