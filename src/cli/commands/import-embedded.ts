import { loadSealingConfig } from "../../config/load-parts.ts";
import { addressOf } from "../../postgres-target.ts";
import { driverError, isUnavailable } from "../../storage/database-failure.ts";
import { inDataDirectory } from "../../storage/embedded/directory-failure.ts";
import { moveToPostgres } from "../../storage/moving/move-to-postgres.ts";
import { isLasting, startFailure } from "../../storage/postgres/start-failure.ts";
import { parseKeyRing } from "../../storage/seal/key-ring.ts";
import type { CommandWorld, Outcome } from "../command.ts";

/** Brings an embedded database into the Postgres of DATABASE_URL: everything, or nothing. */
export async function importEmbedded(directory: string, dryRun: boolean, world: CommandWorld): Promise<Outcome> {
  const { env, readFile, now, random, print, complain, note } = world;
  const { database, encryption } = loadSealingConfig(env, readFile);
  if (database.kind !== "postgres" || encryption.keys === undefined) {
    throw new Error("set DATABASE_URL (and TOKEN_ENCRYPTION_KEY) to where the embedded database is to go");
  }
  const target = database.direct ?? database.target;
  const keyIds = parseKeyRing(encryption.keys).map(({ id }) => id);
  const onCopied = (table: string, copied: number) => note({ event: "import.progress", table, rows: copied });
  const moved = await inDataDirectory(directory, () =>
    moveToPostgres({ directory, target, keyIds, dryRun, now, random, onCopied }),
  ).catch((error: unknown) => {
    const cause = driverError(error);
    throw isLasting(cause) || isUnavailable(cause) ? startFailure(target, cause) : error;
  });
  const place = `the database ${target.database} on ${addressOf(target)}`;
  if (moved.kind === "moved before") {
    print(`${directory} was imported before, and nothing was done now`);
    return { code: 0, result: { imported_before: true, dry_run: dryRun } };
  }
  const { installations, rows, unreadable } = moved;
  for (const { id, platform } of installations)
    print(`installation ${id} (${platform}) ${dryRun ? "would come" : "came"} over`);
  for (const [table, count] of Object.entries(rows)) print(`${table}: ${count} rows`);
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  print(
    dryRun
      ? `${total} rows would be brought into ${place}; nothing was done`
      : `${total} rows are in ${place}, and ${directory} is not started on any more: see audit verify, then start with DATABASE_URL`,
  );
  if (unreadable > 0) complain(`no key opens ${unreadable} of the credentials, there as before`);
  const result = {
    imported_before: false,
    dry_run: dryRun,
    rows,
    installations: installations.map(({ id }) => id),
    unreadable,
  };
  return { code: unreadable > 0 ? 1 : 0, result };
}
