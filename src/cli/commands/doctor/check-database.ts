import { existsSync } from "node:fs";
import { join } from "node:path";
import { protectionAdvice } from "../../../app/record-report.ts";
import type { Closers } from "../../../closers.ts";
import type { DatabaseConfig } from "../../../config/database.ts";
import { loadSealingConfig } from "../../../config/load-parts.ts";
import { errorCode } from "../../../storage/database-failure.ts";
import { findDurabilityGap } from "../../../storage/durability.ts";
import { DataDirectoryInUse } from "../../../storage/embedded/directory-lock.ts";
import { findMigrated } from "../../../storage/migrations.ts";
import { proveWritable } from "../../../storage/prove-writable.ts";
import { findProtectionGap } from "../../../storage/record/protection.ts";
import type { CommandWorld } from "../../command.ts";
import { type OpenedDatabase, openDatabase, reasonOf } from "../open-database.ts";
import { checkPooler } from "./check-pooler.ts";
import { checkServers } from "./check-servers.ts";
import { type Finding, findingsOf, whyOf } from "./finding.ts";

const finding = findingsOf("database");
const notMigrated = finding(
  "warning",
  "it is not migrated to this version yet",
  "the service does that when it starts; where its role may not, run oauth-token-service migrate",
);

/** Opens the database beside a running service, or instead of one, and changes nothing there. */
export async function checkDatabase(
  world: CommandWorld,
  closers: Closers,
): Promise<{ readonly opened?: OpenedDatabase; readonly findings: readonly Finding[] }> {
  const config = databaseOf(world);
  // The settings say what is wrong with them.
  if (config === undefined) return { findings: [finding("skipped", "its settings cannot be used")] };
  if (config.kind === "embedded" && !existsSync(join(config.dataDir, "db"))) {
    const fix = "set DATA_DIR, or DATABASE_URL, if there should be one";
    return { findings: [finding("warning", `there is none in ${config.dataDir} yet: the first start makes it`, fix)] };
  }
  const servers = await checkServers(config, world);
  try {
    const opened = await openDatabase(world, closers);
    const beside = await checkPooler(config, opened.database, world);
    return { opened, findings: [...(await inspect(opened, config)), ...servers, ...beside] };
  } catch (error) {
    if (error instanceof DataDirectoryInUse) {
      const fix = "ask it: /health?full=1 of the internal listener; or stop it, and run this again";
      return { findings: [finding("skipped", whyOf(error), fix)] };
    }
    return { findings: [isNotMigrated(error) ? notMigrated : finding("failed", whyOf(error)), ...servers] };
  }
}

function databaseOf({ env, readFile }: CommandWorld): DatabaseConfig | undefined {
  try {
    return loadSealingConfig(env, readFile).database;
  } catch {
    return undefined;
  }
}

/** A table, or a column of one, is not there, however deep it is said. */
function isNotMigrated(error: unknown): boolean {
  if (/^(42P01|42703)$/.test(errorCode(error) ?? "")) return true;
  return error instanceof Error && isNotMigrated(error.cause);
}

async function inspect({ database }: OpenedDatabase, config: DatabaseConfig): Promise<readonly Finding[]> {
  try {
    if ((await database.read(findMigrated)) === undefined) {
      return [notMigrated];
    }
    await proveWritable(database);
    const place = config.kind === "embedded" ? `the embedded one in ${config.dataDir}` : config.target.database;
    const durability = await findDurabilityGap(database);
    const state = config.kind === "postgres" && config.mayLoseCommits ? "warning" : "failed";
    const lost = `it ${durability}: a crash loses what was answered as stored`;
    const protection = config.kind === "embedded" ? "embedded" : await findProtectionGap(database);
    return [
      finding("ok", `${place} answers, takes what is written, and is migrated`),
      ...(durability === undefined ? [] : [finding(state, lost, "change that at the server")]),
      ...(protection === undefined
        ? []
        : [finding("warning", "this process could change what is on record", protectionAdvice[protection])]),
    ];
  } catch (error) {
    return [finding("failed", reasonOf(error))];
  }
}
