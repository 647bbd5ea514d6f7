import type { World } from "../../world.ts";
import type { StartedAttempt } from "../connecting/browser-flow.ts";
import type { StartLeg } from "../connecting/start-install.ts";
import { type AuditLog, type Doer, type Happening, rowsOf } from "../model/audit-event.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";
import type { Telemetry } from "../model/telemetry.ts";
import type { FindTyped, LinkVisitor, RefusedCode } from "./find-typed.ts";
import type { LinkCode, LinkCodeRepository } from "./link-code.ts";
import { linkFacts } from "./link-facts.ts";

/** What a person is told of who asks, before deciding. */
export interface AskedLink {
  /** A product name. */
  readonly platform: string;
  readonly owner: string | undefined;
  /** What it calls itself: nobody has proven it. */
  readonly clientName: string | undefined;
  /** Who it is, by its proof. */
  readonly caller: string;
  readonly fromAddress: string | undefined;
  readonly startedAt: Date;
  readonly expiresAt: Date;
}

/** Shows who asks. Changes nothing. @throws ServiceError SERVICE_UNAVAILABLE. */
export type LookAtLink = (
  typed: string,
  by: LinkVisitor,
) => Promise<{ readonly kind: "found"; readonly link: AskedLink } | RefusedCode>;

/**
 * Goes on to the platform, as an install by a link does. The code stays open until something is connected.
 * @throws ServiceError SERVICE_UNAVAILABLE, also if it cannot be put on record; PLATFORM_NOT_CONFIGURED.
 */
export type ApproveLink = (
  typed: string,
  by: LinkVisitor,
) => Promise<{ readonly kind: "started"; readonly attempt: StartedAttempt } | RefusedCode>;

/** Ends it. @throws ServiceError SERVICE_UNAVAILABLE, also if it cannot be put on record. */
export type DenyLink = (typed: string, by: LinkVisitor) => Promise<{ readonly kind: "denied" } | RefusedCode>;

/** What a person with a code can do at the link page. */
export function createAnswerLink(parts: {
  readonly findTyped: FindTyped;
  readonly linkCodes: LinkCodeRepository;
  readonly platforms: Platforms;
  readonly startLeg: StartLeg;
  readonly audit: AuditLog;
  readonly telemetry: Pick<Telemetry, "linkMoved">;
  readonly world: World;
}): { readonly look: LookAtLink; readonly approve: ApproveLink; readonly deny: DenyLink } {
  const { findTyped, linkCodes, platforms, startLeg, audit, telemetry, world } = parts;

  return {
    async look(typed, by) {
      const found = await findTyped(typed, by);
      if (found.kind === "refused") return found;
      const { product: platform, owner, clientName, caller, fromAddress, startedAt, expiresAt } = found.link;
      return {
        kind: "found",
        link: { platform, owner, clientName, caller, fromAddress, startedAt, expiresAt },
      };
    },

    async approve(typed, by) {
      const found = await findTyped(typed, by);
      if (found.kind === "refused") return found;
      const { link } = found;
      const platform = checkPlatform(link.product, platforms);
      const begun = { platform, owner: link.owner, returnTo: undefined, hint: undefined, link: linkFacts(link) };
      const attempt = await startLeg(begun);
      await audit.append(rowsOf(doerOf(link, by), world.now(), [happening("link.approved", link)]));
      world.log.info({ platform: platform.name, caller: link.caller }, "link.approved");
      telemetry.linkMoved(platform.name, "approved");
      return { kind: "started", attempt };
    },

    async deny(typed, by) {
      const found = await findTyped(typed, by);
      if (found.kind === "refused") return found;
      const { link } = found;
      const now = world.now();
      const rows = rowsOf(doerOf(link, by), now, [happening("link.denied", link)]);
      const denied = await linkCodes.deny(link.id, now, (ended) => (ended === undefined ? [] : rows));
      if (denied === undefined) return { kind: "refused", why: "ended" };
      world.log.info({ platform: link.platform, caller: link.caller }, "link.denied");
      telemetry.linkMoved(link.platform, "denied");
      return { kind: "denied" };
    },
  };
}

/** On record it is the caller's link that somebody answered. */
function doerOf({ caller, policyHash }: LinkCode, { address, requestId }: LinkVisitor): Doer {
  return { caller, policyHash, method: "link page", address, requestId };
}

function happening(kind: "link.approved" | "link.denied", { product: platform, owner }: LinkCode): Happening {
  return { kind, platform, owner };
}
