import { and, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Visibility } from "../../domain/access/access.ts";
import type { Selection } from "../../domain/model/installation-repository.ts";
import { perObject } from "../../work/per-object.ts";
import { sharedReads } from "../../work/shared-reads.ts";
import { isVisible } from "../conditions.ts";
import type { Database, Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { selectionColumns, textOf, toSelection } from "./select.ts";

/** Visibilities whose statements are kept. */
const maxShapes = 200;

export type SelectById = (id: string, visible: Visibility) => Promise<readonly Selection[]>;

/**
 * Look-ups by our id alone. The way to the database costs more than what is read there: who asks while others are on
 * their way shares one statement with all who do.
 */
export function createSelectById({ read }: Pick<Database, "read">, sealer: Sealer): SelectById {
  const lookUps = new LRUCache<string, ReturnType<typeof createLookUp>>({ max: maxShapes });
  /** One function for all shapes: what is remembered of a pool of connections stays with it (`perObject`). */
  const builtFor = perObject((_: Queries) => new LRUCache<string, ReturnType<typeof build>>({ max: maxShapes }));

  function statementOf(db: Queries, shape: string, visible: Visibility) {
    const built = builtFor(db);
    let statement = built.get(shape);
    if (statement === undefined) {
      statement = build(db, visible);
      built.set(shape, statement);
    }
    return statement;
  }

  function createLookUp(shape: string, visible: Visibility) {
    return sharedReads((ids: readonly string[]) =>
      read(async (db) => {
        const rows = await statementOf(db, shape, visible).execute({ ids: ids.join(",") });
        return Map.groupBy(
          rows.map((row) => toSelection(row, sealer)),
          ({ installation }) => installation.id,
        );
      }),
    );
  }

  return async (id, visible) => {
    if (!isUuid(id)) return [];
    const shape = textOf(visible.rules);
    let lookUp = lookUps.get(shape);
    if (lookUp === undefined) {
      lookUp = createLookUp(shape, visible);
      lookUps.set(shape, lookUp);
    }
    return (await lookUp(id.toLowerCase())) ?? [];
  };
}

/**
 * With the credential that serves where none is asked for. Planned once for a connection: how many ids there are is hidden
 * from the planner, which otherwise plans anew each time, at ten times the cost of reading.
 */
function build(db: Queries, visible: Visibility) {
  // One text, since not every driver knows what an array of a prepared statement is made of.
  const asked = sql`array(select unnest(string_to_array(${sql.placeholder("ids")}, ',')::uuid[]))`;
  // Not joined: for the few ids that the planner expects it might read a whole table.
  const natural = sql`(select ${installationCredentials.credentialId} from ${installationCredentials}
    where ${installationCredentials.installationId} = ${installations.id} and ${installationCredentials.natural})`;
  return db
    .select(selectionColumns)
    .from(installations)
    .leftJoin(credentials, sql`${credentials.id} = ${natural}`)
    .where(and(sql`${installations.id} = any (${asked})`, isVisible(visible)))
    .prepare("select_by_id");
}
