import type { DatabaseConfig } from "../../../config/database.ts";
import { addressOf, serversOf } from "../../../postgres-target.ts";
import type { Database } from "../../../storage/database.ts";
import { driverError } from "../../../storage/database-failure.ts";
import { createPostgresPool } from "../../../storage/postgres/pool.ts";
import { startFailure } from "../../../storage/postgres/start-failure.ts";
import { whichDatabase } from "../../../storage/postgres/which-database.ts";
import type { CommandWorld } from "../../command.ts";
import { complaining } from "../complaining.ts";
import { type Finding, findingsOf } from "./finding.ts";

const finding = findingsOf("pooler");

/** The way of every request, where commands have another one: whether it leads to the database that `direct` is. */
export async function checkPooler(
  config: DatabaseConfig,
  direct: Database,
  world: CommandWorld,
): Promise<readonly Finding[]> {
  if (config.kind !== "postgres" || config.direct === undefined) return [];
  const { target } = config;
  const { random } = world;
  let failure: unknown;
  // Of several, one that leads to the server that takes writes is enough, as it is for the service.
  for (const server of serversOf(target)) {
    const one = { ...target, ...server, others: [] };
    const pool = createPostgresPool({ target: one, maxConnections: 1, pooled: true, random, log: complaining(world) });
    try {
      const place = `DATABASE_URL (${addressOf(one)})`;
      if ((await whichDatabase(pool)) === (await whichDatabase(direct)))
        return [finding("ok", `${place} leads to the same database`)];
      const fix = "let both name a way to one database";
      return [finding("failed", `${place} leads to another database than DATABASE_DIRECT_URL`, fix)];
    } catch (error) {
      failure = error;
    } finally {
      await pool.close();
    }
  }
  return [finding("failed", startFailure(target, driverError(failure)).message)];
}
