import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { rowsOf } from "../model/audit-event.ts";
import type { Telemetry } from "../model/telemetry.ts";
import { accountName, type Visitor } from "./account-access.ts";
import type { IssueToAccount } from "./account-token.ts";
import { isSameHash } from "./known-account.ts";
import type { LinkAccountRepository } from "./link-account.ts";
import type { LinkCode, LinkCodeRepository } from "./link-code.ts";
import type { LinkPayload } from "./link-payload.ts";
import { readCode } from "./typed-code.ts";

/** How a link stands, for whoever has its secret. */
export type LinkStanding =
  | { readonly kind: "pending" }
  | { readonly kind: "connected"; readonly payload: LinkPayload }
  | { readonly kind: "denied" }
  | { readonly kind: "gone"; readonly why: "expired" | "delivered" };

export type PollOutcome =
  | LinkStanding
  | { readonly kind: "slow_down"; readonly retryAfterMs: number }
  /** A wrong secret and a code that nobody started, alike. */
  | { readonly kind: "unknown" };

/**
 * How a link stands; `connected` once, whoever asks however often.
 * @throws ServiceError as GetToken does, while what was connected cannot be handed out: ask again.
 */
export type PollLink = (
  request: { readonly code: string; readonly pollSecret: Secret },
  from: Visitor,
  /** Aborted when whoever asks has gone: nothing is handed over then. */
  signal?: AbortSignal,
) => Promise<PollOutcome>;

export interface LinkDesk {
  /** The link of who has its secret; undefined for a wrong secret and an unknown code. */
  find(code: string, pollSecret: Secret): Promise<LinkCode | undefined>;
  /** How it stands; hands over what waits for it, unless whoever asks has gone by then (`signal`). */
  settle(link: LinkCode, from: Visitor, method: string, signal: AbortSignal | undefined): Promise<LinkStanding>;
}

export function createLinkDesk(parts: {
  readonly linkCodes: LinkCodeRepository;
  readonly linkAccounts: LinkAccountRepository;
  readonly issueToAccount: IssueToAccount;
  readonly telemetry: Pick<Telemetry, "linkMoved">;
  readonly world: World;
}): LinkDesk {
  const { linkCodes, linkAccounts, issueToAccount, telemetry, world } = parts;

  return {
    async find(code, pollSecret) {
      const digits = readCode(code);
      const link = digits === undefined ? undefined : await linkCodes.find(digits);
      return link !== undefined && isSameHash(link.secretHash, pollSecret.fingerprint()) ? link : undefined;
    },

    async settle(link, from, method, signal) {
      const ended = link.expiresAt <= world.now();
      switch (link.state) {
        case "delivered":
          return { kind: "gone", why: "delivered" };
        case "denied":
          return { kind: "denied" };
        case "open":
          return ended ? { kind: "gone", why: "expired" } : { kind: "pending" };
        case "connected":
          return ended ? { kind: "gone", why: "expired" } : deliver(link, from, method, signal);
      }
    },
  };

  /** The token first: what could not be handed out is not delivered, and can be asked for again. */
  async function deliver(
    link: LinkCode,
    from: Visitor,
    method: string,
    signal: AbortSignal | undefined,
  ): Promise<LinkStanding> {
    const account = link.accountId === undefined ? undefined : await linkAccounts.find(link.accountId);
    if (account === undefined) return { kind: "gone", why: "expired" };
    const payload = await issueToAccount(account, from, { method });
    // A mint can take longer than who asks: what nobody would hear waits for the next who asks.
    if (signal?.aborted) return { kind: "pending" };
    const accountSecret = new Secret(world.random(32).toString("base64url"));
    const now = world.now();
    const doer = { caller: accountName(account), policyHash: link.policyHash, method, ...from };
    const [installationId] = account.installationIds;
    const row = { kind: "link.delivered" as const, platform: link.product, owner: link.owner, installationId };
    const delivered = await linkCodes.deliver(link.id, accountSecret.fingerprint(), now, (news) =>
      news ? rowsOf(doer, now, [row]) : [],
    );
    if (!delivered) return { kind: "gone", why: "delivered" };
    world.log.info({ platform: link.platform, account: account.id }, "link.delivered");
    telemetry.linkMoved(link.platform, "delivered");
    return { kind: "connected", payload: { ...payload, accountSecret } };
  }
}

/** The use case behind `GET /v1/poll/{link_code}`. */
export function createPollLink(desk: LinkDesk, linkCodes: LinkCodeRepository, world: Pick<World, "now">): PollLink {
  return async ({ code, pollSecret }, from, signal) => {
    const link = await desk.find(code, pollSecret);
    if (link === undefined) return { kind: "unknown" };
    const standing = await desk.settle(link, from, "link poll", signal);
    // Only who waits can come too early: news are told at once.
    if (standing.kind !== "pending") return standing;
    const retryAfterMs = await linkCodes.takeTurn(link.id, world.now());
    return retryAfterMs > 0 ? { kind: "slow_down", retryAfterMs } : standing;
  };
}
