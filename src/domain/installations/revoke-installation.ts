import { describeError } from "../../described-error.ts";
import { ServiceError } from "../../errors.ts";
import { singleFlight } from "../../work/single-flight.ts";
import type { World } from "../../world.ts";
import { seesAll, seesAny } from "../access/access.ts";
import type { PendingInstallRepository } from "../connecting/pending-install.ts";
import type { InstallUndoer } from "../connecting/undo-install.ts";
import { type Doer, rowsOf, serviceCaller } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { Installation, ProviderRevocation } from "../model/installation.ts";
import type { InstallationRepository, RevocableCredential, Revocation } from "../model/installation-repository.ts";
import { noInstallation } from "../model/not-found.ts";
import { combineRevocations, type Platform, type RevokeOutcome } from "../model/platform.ts";
import type { Platforms } from "../model/platforms.ts";
import { mayEndOthers } from "../refreshing/may-end-others.ts";

/** Ends an installation; undefined as long as another replica is still asking the platform. */
export type RevokeInstallation = (
  id: string,
  reason: string,
  call: Call,
) => Promise<{ readonly installation: Installation; readonly providerRevocation: ProviderRevocation | undefined }>;

/** A revocation that takes longer than this was interrupted: its process is gone. */
const interruptedAfterMs = 60_000;

export interface Revoker {
  /**
   * For a caller: stops hand-out first, durably; then asks the platform; then deletes what is kept, however the
   * platform answered. A pending installation is undone with all that came with it.
   * @throws ServiceError INSTALLATION_NOT_FOUND, also for what the caller may not see; CALLER_NOT_ALLOWED for what
   * serves a product, too, that it may not.
   */
  readonly revoke: RevokeInstallation;
  /** The same, whoever wants it. */
  end(id: string, reason: string, doer: Doer): Promise<Ended>;
  /**
   * The same for what the platform confirmed when it was asked this: nothing if it was connected anew, or told of
   * something else, meanwhile.
   */
  endAsked(id: string, question: string, reason: string, doer: Doer): Promise<Ended | undefined>;
  /** The same for what was connected at that time for that owner: nothing if it was connected again, or moved. */
  endConnected(
    id: string,
    connected: { readonly at: Date; readonly owner: string | undefined },
    reason: string,
    doer: Doer,
  ): Promise<Ended | undefined>;
  /** Takes up revocations that a crash interrupted between these steps. */
  finishInterrupted(): Promise<void>;
}

/** Takes back what was registered for an installation at its platform. Never fails. */
export interface WebhookRemoval {
  /** Makes sure, while it may still be refreshed, that there is a token to do so with. */
  prepare(installation: Installation): Promise<void>;
  /** Once hand-out has stopped, and before the grant ends. */
  remove(installation: Installation): Promise<void>;
}

export interface Ended {
  readonly installation: Installation;
  /** Undefined as long as another replica is still asking the platform. */
  readonly providerRevocation: ProviderRevocation | undefined;
}

