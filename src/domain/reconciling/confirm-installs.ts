import { describeError } from "../../described-error.ts";
import { orAfter } from "../../work/or-after.ts";
import type { World } from "../../world.ts";
import type { FinishInstall } from "../connecting/browser-flow.ts";
import type { CompleteInstall } from "../connecting/complete-install.ts";
import type { Installation } from "../model/installation.ts";
import type { Platforms } from "../model/platforms.ts";
import type { WithSiteToken } from "../tokens/site-token.ts";

/** Tells platforms that wait for it what is connected here. Never fails, and is never waited for longer than a person would. */
export type ConfirmInstalls = (connected: readonly Installation[]) => Promise<void>;

/** A person waits for this; what did not arrive is told when the platform is asked next. */
const personWaitsMs = 3_000;

export function createConfirmInstalls(parts: {
  readonly platforms: Platforms;
  readonly withSiteToken: WithSiteToken;
  readonly world: Pick<World, "log">;
}): ConfirmInstalls {
  const { platforms, withSiteToken, world } = parts;

  async function confirm(installation: Installation): Promise<void> {
    const platform = platforms.byName(installation.platform);
    const tell = platform?.confirmInstall;
    if (platform === undefined || tell === undefined) return;
    const facts = { platform: platform.name, installation: installation.id };
    try {
      const outcome = await withSiteToken(platform, installation.id, (token) => tell(installation, token));
      if (outcome.kind === "failed") world.log.warn({ ...facts, code: outcome.code }, "install.not_confirmed");
    } catch (error) {
      world.log.warn({ ...facts, error: describeError(error) }, "install.not_confirmed");
    }
  }

  return (connected) =>
    orAfter(
      personWaitsMs,
      Promise.all(connected.map(confirm)).then(() => undefined),
      () => undefined,
    );
}

/** The same, and the platform hears of what was connected in the callback. */
export function confirmOnFinish(finish: FinishInstall, confirm: ConfirmInstalls): FinishInstall {
  return async (request) => {
    const outcome = await finish(request);
    if (outcome.kind === "connected") await confirm(outcome.installations);
    return outcome;
  };
}

/** The same for what its owner completes: what nobody wants in the end stays unconfirmed there. */
export function confirmOnComplete(complete: CompleteInstall, confirm: ConfirmInstalls): CompleteInstall {
  return async (...request) => {
    const installations = await complete(...request);
    await confirm(installations);
    return installations;
  };
}
