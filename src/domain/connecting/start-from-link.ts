import type { World } from "../../world.ts";
import type { LinkFailure } from "../model/install-failure.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";
import type { StartFromLink } from "./browser-flow.ts";
import type { LinkRepository, SpendOutcome } from "./install-link.ts";
import type { LinkPolicy } from "./link-policy.ts";
import type { StartLeg } from "./start-install.ts";

const failures: Readonly<{ [why in Extract<SpendOutcome, { kind: "refused" }>["why"]]: LinkFailure }> = {
  unknown: "link_required",
  used: "link_already_used",
  expired: "link_expired",
};

/** The use case behind `/oauth/install/{platform}?link=…`: the link is spent, and says all that the browser may not. */
export function createStartFromLink(parts: {
  readonly links: LinkRepository;
  readonly platforms: Platforms;
  readonly linkPolicy: LinkPolicy;
  readonly startLeg: StartLeg;
  readonly world: World;
}): StartFromLink {
  const { links, platforms, linkPolicy, startLeg, world } = parts;

  function refused(
    platform: string,
    failure: LinkFailure,
    returnTo?: string,
  ): Extract<Awaited<ReturnType<StartFromLink>>, { kind: "refused" }> {
    world.log.warn({ platform, failure }, "install.failed");
    return { kind: "refused", failure, returnTo: failure === "return_to_not_allowed" ? undefined : returnTo };
  }

  return async ({ platform: name, link: secret, confirmed, flow }) => {
    const platform = checkPlatform(name, platforms);
    const shown = confirmed ? undefined : await links.look(secret.fingerprint(), platform.name, world.now());
    if (shown?.facts.confirmPage === true && linkPolicy(shown) === undefined) {
      return { kind: "unconfirmed", caller: shown.facts.caller, owner: shown.owner, returnTo: shown.returnTo };
    }
    const spent = await links.spend(secret.fingerprint(), platform.name, world.now());
    if (spent.kind === "refused") return refused(platform.name, failures[spent.why], spent.returnTo);
    const { owner, returnTo, facts } = spent.link;
    const failure = linkPolicy({ facts, owner, returnTo });
    if (failure !== undefined) return refused(platform.name, failure, returnTo);
    const attempt = await startLeg({ platform, owner, returnTo, hint: undefined, link: facts, flow });
    world.log.info({ platform: platform.name, caller: facts.caller }, "install.started");
    return { kind: "started", attempt };
  };
}
