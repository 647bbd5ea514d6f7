import { loadOtherDatabase, loadSealingConfig } from "../../config/load-parts.ts";
import type { PostgresTarget } from "../../postgres-target.ts";
import { Secret } from "../../secret.ts";
import { driverError, errorCode, isUnavailable } from "../../storage/database-failure.ts";
import { readEarlierRows } from "../../storage/moving/earlier/read-rows.ts";
import { isLasting, startFailure } from "../../storage/postgres/start-failure.ts";
import { parseKeyRing } from "../../storage/seal/key-ring.ts";
import { type CommandWorld, type Outcome, UsageError } from "../command.ts";
import { printable } from "../printable.ts";
import { reasonOf } from "./open-database.ts";
import { operating, operator } from "./operating.ts";
import { requireKeys } from "./require-keys.ts";

interface Given {
  readonly url: string;
  /** Fernet keys with commas between them. */
  readonly key: string | undefined;
  readonly dryRun: boolean;
}

/** Brings the installations of an earlier Python service over, one row after the other: a line says what became of each. */
export async function importEarlier({ url, key, dryRun }: Given, world: CommandWorld): Promise<Outcome> {
  const target = withPassword(loadOtherDatabase("--from", new Secret(url), world.readFile), world.env.PGPASSWORD);
  const keys = readKeys(key, world);
  const rows: object[] = [];
  const counts = { imported: 0, here: 0, left_out: 0, failed: 0 };

  await operating(world, async (operation) => {
    await requireKeys(operation, !dryRun, world);
    const importRow = operation.importInstallations({ caller: operator, method: "import" }, dryRun);
    await readEarlierRows({ target, keys, random: world.random }, async (found) => {
      const outcome = await importRow(found).catch((error: unknown) => {
        throw new NotStored(found.id, error);
      });
      counts[outcome.kind] += 1;
      const { newId } = found;
      const [id, platform] = [printable(found.id), printable(found.product)];
      const words = "why" in outcome ? outcome.why : outcome.note;
      const renamed = outcome.kind === "imported" && newId !== id.toLowerCase() ? ` as ${newId}` : "";
      const what = { ...said, imported: dryRun ? "would come over" : "came over" }[outcome.kind] + renamed;
      world.print(`installation ${id} (${platform}) ${what}${words === undefined ? "" : `: ${words}`}`);
      if (!world.json) return;
      rows.push({
        id,
        installation_id: newId,
        platform,
        outcome: outcome.kind,
        ...(words !== undefined && { message: words }),
      });
      if (rows.length % progressRows === 0) world.note({ event: "import.progress", ...counts });
    }).catch((error: unknown) => {
      throw failureOf(target, error);
    });
  });

  const { imported, here, left_out, failed } = counts;
  const verb = dryRun ? "would come over, and nothing was done" : "came over";
  world.print(`${imported} ${verb}; ${here} were here before, ${left_out} were left out, ${failed} failed`);
  if (failed > 0)
    world.complain(`${failed} rows did not come over: see above, and run it again, which repeats nothing`);
  return { code: failed > 0 ? 1 : 0, result: { dry_run: dryRun, ...counts, rows } };
}

/** Of the two databases ours. */
class NotStored extends Error {
  constructor(id: string, cause: unknown) {
    const why = `row ${printable(id)} was not stored, and none after it: ${reasonOf(cause)}`;
    super(`${why}; run it again, which repeats nothing`, { cause });
  }
}

/** What to say of a failure while rows are read: to whoever only reads there other rights matter than at a start. */
function failureOf(target: PostgresTarget, error: unknown): unknown {
  const cause = driverError(error);
  const code = errorCode(cause);
  if (code === undefined || !(cause instanceof Error)) return error;
  if (code === "42501") {
    const fix = "grant it USAGE on the schema and SELECT there";
    return new Error(
      `the user of --from may not read the table: ${fix} (the server says: ${printable(cause.message)})`,
    );
  }
  // A standby ends long reading for what it has to replay (40).
  if (!code.startsWith("40") && (isLasting(cause) || isUnavailable(cause))) return startFailure(target, cause);
  // About data (22) the server's words hold some of it.
  const said = code.startsWith("22") ? "" : `: ${printable(cause.message)}`;
  return new Error(`the table of --from cannot be read (${code})${said}; run it again, which repeats nothing`, {
    cause,
  });
}

const progressRows = 1_000;

const said = { here: "is here already", left_out: "is left out", failed: "FAILED" } as const;

/** As libpq does, so that it need not be among the arguments, which whoever lists processes sees. */
function withPassword(target: PostgresTarget, password: string | undefined): PostgresTarget {
  return target.password !== undefined || !password ? target : { ...target, password: new Secret(password) };
}

/** Those of the earlier service, and those of this one, which may be the same. */
function readKeys(key: string | undefined, { env, readFile }: CommandWorld) {
  const own = loadSealingConfig(env, readFile).encryption.keys;
  const ownKeys = own === undefined ? [] : parseKeyRing(own);
  if (key === undefined) return ownKeys;
  try {
    return [...parseKeyRing(new Secret(key)), ...ownKeys];
  } catch (error) {
    throw new UsageError(`--key: ${error instanceof Error ? error.message : "cannot be read"}`);
  }
}
