import { setTimeout as delay } from "node:timers/promises";
import { describeError } from "../../described-error.ts";
import { ServiceError } from "../../errors.ts";
import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { ConnectedCredential, Connection } from "../model/connection.ts";
import type { Credential } from "../model/credential.ts";
import type { CredentialRepository } from "../model/credential-repository.ts";
import type { InstallFailure } from "../model/install-failure.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platform } from "../model/platform.ts";
import type { Refresher } from "../refreshing/refresher.ts";
import type { Attempt } from "./attempt.ts";
import type { EndTokens } from "./end-tokens.ts";
import type { LinkFacts } from "./install-link.ts";
import type { LinkPolicy } from "./link-policy.ts";
import type { LinkedInstalls } from "./linked-installs.ts";
import type { PendingInstallRepository } from "./pending-install.ts";

/** How long a finished exchange waits for the database: its code is spent and cannot be had again. */
const storeForMs = 8_000;
/** How long the owner has to complete what the callback obtained. */
const completionMs = 300_000;
/** How long the person waits for a live grant to be refreshed; the refresh itself goes on. */
const personWaitsMs = 3_000;

export type Kept =
  | { readonly kind: "connected"; readonly installations: readonly Installation[] }
  | { readonly kind: "pending"; readonly installations: readonly Installation[]; readonly completionCode: Secret }
  | { readonly kind: "failed"; readonly failure: InstallFailure };

