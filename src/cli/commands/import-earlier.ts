import { loadOtherDatabase, loadSealingConfig } from "../../config/load-parts.ts";
import { Secret } from "../../secret.ts";
import { driverError, isUnavailable } from "../../storage/database-failure.ts";
import { readEarlierRows } from "../../storage/moving/earlier/read-rows.ts";
import { isLasting, startFailure } from "../../storage/postgres/start-failure.ts";
import { parseKeyRing } from "../../storage/seal/key-ring.ts";
import { type CommandWorld, type Outcome, UsageError } from "../command.ts";
import { operating, operator } from "./operating.ts";

interface Given {
  readonly url: string;
  /** Fernet keys with commas between them. */
  readonly key: string | undefined;
  readonly dryRun: boolean;
}

/** Brings the installations of an earlier Python service over, one row after the other: a line says what became of each. */
export async function importEarlier({ url, key, dryRun }: Given, world: CommandWorld): Promise<Outcome> {
  const target = loadOtherDatabase("--from", new Secret(url), world.readFile);
  const keys = readKeys(key, world);
  const rows: object[] = [];
  const counts = { imported: 0, here: 0, left_out: 0, failed: 0 };

  await operating(world, async ({ importInstallations }) => {
    const importRow = importInstallations({ caller: operator, method: "import" }, dryRun);
    await readEarlierRows({ target, keys, random: world.random }, async (found) => {
      const outcome = await importRow(found);
      counts[outcome.kind] += 1;
      const { id, newId, product: platform } = found;
      const words = "why" in outcome ? outcome.why : outcome.kind === "imported" ? outcome.note : undefined;
      const renamed = outcome.kind === "imported" && newId !== id.toLowerCase() ? ` as ${newId}` : "";
      const what = { ...said, imported: dryRun ? "would come over" : "came over" }[outcome.kind] + renamed;
      world.print(`installation ${id} (${platform}) ${what}${words === undefined ? "" : `: ${words}`}`);
      rows.push({
        id,
        installation_id: newId,
        platform,
        outcome: outcome.kind,
        ...(words !== undefined && { message: words }),
      });
      if (world.json && rows.length % progressRows === 0) world.note({ event: "import.progress", ...counts });
    }).catch((error: unknown) => {
      const cause = driverError(error);
      throw isLasting(cause) || isUnavailable(cause) ? startFailure(target, cause) : error;
    });
  });

  const { imported, here, left_out, failed } = counts;
  const verb = dryRun ? "would come over, and nothing was done" : "came over";
  world.print(`${imported} ${verb}; ${here} were here before, ${left_out} were left out, ${failed} failed`);
  if (failed > 0)
    world.complain(`${failed} rows did not come over: see above, and run it again, which repeats nothing`);
  return { code: failed > 0 ? 1 : 0, result: { dry_run: dryRun, ...counts, rows } };
}

const progressRows = 1_000;

const said = { here: "is here already", left_out: "is left out", failed: "FAILED" } as const;

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
