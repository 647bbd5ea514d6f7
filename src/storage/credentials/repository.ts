import { eq } from "drizzle-orm";
import type { CredentialRepository, CredentialState, Lease } from "../../domain/model/credential-repository.ts";
import type { Database, Queries } from "../database.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { credentials } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { commitTokens } from "./commit.ts";
import { confirmDeaths, markCalledDead, readDoubts, readVerdicts, reviveCalledDead } from "./doubt.ts";
import { createDueCredentials } from "./due.ts";
import { countForeign, reviveRefused } from "./foreign.ts";
import {
  abandonLease,
  acquireLease,
  confirmLease,
  type Held,
  leaseRemainingMs,
  noteUnleased,
  releaseLease,
} from "./lease.ts";
import { relatedCredentials } from "./related.ts";
import { readerColumns, toCredential } from "./rows.ts";
import {
  askForReauthorization,
  condemnCredential,
  failsAlone,
  servedInstallations,
  suspendInstallations,
} from "./status.ts";

export interface CredentialTools {
  readonly database: Database;
  readonly recorded: RecordedTransaction;
  readonly sealer: Sealer;
  readonly now: () => Date;
}

export function createCredentialRepository({ database, recorded, sealer, now }: CredentialTools): CredentialRepository {
  return {
    read: (id) => database.read((db) => readState(db, id, sealer)),
    acquire: (id, version, attemptId, leaseMs, registration) =>
      database.write((db) => acquireLease(db, { id, version, attemptId, leaseMs, registration }, now(), sealer)),
    commit: (lease, tokens, refreshAfter) =>
      commitTokens(database, { lease, tokens, refreshAfter, now: now() }, sealer),
    release: (lease, failure) => database.write((db) => releaseLease(db, held(lease), failure, now())),
    giveUp: (lease, failure) =>
      database.transaction(async (tx) => {
        await releaseLease(tx, held(lease), failure, now());
        await askForReauthorization(tx, lease.credential.id, now());
      }),
    failsAlone: (lease) => database.read((db) => failsAlone(db, lease.credential, now())),
    async noteCalledDead(lease, holder) {
      await database.write((db) => markCalledDead(db, lease, now()));
      return database.read((db) => readVerdicts(db, lease, holder, now()));
    },
    reviveCalledDead: (platform) => database.transaction((tx) => reviveCalledDead(tx, platform, now())),
    doubts: () => database.read(readDoubts),
    confirmDeaths: (platform, record) => recorded((tx) => confirmDeaths(tx, platform, now()), record),
    confirm: (lease) => database.write((db) => confirmLease(db, held(lease), lease.registration, now())),
    noteUnleased: (id, refusal) => database.write((db) => noteUnleased(db, id, refusal, now())),
    abandon: (lease) => database.write((db) => abandonLease(db, held(lease))),
    condemn: (lease, code, backoffMs) =>
      database.write((db) => condemnCredential(db, lease, { code, backoffMs }, now())),
    reviveRefused: (platform, registration) =>
      database.write((db) => reviveRefused(db, { platform, registration }, now())),
    countForeign: (own) => database.read((db) => countForeign(db, own)),
    due: createDueCredentials(database, sealer),
    related: (platform, subjects, orgIds) =>
      database.read((db) => relatedCredentials(db, { platform, subjects, orgIds }, sealer)),
    setSuspended: (id, suspended) => database.write((db) => suspendInstallations(db, id, suspended, now())),
    servedBy: (id) => database.read((db) => servedInstallations(db, id)),
  };
}

function held(lease: Lease): Held {
  return { id: lease.credential.id, attemptId: lease.attemptId };
}

async function readState(db: Queries, id: string, sealer: Sealer): Promise<CredentialState | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await db
    .select({ ...readerColumns, leaseRemainingMs, attemptId: credentials.attemptId })
    .from(credentials)
    .where(eq(credentials.id, id))
    .prepare("read_credential")
    .execute();
  if (row === undefined) return undefined;
  const { leaseRemainingMs: remaining, attemptId } = row;
  return { credential: toCredential(row, sealer), leaseRemainingMs: remaining, attemptOpen: attemptId !== null };
}
