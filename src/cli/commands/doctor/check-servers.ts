import type { DatabaseConfig } from "../../../config/database.ts";
import { addressOf, type PostgresServer, type PostgresTarget, serversOf } from "../../../postgres-target.ts";
import { driverError } from "../../../storage/database-failure.ts";
import { isReadOnly } from "../../../storage/postgres/only-reads.ts";
import { createPostgresPool } from "../../../storage/postgres/pool.ts";
import { startFailure } from "../../../storage/postgres/start-failure.ts";
import type { CommandWorld } from "../../command.ts";
import { complaining } from "../complaining.ts";
import { type Finding, findingsOf } from "./finding.ts";

const finding = findingsOf("servers");

/** Of several servers each by itself: what is wrong with a standby would be found out when it is promoted. */
export async function checkServers(config: DatabaseConfig, world: CommandWorld): Promise<readonly Finding[]> {
  if (config.kind !== "postgres") return [];
  const target = config.direct ?? config.target;
  if (target.others.length === 0) return [];
  const alone = (server: PostgresServer) => ({ ...target, ...server, others: [], mustWrite: false });
  return Promise.all(serversOf(target).map((server) => checkServer(alone(server), world)));
}

async function checkServer(target: PostgresTarget, world: CommandWorld): Promise<Finding> {
  const options = { target, maxConnections: 1, pooled: false, random: world.random, log: complaining(world) };
  const pool = createPostgresPool(options);
  try {
    const does = (await pool.read(isReadOnly)) ? "only reads, as a standby does" : "takes writes";
    return finding("ok", `${addressOf(target)} lets us in, and ${does}`);
  } catch (error) {
    return finding("warning", startFailure(target, driverError(error)).message);
  } finally {
    await pool.close();
  }
}
