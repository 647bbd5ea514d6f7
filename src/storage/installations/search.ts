import { desc, eq, or, type SQL, sql } from "drizzle-orm";
import type { SearchedPart } from "../../domain/model/installation-repository.ts";
import type { Database, Queries } from "../database.ts";
import { knownLimit, pageLimit } from "../known-limit.ts";
import { installationProducts, installations } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { isListed, type Listing, listInstallations, orderOf } from "./list.ts";
import { hasProduct } from "./products.ts";

export interface SearchBounds {
  /** Matches that are sorted; where there are more, some are near in the list, and it is read along instead. */
  readonly mostSorted: number;
  /** Rows of the list that are read along for one page. */
  readonly mostRead: number;
}

const usual = { mostSorted: 10_000, mostRead: 50_000 };
/** How much of a name is in its index, whose entries may not be long. */
const indexedCharacters = 64;

/** At most `limit` of those in a list that `text` finds. Few matches and many are each looked for in the quicker way. */
export async function searchInstallations(
  database: Database,
  text: string,
  listing: Listing,
  limit: number,
  { mostSorted, mostRead }: SearchBounds = usual,
): Promise<SearchedPart> {
  const matches = matchesOf(text);
  const few = anyOf(matches, mostSorted + 1);
  if ((await database.read((db) => count(db, few))) <= mostSorted) {
    const ids = sql`${installations.id} = any (array(${few}))`;
    return { found: await database.read((db) => listInstallations(db, listing, limit, ids)), lookedTo: undefined };
  }
  const read = await database.read((db) => readAlong(db, { listing, matches, mostRead }, limit));
  const ids = read.filter(({ matches }) => matches).map(({ id }) => id);
  const last = read.at(-1);
  // One text, since not every driver knows what an array of a prepared statement is made of.
  const named = sql`${installations.id} = any (array(select unnest(string_to_array(${ids.join(",")}, ',')::uuid[])))`;
  return {
    found: ids.length === 0 ? [] : await database.read((db) => listInstallations(db, listing, limit, named)),
    lookedTo: ids.length < limit && last?.row === mostRead ? { createdAt: last.createdAt, id: last.id } : undefined,
  };
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

async function count(db: Queries, ids: SQL): Promise<number> {
  const [counted] = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(sql`(${ids}) as matching`)
    .prepare("count_matches")
    .execute();
  return counted?.count ?? 0;
}

interface ReadingAlong extends Pick<SearchBounds, "mostRead"> {
  readonly listing: Listing;
  readonly matches: readonly SQL[];
}

/** The next matches in a list, in its order; then, if there are fewer than `limit`, where reading along ended. */
async function readAlong(db: Queries, { listing, matches, mostRead }: ReadingAlong, limit: number) {
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
  return rows.slice(0, limit);
}