export function createRevoker(parts: {
  readonly installations: InstallationRepository;
  readonly pendingInstalls: PendingInstallRepository;
  readonly undoer: InstallUndoer;
  readonly platforms: Platforms;
  readonly webhooks: WebhookRemoval;
  readonly world: World;
}): Revoker {
  const { installations, pendingInstalls, undoer, platforms, webhooks, world } = parts;
  const flight = singleFlight<ProviderRevocation>();

  async function finish(id: string, revocation: Revocation, doer: Doer): Promise<ProviderRevocation> {
    await webhooks.remove(revocation.installation);
    const outcomes: RevokeOutcome[] = [];
    let { shared } = revocation;
    for (const credential of revocation.credentials) {
      const platform = platforms.byName(credential.platform);
      if (platform !== undefined && mayEndOthers(platform, credential, credential.inUse)) shared = true;
      else outcomes.push(await revokeAtPlatform(platform, credential));
    }
    const result = combineRevocations(outcomes, shared);
    const { platform, owner } = revocation.installation;
    const row = { kind: "installation.revoked" as const, installationId: id, owner, platform, detail: result };
    // Whoever goes on with what a crash interrupted did not want it first.
    const record = (news: boolean) => (news ? rowsOf(revocation.by ?? doer, world.now(), [row]) : []);
    await installations.finishRevocation(id, result, record);
    world.log.info({ platform, installation: id, result }, "installation.revoked");
    return result;
  }

  async function revokeAtPlatform(
    platform: Platform | undefined,
    credential: RevocableCredential,
  ): Promise<RevokeOutcome> {
    const { kind, actor, subject, externalUserId, registration, secrets } = credential;
    let outcome: RevokeOutcome;
    if (platform === undefined) outcome = { kind: "failed", cause: "platform_not_configured" };
    else if (secrets === undefined && kind !== "app_installation")
      outcome = { kind: "failed", cause: "token_unreadable" };
    else {
      const known = secrets ?? { accessToken: undefined, refreshToken: undefined };
      outcome = await platform.revoke({ kind, actor, subject, externalUserId, registration, ...known });
    }
    if (outcome.kind === "failed") {
      world.log.warn(
        { platform: credential.platform, credential: credential.id, cause: outcome.cause },
        "revoke.failed",
      );
    }
    return outcome;
  }

  async function end(id: string, reason: string, doer: Doer): Promise<Ended> {
    const found = await installations.find(id);
    if (found === undefined) throw noInstallation(id);
    if (found.status === "pending") {
      const undone = await undo(found, doer);
      if (undone !== undefined) return undone;
    }
    await webhooks.prepare(found);
    const begun = await installations.beginRevocation(id, reason, world.now(), doer);
    if (begun === undefined) throw noInstallation(id);
    return finished(id, begun, doer);
  }

  async function finished(id: string, begun: Revocation, doer: Doer): Promise<Ended> {
    const providerRevocation = begun.finished ?? (await flight(id, () => finish(id, begun, doer)));
    return { installation: (await installations.find(id)) ?? begun.installation, providerRevocation };
  }

  /** Undefined if it was completed or undone meanwhile. */
  async function undo(installation: Installation, doer: Doer): Promise<Ended | undefined> {
    const pending = await pendingInstalls.findByInstallation(installation.id);
    const providerRevocation = pending && (await undoer.undo(pending.id, "revoked", doer));
    if (providerRevocation === undefined) return undefined;
    const at = world.now();
    return { installation: { ...installation, status: "revoked", updatedAt: at, revokedAt: at }, providerRevocation };
  }

  return {
    end,
    async endAsked(id, question, reason, doer) {
      const begun = await installations.beginRevocation(id, reason, world.now(), doer, { question });
      return begun && finished(id, begun, doer);
    },
    async endConnected(id, { at: connectedAt, owner }, reason, doer) {
      const found = await installations.find(id);
      if (found === undefined) return undefined;
      await webhooks.prepare(found);
      const begun = await installations.beginRevocation(id, reason, world.now(), doer, { connectedAt, owner });
      return begun && finished(id, begun, doer);
    },
    async revoke(id, reason, call) {
      const installation = await installations.find(id);
      if (installation === undefined || !seesAny(call.access, installation)) throw noInstallation(id);
      if (!seesAll(call.access, installation)) throw mayNotEnd(installation);
      return end(id, reason, call);
    },
    async finishInterrupted() {
      const before = new Date(world.now().getTime() - interruptedAfterMs);
      const doer = { caller: serviceCaller, method: "finish revocations" };
      for (const id of await installations.unfinishedRevocations(before)) {
        // What goes wrong with one of them is no reason to leave the others; it is taken up again.
        await end(id, "", doer).catch((error: unknown) =>
          world.log.warn({ installation: id, error: describeError(error) }, "revoke.left"),
        );
      }
    },
  };
}

/** For a caller that may see some of an installation's products, and not all. */
export function mayNotEnd({ id, products }: Installation): ServiceError {
  return new ServiceError(
    "CALLER_NOT_ALLOWED",
    `installation ${id} serves ${products.join(" and ")}, and the caller may not revoke all of that`,
  );
}