/**
 * Keeps what an exchange obtained: connected at once, or apart until the owner completes it. What cannot be kept ends
 * at the platform. `record` makes the rows that are stored with it.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export type KeepConnection = (
  platform: Platform,
  attempt: Attempt,
  connection: Connection,
  record?: (kind: "connected" | "pending", installations: readonly Installation[]) => readonly AuditEvent[],
) => Promise<Kept>;

export function createKeepConnection(parts: {
  readonly installations: InstallationRepository;
  readonly pendingInstalls: PendingInstallRepository;
  readonly linkedInstalls: LinkedInstalls;
  readonly credentials: CredentialRepository;
  readonly refresher: Refresher;
  readonly endTokens: EndTokens;
  readonly linkPolicy: LinkPolicy;
  readonly world: World;
}): KeepConnection {
  const { installations, pendingInstalls, linkedInstalls, credentials, refresher, endTokens, linkPolicy, world } =
    parts;

  return async (platform, attempt, connection, record = () => []) => {
    const live = await findSpent(platform, connection);
    let kept: Kept | undefined;
    try {
      kept = (await patiently(platform, () => isReconnected(attempt.link, connection)))
        ? await store(platform, attempt, connection, live, record)
        : { kind: "failed", failure: "reconnected_other" };
    } catch (error) {
      if (!(error instanceof ServiceError) || error.reason !== "INSTALLATION_TAKEN") throw error;
      kept = { kind: "failed", failure: "installation_taken" };
    } finally {
      if (kept === undefined || kept.kind === "failed") await endTokens(platform, connection, undefined);
      if (kept?.kind !== "connected") await refreshLive(live);
    }
    return kept;
  };

  async function store(
    platform: Platform,
    attempt: Attempt,
    connection: Connection,
    live: readonly Credential[],
    record: NonNullable<Parameters<KeepConnection>[3]>,
  ): Promise<Kept> {
    const { owner, returnTo, link } = attempt;
    const context = () => ({ platform: platform.name, holder: platform.holder, owner, now: world.now() });
    /** Held against the policy each time: the exchange took its time, and so may the database. */
    const storeIfAllowed = <T>(work: () => Promise<T>) =>
      patiently(platform, async () => {
        const withdrawn = link && linkPolicy({ facts: link, owner, returnTo });
        if (withdrawn !== undefined) return { kind: "failed" as const, failure: withdrawn };
        return { kind: "stored" as const, installations: await work() };
      });
    const linkCodeId = link?.linkCodeId;
    if (linkCodeId !== undefined) {
      const by = { linkCodeId, attemptId: attempt.id };
      const stored = await storeIfAllowed(() =>
        linkedInstalls.connect(by, connection, context(), (news) => record("connected", news)),
      );
      if (stored.kind === "failed") return stored;
      const { installations: made } = stored;
      return made === undefined
        ? { kind: "failed", failure: "link_code_ended" }
        : { kind: "connected", installations: made };
    }
    if (link?.awaitsOwner !== true || (owner === undefined && link.unbegun !== true)) {
      const stored = await storeIfAllowed(() =>
        installations.connect(connection, context(), (news) => record("connected", news)),
      );
      return stored.kind === "failed" ? stored : { ...stored, kind: "connected" };
    }
    const completionCode = new Secret(world.random(32).toString("base64url"));
    const completion = {
      codeHash: completionCode.fingerprint(),
      expiresAt: new Date(world.now().getTime() + completionMs),
      link,
    };
    const resting = await withoutAccess(platform, connection, live);
    const stored = await storeIfAllowed(() =>
      pendingInstalls.keep(resting, context(), completion, (news) => record("pending", news)),
    );
    return stored.kind === "failed" ? stored : { ...stored, kind: "pending", completionCode };
  }

  /** Whether what came back is the same organization, of the same person where a person's grant is meant. */
  async function isReconnected(link: LinkFacts | undefined, connection: Connection): Promise<boolean> {
    if (link?.installationId === undefined) return true;
    const wanted = await installations.find(link.installationId);
    if (wanted === undefined || wanted.status === "revoked") return false;
    return connection.installations.some(
      ({ externalOrgId, externalUserId }) =>
        externalOrgId === wanted.externalOrgId &&
        (wanted.externalUserId === undefined || externalUserId === wanted.externalUserId),
    );
  }

  async function patiently<T>(platform: Platform, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const passing = error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE";
        if (!passing || performance.now() - started > storeForMs) throw error;
        world.log.warn({ platform: platform.name, cause: describeError(error.cause) }, "install.store_retried");
        await delay(200);
      }
    }
  }

  /** Live credentials whose refresh tokens this consent has spent: they work for a short leeway only. */
  async function findSpent(platform: Platform, connection: Connection): Promise<readonly Credential[]> {
    if (!platform.consentSpendsOlder) return [];
    const subjects = connection.credentials.map(({ subject }) => subject);
    try {
      const related = await credentials.related(platform.name, subjects, []);
      return related.filter(({ kind }) => kind === "rotating");
    } catch (error) {
      noteFailure(platform.name, error);
      return [];
    }
  }

  /** What replaces nothing here must not take a live grant along: it goes on with a token set of its own. */
  async function refreshLive(live: readonly Credential[]): Promise<void> {
    const refreshes = live.map((credential) =>
      refresher.refresh(credential).catch((error: unknown) => noteFailure(credential.platform, error)),
    );
    if (refreshes.length === 0) return;
    await Promise.race([Promise.all(refreshes), delay(personWaitsMs, undefined, { ref: false })]);
  }

  /**
   * Beside a live grant only the refresh token is kept. Platforms limit how many access tokens of one grant live, and
   * this one, which nobody uses yet, would push the live one out.
   */
  async function withoutAccess(
    platform: Platform,
    connection: Connection,
    live: readonly Credential[],
  ): Promise<Connection> {
    const resting: ConnectedCredential[] = [];
    for (const credential of connection.credentials) {
      const { tokens, registration, ...identity } = credential;
      const beside = live.some(({ subject }) => subject === credential.subject);
      if (!beside || tokens?.refreshToken === undefined) {
        resting.push(credential);
        continue;
      }
      const { token } = tokens;
      await platform.revoke({ ...identity, registration, accessToken: token.value, refreshToken: undefined });
      resting.push({ ...credential, tokens: { ...tokens, token: { ...token, expiresAt: token.issuedAt } } });
    }
    return { ...connection, credentials: resting };
  }

  function noteFailure(platform: string, error: unknown): void {
    world.log.warn({ platform, error: error instanceof Error ? error.name : "unknown" }, "refresh.failed");
  }
}
