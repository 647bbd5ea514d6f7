import { ServiceError } from "../../errors.ts";
import type { World } from "../../world.ts";
import type { ConnectedCredential, Connection } from "../model/connection.ts";
import type { Credential, TokenSet } from "../model/credential.ts";
import type { CredentialRepository } from "../model/credential-repository.ts";
import type { ProviderRevocation } from "../model/installation.ts";
import { combineRevocations, type Platform, type RevokeOutcome } from "../model/platform.ts";
import type { PendingInstallRepository } from "./pending-install.ts";

/**
 * Ends at the platform what a flow obtained that is not kept: only tokens that this flow created and nothing live
 * shares. Never uninstalls an app. `pendingId` names the flow where it was kept apart.
 */
export type EndTokens = (
  platform: Platform,
  connection: Connection,
  pendingId: string | undefined,
) => Promise<ProviderRevocation>;

export function createEndTokens(parts: {
  readonly credentials: CredentialRepository;
  readonly pendingInstalls: PendingInstallRepository;
  readonly world: World;
}): EndTokens {
  const { credentials, pendingInstalls, world } = parts;

  return async (platform, connection, pendingId) => {
    const others = await findOthers(platform, connection, pendingId);
    const outcomes: RevokeOutcome[] = [];
    let shared = false;
    for (const credential of connection.credentials) {
      const { tokens } = credential;
      if (tokens === undefined || platform.revocationReach(credential.kind) === "app") continue;
      if (isShared(platform, credential, tokens, others)) {
        shared = true;
        continue;
      }
      const { kind, actor, subject, externalUserId, registration } = credential;
      const { refreshToken } = tokens;
      const accessToken = tokens.token.value;
      const identity = { kind, actor, subject, externalUserId, registration };
      const outcome = await platform.revoke({ ...identity, accessToken, refreshToken });
      if (outcome.kind === "failed") world.log.warn({ platform: platform.name, cause: outcome.cause }, "undo.failed");
      outcomes.push(outcome);
    }
    return combineRevocations(outcomes, shared);
  };

  /** Undefined while the database is away: then nothing is known of what else lives. */
  async function findOthers(platform: Platform, connection: Connection, pendingId: string | undefined) {
    const subjects = connection.credentials.map(({ subject }) => subject);
    const orgIds = connection.installations.map(({ externalOrgId }) => externalOrgId);
    try {
      return {
        live: await credentials.related(platform.name, subjects, orgIds),
        pending: new Set(await pendingInstalls.openSubjects(platform.name, subjects, pendingId)),
      };
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE") return undefined;
      throw error;
    }
  }
}

interface Others {
  readonly live: readonly Credential[];
  readonly pending: ReadonlySet<string>;
}

function isShared(platform: Platform, own: ConnectedCredential, tokens: TokenSet, others: Others | undefined): boolean {
  // The platform gives the same token to whoever lives there already, and ending the last one uninstalls the app.
  if (own.kind === "long_lived" && platform.holder === "organization") return true;
  if (platform.revocationReach(own.kind) === "grant") {
    if (others === undefined || others.pending.has(own.subject)) return true;
    if (others.live.some((other) => mayBeSameGrant(own, other))) return true;
  }
  const name = tokens.token.value.fingerprint();
  return others?.live.some((other) => fingerprintOf(other) === name) ?? false;
}

/** A person whom the platform does not name may be any other person of the same organizations. */
function mayBeSameGrant(own: ConnectedCredential, other: Credential): boolean {
  if (own.subject === other.subject) return true;
  const people = own.actor === "user" && other.actor === "user";
  return people && (own.externalUserId === undefined || other.externalUserId === undefined);
}

/** What no key opens is nobody's that we know. */
function fingerprintOf(credential: Credential): string | undefined {
  try {
    return credential.accessToken()?.fingerprint();
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return undefined;
    throw error;
  }
}
