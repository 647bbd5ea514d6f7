import { sql } from "drizzle-orm/sql";
import type { AttemptRepository } from "../domain/attempt.ts";
import type { AuditLog } from "../domain/audit.ts";
import type { CredentialRepository, InstallationRepository } from "../domain/repositories.ts";
import { createAttemptRepository } from "./attempts.ts";
import { createAuditLog } from "./audit.ts";
import { createCredentialRepository } from "./credentials.ts";
import type { Database } from "./database.ts";
import { createInstallationRepository } from "./installations.ts";
import type { Sealer } from "./seal/sealer.ts";
import { createUuid } from "./uuid.ts";

/** Everything the service keeps. */
export interface Storage {
  readonly installations: InstallationRepository;
  readonly credentials: CredentialRepository;
  readonly attempts: AttemptRepository;
  readonly audit: AuditLog;
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

/** The repositories, the same for both drivers. */
export function createStorage(
  database: Database,
  { sealer, now, random }: StorageTools,
  close: () => Promise<void>,
): Storage {
  const newId = createUuid(now, random);
  return {
    installations: createInstallationRepository({ database, sealer, now, newId, random }),
    credentials: createCredentialRepository({ database, sealer, now }),
    attempts: createAttemptRepository({ database, sealer }),
    audit: createAuditLog({ database, newId }),
    ping: async () => {
      await database.read((db) => db.select({ alive: sql`true` }).from(sql`(select 1) as one`));
    },
    close,
  };
}
