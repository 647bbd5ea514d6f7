import type { RateLimits } from "../domain/connecting/address-rates.ts";
import type { AttemptRepository } from "../domain/connecting/attempt.ts";
import type { LinkRepository } from "../domain/connecting/install-link.ts";
import type { LinkedInstalls } from "../domain/connecting/linked-installs.ts";
import type { PendingInstallRepository } from "../domain/connecting/pending-install.ts";
import type { DeliveryRepository, ForwardingSwitch } from "../domain/deliveries/delivery-repository.ts";
import type { ChangeCursor } from "../domain/deliveries/own-changes.ts";
import type { FlowRepository } from "../domain/flows/flow.ts";
import type { ConcernRepository } from "../domain/health/concern-repository.ts";
import type { LinkAccountRepository } from "../domain/links/link-account.ts";
import type { LinkCodeRepository, LinkProofs } from "../domain/links/link-code.ts";
import type { AuditLog } from "../domain/model/audit-event.ts";
import type { ChangeFeed } from "../domain/model/change-feed.ts";
import type { CredentialRepository } from "../domain/model/credential-repository.ts";
import type { ImportRepository } from "../domain/model/import-repository.ts";
import type { InstallationRepository } from "../domain/model/installation-repository.ts";
import type { StatisticsRepository } from "../domain/model/telemetry.ts";
import type { WebhookRepository } from "../domain/model/webhook-repository.ts";
import type { QuestionRepository } from "../domain/reconciling/question.ts";
import type { RecordReader } from "../domain/record/list-events.ts";
import type { RecordUpkeep } from "../domain/record/upkeep.ts";
import type { InstallationChanges } from "../domain/watching/installation-changes.ts";
import {
  announcingCredentials,
  announcingInstallations,
  announcingLinkedInstalls,
  announcingPendingInstalls,
  announcingQuestions,
} from "./announcing.ts";
import { createPublishedChanges, type PublishedChanges } from "./changes.ts";
import { createAttemptRepository } from "./connecting/attempts.ts";
import { createFlowRepository } from "./connecting/flows.ts";
import { createLinkRepository } from "./connecting/links.ts";
import { createPendingInstallRepository } from "./connecting/pending-installs.ts";
import { createStatisticsRepository } from "./counting/statistics.ts";
import { createCredentialRepository } from "./credentials/repository.ts";
import type { Database } from "./database.ts";
import { readDatabaseMs, watchClock } from "./database-clock.ts";
import { createChangeCursor } from "./deliveries/change-cursor.ts";
import { createDeliveryRepository, keepDeliveries } from "./deliveries/deliveries.ts";
import { createForwardingSwitch } from "./deliveries/forwarding-switch.ts";
import { findDurabilityGap } from "./durability.ts";
import { createConcernRepository } from "./health/concerns.ts";
import { createImportRepository } from "./installations/import.ts";
import { createInstallationRepository } from "./installations/repository.ts";
import { createLinkAccountRepository } from "./links/link-accounts.ts";
import { createLinkCodeRepository } from "./links/link-codes.ts";
import { createLinkProofs } from "./links/link-proofs.ts";
import { createLinkedInstalls } from "./links/linked-installs.ts";
import { proveWritable } from "./prove-writable.ts";
import { createRateLimits } from "./rate-limits.ts";
import { createQuestionRepository } from "./reconciling/question-repository.ts";
import { createRecordReader } from "./record/list.ts";
import { createAuditLog } from "./record/log.ts";
import { findProtectionGap, type ProtectionGap } from "./record/protection.ts";
import { pruneRecord } from "./record/prune.ts";
import { createRecordedTransaction } from "./record/recorded-transaction.ts";
import { createWitness } from "./record/witness.ts";
import { createKeyUsage, type KeyUsage } from "./resealing/key-usage.ts";
import type { Sealer } from "./seal/sealer.ts";
import { createUuid } from "./uuid.ts";
import { createInstallationChanges } from "./watching/installation-changes.ts";
import { createWebhookRepository } from "./webhooks/webhooks.ts";

