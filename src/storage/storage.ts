import { sql } from "drizzle-orm/sql";
import type { AttemptRepository } from "../domain/attempt.ts";
import type { AuditLog } from "../domain/audit.ts";
import type { ChangeFeed } from "../domain/change-feed.ts";
import type { CredentialRepository, InstallationRepository } from "../domain/repositories.ts";
import type { StatisticsRepository } from "../domain/telemetry.ts";
import { announcingCredentials, announcingInstallations } from "./announcing.ts";
import { createAttemptRepository } from "./attempts.ts";
import { createAuditLog } from "./audit.ts";
import { createPublishedChanges, type PublishedChanges } from "./changes.ts";
import { createCredentialRepository } from "./credentials.ts";
import type { Database } from "./database.ts";
import { createInstallationRepository } from "./installations.ts";
import { createKeyUsage, type KeyUsage } from "./key-usage.ts";
import type { Sealer } from "./seal/sealer.ts";
import { createStatisticsRepository } from "./statistics.ts";
import { createUuid } from "./uuid.ts";

/** Everything the service keeps. */
export interface Storage {
  readonly installations: InstallationRepository;
  readonly credentials: CredentialRepository;
  readonly attempts: AttemptRepository;
  readonly audit: AuditLog;
  readonly statistics: StatisticsRepository;
  readonly keyUsage: KeyUsage;
  /** Changes that readers have to look again for, of this process and of all others. */
  readonly changes: ChangeFeed;
  /** @throws ServiceError SERVICE_UNAVAILABLE if the database does not answer. */
  ping(): Promise<void>;
  /** Afterwards every call is SERVICE_UNAVAILABLE. */
  close(): Promise<void>;
}

/** What the repositories need besides the database. */
export interface StorageTools {
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
}

/** The repositories, the same for both drivers. `changes` tells of the ones made here, and perhaps of others'. */
export function createStorage(
  database: Database,
  { sealer, now, random }: StorageTools,
  close: () => Promise<void>,
  changes: PublishedChanges = createPublishedChanges(),
): Storage {
  const newId = createUuid(now, random);
  const installations = createInstallationRepository({ database, sealer, now, newId, random });
  const credentials = createCredentialRepository({ database, sealer, now });
  return {
    installations: announcingInstallations(installations, changes),
    credentials: announcingCredentials(credentials, changes),
    changes,
    attempts: createAttemptRepository({ database, sealer }),
    audit: createAuditLog({ database, newId }),
    keyUsage: createKeyUsage({ database, sealer }),
    statistics: createStatisticsRepository(database),
    ping: async () => {
      await database.read((db) => db.select({ alive: sql`true` }).from(sql`(select 1) as one`));
    },
    close,
  };
}
