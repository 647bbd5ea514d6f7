import { bigint, boolean, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { LinkFacts } from "../domain/connecting/install-link.ts";
import type { UndoReason } from "../domain/connecting/pending-install.ts";
import type { FlowFailure } from "../domain/connecting/tell-flow.ts";
import type { DeliveryTask } from "../domain/deliveries/delivery-repository.ts";
import type { FlowState } from "../domain/flows/flow.ts";
import type { ConcernKind } from "../domain/health/concern.ts";
import type { LinkState } from "../domain/links/link-code.ts";
import type { AuditKind, Doer } from "../domain/model/audit-event.ts";
import type { Actor, CredentialKind, CredentialStatus } from "../domain/model/credential.ts";
import type { InstallationStatus, ProviderRevocation } from "../domain/model/installation.ts";
import type { Question } from "../domain/reconciling/question.ts";
import type { InstallationChange } from "../domain/watching/installation-changes.ts";

// Indexes, constraints and foreign keys stand in migrations/ alone; a test compares these columns with the database.

/** The migrations that this database has had: a journal of our own, since drizzle's may be shared with neighbours. */
export const appliedMigrations = pgTable("oauth_token_service_migrations", {
  /** When it was made, in milliseconds. */
  createdAt: bigint("created_at", { mode: "number" }).primaryKey(),
  hash: text("hash").notNull(),
});

/** Who installed us. */
export const installations = pgTable("installations", {
  id: uuid("id").primaryKey(),
  platform: text("platform").notNull(),
  products: text("products").array().notNull(),
  status: text("status").$type<InstallationStatus>().notNull(),
  owner: text("owner"),
  externalOrgId: text("external_org_id").notNull(),
  externalOrgName: text("external_org_name").notNull(),
  externalInstallId: text("external_install_id"),
  externalUserId: text("external_user_id"),
  scopes: text("scopes").array().notNull(),
  permissions: words("permissions"),
  installedBy: text("installed_by"),
  metadata: words("metadata"),
  lastUsedAt: instant("last_used_at"),
  createdAt: instant("created_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
  revokedAt: instant("revoked_at"),
  revokeReason: text("revoke_reason"),
  /** Who wanted the revocation: its row of the record names them, whoever finishes it. */
  revokedBy: jsonb("revoked_by").$type<Doer>(),
  /** Null while a revocation has not been finished. */
  providerRevocation: text("provider_revocation").$type<ProviderRevocation>(),
  /** When it was connected last; null: when it was made. */
  connectedAt: instant("connected_at"),
  /** The platform told that it has ended or is suspended, and has not answered yet. */
  withheld: boolean("withheld").notNull().default(false),
  question: jsonb("question").$type<StoredQuestion>(),
  /** By the database's clock; null while there is no question. */
  askAfter: instant("ask_after"),
  /** When the platform last answered. */
  askedAt: instant("asked_at"),
});

/** What people see of installations, change by change, in the order of their commits. Kept by triggers. */
export const installationChanges = pgTable("installation_changes", {
  /** From 1 on, without a gap. */
  sequence: bigint("sequence", { mode: "number" }).primaryKey(),
  installationId: uuid("installation_id").notNull(),
  kind: text("kind").$type<InstallationChange["kind"]>().notNull(),
  at: instant("at").notNull(),
  /** As it was then; of one that is deleted, as it was last. */
  installation: jsonb("installation").$type<SeenFacts>().notNull(),
  /** As it was before, where it had another owner or other products. */
  before: jsonb("before").$type<SeenFacts>(),
});

/** What nobody sees of an installation. */
export type UnseenColumn =
  | ("revokeReason" | "revokedBy" | "providerRevocation")
  | ("connectedAt" | "withheld" | "question" | "askAfter" | "askedAt");

/** What triggers keep of an installation, with times as text. */
export interface SeenFacts
  extends Omit<
    typeof installations.$inferSelect,
    UnseenColumn | "createdAt" | "updatedAt" | "revokedAt" | "lastUsedAt"
  > {
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly revokedAt: string | null;
}

/** A question as JSON keeps it. */
export interface StoredQuestion extends Omit<Question, "goneSince"> {
  readonly goneSince?: string;
}

/** The products of every installation, in the order of the list. Kept by a trigger. */
export const installationProducts = pgTable(
  "installation_products",
  {
    product: text("product").notNull(),
    createdAt: instant("created_at").notNull(),
    installationId: uuid("installation_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.product, table.createdAt, table.installationId] })],
);

/** What is kept of a grant. Every token in it is sealed for its row and column. */
export const credentials = pgTable("credentials", {
  id: uuid("id").primaryKey(),
  platform: text("platform").notNull(),
  owner: text("owner"),
  kind: text("kind").$type<CredentialKind>().notNull(),
  actor: text("actor").$type<Actor>().notNull(),
  subject: text("subject").notNull(),
  externalUserId: text("external_user_id"),
  /** Whom it was given to; null from before that was remembered. */
  registration: text("registration"),
  /** Who was told that it is dead, where `registration` is null. */
  refusedBy: text("refused_by"),
  status: text("status").$type<CredentialStatus>().notNull(),
  /** Counts stored token sets: the fence of every refresh. Taking a lease never changes it. */
  version: bigint("version", { mode: "number" }).notNull(),
  accessToken: text("access_token"),
  refreshToken: text("refresh_token"),
  previousRefreshToken: text("previous_refresh_token"),
  previousSpentAt: instant("previous_spent_at"),
  spareRefreshToken: text("spare_refresh_token"),
  /** The key that sealed the row; null while nothing is sealed. */
  keyId: text("key_id"),
  issuedAt: instant("issued_at"),
  expiresAt: instant("expires_at"),
  refreshAfter: instant("refresh_after"),
  /** When it is looked at next by itself; null: when its token is to be refreshed. */
  lookAfter: instant("look_after"),
  grantExpiresAt: instant("grant_expires_at"),
  scopes: text("scopes").array().notNull(),
  permissions: words("permissions"),
  /** The holder of the lease, and since when. */
  attemptId: text("attempt_id"),
  attemptAt: instant("attempt_at"),
  /** When the first attempt began that never reported clearly since the last stored token set. */
  openAttemptAt: instant("open_attempt_at"),
  /** Whose token set was stored last: makes a commit safe to repeat. */
  committedAttempt: text("committed_attempt"),
  /** End of the lease, or of the back-off when no attempt is open; by the database's clock. */
  leaseUntil: instant("lease_until"),
  failures: integer("failures").notNull(),
  lastError: text("last_error"),
  refreshedAt: instant("refreshed_at"),
  /** When the present row of failures began; null after a success. */
  failingSince: instant("failing_since"),
  /** When the platform last refused it for good, believed or not. */
  calledDeadAt: instant("called_dead_at"),
  /** Since when that is not believed. */
  doubtedSince: instant("doubted_since"),
  /** When the platform last gave or confirmed its token. */
  provenAt: instant("proven_at"),
  /** The platform told that it has ended, and has not said otherwise since. */
  withheld: boolean("withheld").notNull().default(false),
  createdAt: instant("created_at").notNull(),
});

/** Which credential serves which installation for whom. */
export const installationCredentials = pgTable(
  "installation_credentials",
  {
    installationId: uuid("installation_id").notNull(),
    credentialId: uuid("credential_id").notNull(),
    actor: text("actor").$type<Actor>().notNull(),
    /** Serves callers that name no actor. */
    natural: boolean("natural").notNull(),
    externalUserId: text("external_user_id"),
  },
  (table) => [primaryKey({ columns: [table.installationId, table.credentialId] })],
);

/** Browser round trips that have begun. State and browser as SHA-256, the verifier sealed. */
export const attempts = pgTable("attempts", {
  id: text("id").primaryKey(),
  platform: text("platform").notNull(),
  owner: text("owner"),
  returnTo: text("return_to"),
  stateHash: text("state_hash").notNull(),
  browserHash: text("browser_hash").notNull(),
  codeVerifier: text("code_verifier"),
  hint: text("hint"),
  expiresAt: instant("expires_at").notNull(),
  consumedAt: instant("consumed_at"),
  /** When its first leg began, by the database's clock. */
  begunAt: instant("begun_at").notNull(),
  /** Null for an attempt that began without a link. */
  link: jsonb("link").$type<StoredFacts>(),
  /** Null where no page watches. */
  flow: text("flow_hash"),
});

/** Connections that a product's page watches, by the SHA-256 of the name that it gave them. */
export const flows = pgTable("flows", {
  hash: text("flow_hash").primaryKey(),
  platform: text("platform").notNull(),
  /** The link that it began with; null: none. */
  linkHash: text("link_hash"),
  /** Null: any that connections may lead back to. */
  returnOrigin: text("return_origin"),
  state: text("state").$type<FlowState>().notNull(),
  reason: text("reason").$type<FlowFailure>(),
  completion: boolean("completion").notNull(),
  closedAt: instant("closed_at"),
  createdAt: instant("created_at").notNull(),
  movedAt: instant("moved_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
});

/** Facts of a link as JSON keeps them: what is undefined is left out. */
export type StoredFacts = Omit<LinkFacts, "policyHash" | "installationId"> &
  Partial<Pick<LinkFacts, "policyHash" | "installationId">>;

/** Links that let one person connect a platform, once. */
export const installLinks = pgTable("install_links", {
  secretHash: text("secret_hash").primaryKey(),
  platform: text("platform").notNull(),
  owner: text("owner"),
  returnTo: text("return_to"),
  facts: jsonb("facts").$type<StoredFacts>().notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
  usedAt: instant("used_at"),
});

/** Headless sign-ins: the code as a keyed hash, the secret of who started as SHA-256. */
export const linkCodes = pgTable("link_codes", {
  id: uuid("id").primaryKey(),
  platform: text("platform").notNull(),
  product: text("product").notNull(),
  owner: text("owner"),
  clientName: text("client_name"),
  caller: text("caller").notNull(),
  policyHash: text("policy_hash"),
  fromAddress: text("from_address"),
  /** Whom it counts for. */
  holder: text("holder").notNull(),
  codeHash: text("code_hash").notNull(),
  /** The key of `code_hash`. */
  keyId: text("key_id").notNull(),
  secretHash: text("secret_hash").notNull(),
  state: text("state").$type<LinkState>().notNull(),
  startedAt: instant("started_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
  /** When the last poll that was told something came. */
  polledAt: instant("polled_at"),
  /** The attempt that connected it, which may say so twice. */
  attemptId: text("attempt_id"),
  accountId: uuid("account_id"),
});

/** What link codes connected, for who has the account's secret. */
export const linkAccounts = pgTable("link_accounts", {
  id: uuid("id").primaryKey(),
  platform: text("platform").notNull(),
  product: text("product").notNull(),
  owner: text("owner"),
  caller: text("caller").notNull(),
  installationIds: uuid("installation_ids").array().notNull(),
  /** Whose grant serves it; null: whichever is natural. */
  actor: text("actor").$type<Actor>(),
  externalUserId: text("external_user_id"),
  /** Those of them that were not there before. */
  createdIds: uuid("created_ids").array().notNull(),
  /** When they were connected: one that was connected again since is others', too. */
  connectedAt: instant("connected_at").notNull(),
  /** SHA-256; null until it is fetched. */
  secretHash: text("secret_hash"),
  /** The one before, until the newer one is used. */
  previousHash: text("previous_hash"),
  previousUntil: instant("previous_until"),
  usedAt: instant("used_at"),
});

/** What callbacks obtained and no owner has completed yet. */
export const pendingInstalls = pgTable("pending_installs", {
  id: uuid("id").primaryKey(),
  platform: text("platform").notNull(),
  /** Null for what began at the platform, until it is claimed. */
  owner: text("owner"),
  link: jsonb("link").$type<StoredFacts>().notNull(),
  codeHash: text("code_hash").notNull(),
  /** The whole connection with its tokens, sealed for this row. */
  connection: text("connection").notNull(),
  /** In the order of the connection. */
  installationIds: uuid("installation_ids").array().notNull(),
  subjects: text("subjects").array().notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
  undoReason: text("undo_reason").$type<UndoReason>(),
  /** When it was last taken up to be undone. */
  undoAt: instant("undo_at"),
  /** Whether the undoing is on record. */
  recorded: boolean("recorded").notNull(),
});

/** The record. Every row is part of a chain; those from before there were chains have none. */
export const auditEvents = pgTable("audit_events", {
  id: uuid("id").primaryKey(),
  at: instant("at").notNull(),
  kind: text("kind").$type<AuditKind>().notNull(),
  caller: text("caller").notNull(),
  method: text("method").notNull(),
  installationId: uuid("installation_id"),
  tokenFingerprint: text("token_fingerprint"),
  address: text("address"),
  requestId: text("request_id"),
  count: integer("count").notNull(),
  owner: text("owner"),
  platform: text("platform"),
  policyHash: text("policy_hash"),
  detail: text("detail"),
  chainId: uuid("chain_id"),
  /** From 1 on, without a gap. */
  sequence: bigint("sequence", { mode: "number" }),
  previousHash: text("previous_hash"),
  /** SHA-256 of every other column, in hex. */
  hash: text("hash"),
});

/** How far each chain of the record goes, signed: its head, and where it begins once its oldest rows are pruned. */
export const auditChains = pgTable("audit_chains", {
  id: uuid("id").primaryKey(),
  startedAt: instant("started_at").notNull(),
  updatedAt: instant("updated_at").notNull(),
  lastSequence: bigint("last_sequence", { mode: "number" }).notNull(),
  headHash: text("head_hash").notNull(),
  keyId: text("key_id").notNull(),
  mac: text("mac").notNull(),
  /** The last row that was pruned; 0: none. */
  prunedSequence: bigint("pruned_sequence", { mode: "number" }).notNull(),
  prunedHash: text("pruned_hash"),
  prunedKeyId: text("pruned_key_id"),
  prunedMac: text("pruned_mac"),
});

/** How often something was asked for since its window began. */
export const rateLimits = pgTable("rate_limits", {
  key: text("key").primaryKey(),
  count: integer("count").notNull(),
  endsAt: instant("ends_at").notNull(),
});

/** Where platforms send events: a row for an installation, or for a platform that has one webhook for all. */
export const webhooks = pgTable("webhooks", {
  /** The installation's id, or the platform's name. */
  subject: text("subject").primaryKey(),
  platform: text("platform").notNull(),
  installationId: uuid("installation_id"),
  registered: boolean("registered").notNull(),
  url: text("url").notNull(),
  externalIds: text("external_ids").array().notNull(),
  /** The host of the site that counts these ids. */
  siteHost: text("site_host"),
  error: text("error"),
  expiresAt: instant("expires_at"),
  /** What it was registered with, where that cannot be read back. */
  mark: text("mark"),
  /** When it is to be looked at again; null: never, since nobody can. */
  dueAt: instant("due_at"),
  /** In a row. */
  failures: integer("failures").notNull(),
  /** When the platform was last asked. */
  checkedAt: instant("checked_at"),
  /** Who asks the platform now, and until when at most, by the database's clock. */
  leaseId: text("lease_id"),
  leaseUntil: instant("lease_until"),
  registeredSince: instant("registered_since"),
  deliveredAt: instant("delivered_at"),
  silentSince: instant("silent_since"),
});

/** `forwarded`: it arrived; `dead`: it did not, and waits for an operator. */
export type DeliveryStatus = DeliveryTask | "forwarded" | "dead";

/** What platforms told, each delivery once, with what is to be done with it. */
export const webhookDeliveries = pgTable(
  "webhook_deliveries",
  {
    platform: text("platform").notNull(),
    /** The platform's, or what stands for one. */
    deliveryId: text("delivery_id").notNull(),
    /** Ours, in the order of their arrival. */
    id: uuid("id").notNull(),
    /** `github.issues.opened`. */
    type: text("type").notNull(),
    status: text("status").$type<DeliveryStatus>().notNull(),
    /** What was sent, sealed for its row; null once nobody needs it. */
    content: text("content"),
    /** The key that sealed it. */
    keyId: text("key_id"),
    /** How often it was taken up. */
    attempts: integer("attempts").notNull(),
    /** End of the lease, or when it is to be done; by the database's clock. */
    dueAt: instant("due_at").notNull(),
    receivedAt: instant("received_at").notNull(),
    /** Of the last attempt that failed. */
    lastError: text("last_error"),
  },
  (table) => [primaryKey({ columns: [table.platform, table.deliveryId] })],
);

/** What needs a person, or will soon, until it has passed. */
export const concerns = pgTable(
  "concerns",
  {
    installationId: uuid("installation_id").notNull(),
    kind: text("kind").$type<ConcernKind>().notNull(),
    /** The same from its begin to its end. */
    id: uuid("id").notNull(),
    platform: text("platform").notNull(),
    since: instant("since").notNull(),
    detail: text("detail"),
    actBefore: instant("act_before"),
    notedAt: instant("noted_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.installationId, table.kind] })],
);

/** Facts about the database itself. */
export const meta = pgTable("meta", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
});

function instant(name: string) {
  return timestamp(name, { withTimezone: true, precision: 3, mode: "date" });
}

function words(name: string) {
  return jsonb(name).$type<Readonly<Record<string, string>>>().notNull();
}