/** Everything the service keeps. */
export interface Storage {
  readonly installations: InstallationRepository;
  readonly imports: ImportRepository;
  readonly credentials: CredentialRepository;
  readonly attempts: AttemptRepository;
  readonly flows: FlowRepository;
  readonly links: LinkRepository;
  readonly pendingInstalls: PendingInstallRepository;
  readonly linkCodes: LinkCodeRepository;
  readonly linkProofs: LinkProofs;
  readonly linkAccounts: LinkAccountRepository;
  readonly linkedInstalls: LinkedInstalls;
  readonly webhooks: WebhookRepository;
  readonly deliveries: DeliveryRepository;
  /** What platforms are to be asked, since they told something. */
  readonly questions: QuestionRepository;
  readonly forwardingSwitch: ForwardingSwitch;
  readonly alertingSwitch: ForwardingSwitch;
  /** What needs a person, or will soon. */
  readonly concerns: ConcernRepository;
  readonly changeCursor: ChangeCursor;
  readonly audit: AuditLog;
  /** What is on record already. */
  readonly record: RecordReader & RecordUpkeep;
  /** Why this process could change what is on record; undefined: it could not. */
  findProtectionGap(): Promise<ProtectionGap | undefined>;
  /** Why a crash may lose what was answered as stored, in words that follow "the database"; undefined: it may not. */
  findDurabilityGap(): Promise<string | undefined>;
  readonly rateLimits: RateLimits;
  readonly statistics: StatisticsRepository;
  readonly installationChanges: InstallationChanges;
  readonly keyUsage: KeyUsage;
  /** Changes that readers have to look again for, of this process and of all others. */
  readonly changes: ChangeFeed;
  /** The database's time in milliseconds since 1970. @throws ServiceError SERVICE_UNAVAILABLE. */
  readTimeMs(): Promise<number>;
  /** Writes. @throws ServiceError SERVICE_UNAVAILABLE if the database does not answer, or only reads. */
  ping(): Promise<void>;
  /** What this kind of database does not do by itself, to be called every minute. */
  keepUp(): Promise<void>;
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
  const signer = sealer.recordSigner;
  const audit = createAuditLog({ database, signer, newId, now });
  const recorded = createRecordedTransaction({ database, signer, newId, now });
  const tools = { database, recorded, sealer, now, newId, random };
  const installations = createInstallationRepository(tools);
  const credentials = createCredentialRepository({ database, recorded, sealer, now });
  return {
    installations: announcingInstallations(installations, changes),
    imports: createImportRepository(tools),
    credentials: announcingCredentials(credentials, changes),
    changes,
    attempts: createAttemptRepository({ database, sealer }),
    flows: createFlowRepository(database),
    links: createLinkRepository({ database, recorded }),
    pendingInstalls: announcingPendingInstalls(
      createPendingInstallRepository({ database, recorded, sealer, newId, random }),
      changes,
    ),
    linkCodes: createLinkCodeRepository({ database, recorded, signer: sealer.linkSigner, newId }),
    linkProofs: createLinkProofs(sealer.linkSigner),
    linkAccounts: createLinkAccountRepository({ database, recorded }),
    linkedInstalls: announcingLinkedInstalls(createLinkedInstalls({ recorded, sealer, now, newId, random }), changes),
    webhooks: createWebhookRepository(database),
    deliveries: createDeliveryRepository({ database, sealer, newId }),
    questions: announcingQuestions(createQuestionRepository({ database, sealer, now, newId }), changes),
    forwardingSwitch: createForwardingSwitch(database, "forward"),
    alertingSwitch: createForwardingSwitch(database, "alert"),
    concerns: createConcernRepository({
      ...{ database, newId, now },
      keepDeliveries: (tx, alerts) => keepDeliveries(tx, { sealer, newId }, alerts, 0),
    }),
    changeCursor: createChangeCursor(database),
    audit,
    record: {
      ...createRecordReader(database),
      prune: (before, record) => pruneRecord({ database, signer, before, recorded, record }),
      witness: createWitness({ database, log: audit, now }),
      watchClock: () => watchClock(database),
    },
    findProtectionGap: () => findProtectionGap(database),
    findDurabilityGap: () => findDurabilityGap(database),
    keyUsage: createKeyUsage({ database, sealer }),
    rateLimits: createRateLimits(database),
    statistics: createStatisticsRepository(database),
    installationChanges: createInstallationChanges(database),
    readTimeMs: () => readDatabaseMs(database),
    ping: () => proveWritable(database),
    keepUp: async () => undefined,
    close,
  };
}
