import { loadDatabaseConfig } from "../../config/load-parts.ts";
import { addressOf } from "../../postgres-target.ts";
import { driverError, isUnavailable } from "../../storage/database-failure.ts";
import { migratePostgres } from "../../storage/postgres/migrate.ts";
import { grantToService } from "../../storage/postgres/service-role.ts";
import { isLasting, startFailure } from "../../storage/postgres/start-failure.ts";
import type { Command } from "../command.ts";

/**
 * `migrate [--service-role NAME]`: brings the Postgres database up to this version, beside any number of others who do
 * the same, and gives an existing role what the service needs, and no right to change the record.
 */
export const migrateCommand: Command<readonly [], "service-role"> = async (given, world) => {
  const { env, readFile, random, print, complain } = world;
  const role = given.values["service-role"];
  const database = loadDatabaseConfig(env, readFile);
  if (database.kind === "embedded") {
    throw new Error("DATABASE_URL is not set, and the embedded database is migrated by the service when it starts");
  }
  const target = database.direct ?? database.target;
  const place = `the database ${target.database} on ${addressOf(target)}`;
  try {
    const onWait = () => complain(`waiting for another process that migrates ${place}`);
    const schema = await migratePostgres(target, random, { onWait });
    if (role !== undefined) await grantToService(target, schema, role, random);
  } catch (error) {
    // What surrounds the driver's error repeats the statement and its values.
    const cause = driverError(error);
    if (isLasting(cause) || isUnavailable(cause)) throw startFailure(target, cause);
    throw new Error(`${place} is not migrated: ${cause instanceof Error ? cause.message : "no answer"}`, { cause });
  }
  print(`${place} is up to date`);
  if (role !== undefined) print(`${role} may run the service, and cannot change what is on record`);
  const { host, port, database: name } = target;
  return { code: 0, result: { host, port, database: name, service_role: role } };
};
