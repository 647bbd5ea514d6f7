import { ServiceError } from "../errors.ts";
import type { World } from "../world.ts";
import type { ProviderRevocation } from "./installation.ts";
import type { Platforms, RevokeOutcome } from "./platform.ts";
import type { InstallationRepository, RevocableCredential, Revocation } from "./repositories.ts";
import { singleFlight } from "./single-flight.ts";
import type { UseCases } from "./use-cases.ts";

/** A revocation that takes longer than this was interrupted: its process is gone. */
const interruptedAfterMs = 60_000;

export interface Revoker {
  /**
   * Stops hand-out first, durably; then asks the platform; then deletes what is kept, however the platform answered.
   * @throws ServiceError INSTALLATION_NOT_FOUND.
   */
  readonly revoke: UseCases["revokeInstallation"];
  /** Takes up revocations that a crash interrupted between these steps. */
  finishInterrupted(): Promise<void>;
}

export function createRevoker(parts: {
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  readonly world: World;
}): Revoker {
  const { installations, platforms, world } = parts;
  const flight = singleFlight<ProviderRevocation>();

  async function finish(id: string, revocation: Revocation): Promise<ProviderRevocation> {
    const outcomes: RevokeOutcome[] = [];
    for (const credential of revocation.credentials) outcomes.push(await revokeAtPlatform(credential));
    const result = combine(outcomes, revocation.shared);
    await installations.finishRevocation(id, result);
    world.log.info({ platform: revocation.installation.platform, installation: id, result }, "installation.revoked");
    return result;
  }

  async function revokeAtPlatform(credential: RevocableCredential): Promise<RevokeOutcome> {
    const platform = platforms.byName(credential.platform);
    const { kind, actor, subject, externalUserId, secrets } = credential;
    let outcome: RevokeOutcome;
    if (platform === undefined) outcome = { kind: "failed", cause: "platform_not_configured" };
    else if (secrets === undefined && kind !== "app_installation")
      outcome = { kind: "failed", cause: "token_unreadable" };
    else {
      const known = secrets ?? { accessToken: undefined, refreshToken: undefined };
      outcome = await platform.revoke({ kind, actor, subject, externalUserId, ...known });
    }
    if (outcome.kind === "failed") {
      world.log.warn(
        { platform: credential.platform, credential: credential.id, cause: outcome.cause },
        "revoke.failed",
      );
    }
    return outcome;
  }

  async function revoke(id: string, reason: string) {
    const begun = await installations.beginRevocation(id, reason, world.now());
    if (begun === undefined) throw new ServiceError("INSTALLATION_NOT_FOUND", `no installation ${id}`);
    const providerRevocation = begun.finished ?? (await flight(id, () => finish(id, begun)));
    return { installation: (await installations.find(id)) ?? begun.installation, providerRevocation };
  }

  return {
    revoke,
    async finishInterrupted() {
      const before = new Date(world.now().getTime() - interruptedAfterMs);
      for (const id of await installations.unfinishedRevocations(before)) await revoke(id, "");
    },
  };
}

/** One answer for several credentials: a failure is never hidden behind a success. */
function combine(outcomes: readonly RevokeOutcome[], shared: boolean): ProviderRevocation {
  if (outcomes.some((outcome) => outcome.kind === "failed")) return "failed";
  if (outcomes.some((outcome) => outcome.kind === "revoked")) return "revoked";
  return shared ? "shared" : "unsupported";
}
