import { invalidField, ServiceError } from "../../errors.ts";
import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import type { Access } from "../access/access.ts";
import { anonymous } from "../access/caller.ts";
import { networkOf } from "../access/network.ts";
import { rowsOf } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";
import type { Telemetry } from "../model/telemetry.ts";
import { type KeptCode, type LinkCodeRepository, type LinkProofs, linkSeconds, pollSeconds } from "./link-code.ts";
import { newCode } from "./typed-code.ts";

export interface LinkRequest {
  /** A product name. */
  readonly platform: string;
  readonly owner: string | undefined;
  /** What who asks calls itself, for the person to read. */
  readonly clientName: string | undefined;
}

export interface StartedLink {
  /** Eleven digits without separators: what the person types. It alone never yields anything. */
  readonly code: Secret;
  readonly pollSecret: Secret;
  readonly verificationUrl: URL;
  /** With the code, and with what proves that it was not guessed. */
  readonly verificationUrlComplete: Secret;
  readonly expiresAt: Date;
  readonly intervalSeconds: number;
}

/**
 * Begins a headless sign-in.
 * @throws ServiceError INVALID_REQUEST, PLATFORM_NOT_CONFIGURED, CALLER_NOT_ALLOWED, CALLER_RATE_LIMITED,
 * SERVICE_UNAVAILABLE.
 */
export type StartLink = (request: LinkRequest, call: Call) => Promise<StartedLink>;

/** So often a code that is taken is drawn again: with a thousand live ones, once is seldom enough to be seen. */
const draws = 5;
/** When there may be room again. */
const fullRetryMs = 30_000;

const isKept: Record<KeptCode, boolean> = {
  kept: true,
  kept_instead: true,
  taken: false,
  too_many: false,
  too_many_of_one: false,
};

export function createStartLink(parts: {
  readonly linkCodes: LinkCodeRepository;
  readonly proofs: LinkProofs;
  readonly platforms: Platforms;
  /** Where a person types the code. */
  readonly linkPage: URL;
  readonly telemetry: Pick<Telemetry, "linkMoved">;
  readonly world: World;
}): StartLink {
  const { linkCodes, proofs, platforms, linkPage, telemetry, world } = parts;

  return async ({ platform: product, owner: named, clientName: saysItIs }, call) => {
    const clientName = readable(saysItIs);
    call.access.check(product, named);
    const platform = checkPlatform(product, platforms);
    const owner = named ?? onlyOwner(call.access, product);
    if (!call.access.sees(product, owner)) {
      throw new ServiceError("CALLER_NOT_ALLOWED", "the caller may not start links without one of its owners");
    }
    const pollSecret = new Secret(world.random(32).toString("base64url"));
    const startedAt = world.now();
    const expiresAt = new Date(startedAt.getTime() + linkSeconds * 1_000);
    const code = await keep((digits) =>
      linkCodes.create(
        {
          ...{ platform: platform.name, product, owner, clientName },
          ...{ caller: call.caller, policyHash: call.policyHash, fromAddress: call.address },
          ...{ startedAt, expiresAt, secretHash: pollSecret.fingerprint() },
        },
        { code: digits, holder: holderOf(call) },
        (kept) => (isKept[kept] ? rowsOf(call, startedAt, [{ kind: "link.started", platform: product, owner }]) : []),
      ),
    );
    world.log.info({ platform: platform.name, caller: call.caller }, "link.started");
    telemetry.linkMoved(platform.name, "started");
    const complete = new URL(linkPage);
    complete.searchParams.set("code", code.reveal());
    complete.searchParams.set("proof", proofs.proofOf(code.reveal()).reveal());
    return {
      ...{ code, pollSecret, expiresAt, intervalSeconds: pollSeconds },
      verificationUrl: new URL(linkPage),
      verificationUrlComplete: new Secret(complete.href),
    };
  };

  async function keep(create: (digits: string) => Promise<KeptCode>): Promise<Secret> {
    for (let drawn = 0; drawn < draws; drawn++) {
      const code = newCode(world.random);
      const kept = await create(code.reveal());
      switch (kept) {
        case "kept":
          return code;
        case "kept_instead":
          world.log.warn({}, "link.too_many");
          return code;
        case "taken":
          continue;
        case "too_many_of_one":
          throw full("CALLER_RATE_LIMITED", "too many links of this caller wait for their person");
        case "too_many":
          world.log.warn({}, "link.too_many");
          throw full("SERVICE_UNAVAILABLE", "too many links wait for their person");
      }
    }
    throw full("SERVICE_UNAVAILABLE", "no code was free");
  }
}

/** Nothing that would change how the rest of the page reads. */
function readable(name: string | undefined): string | undefined {
  return name?.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim() || undefined;
}

function full(reason: "CALLER_RATE_LIMITED" | "SERVICE_UNAVAILABLE", message: string): ServiceError {
  return new ServiceError(reason, message, { retryAfterMs: fullRetryMs });
}

/** Callers that are told apart count for themselves; all others by where they come from. */
function holderOf({ caller, address }: Call): string {
  return caller === anonymous.name ? `network ${networkOf(address ?? "")}` : `caller ${caller}`;
}

/** Whom a caller of one owner means without saying so. */
function onlyOwner({ rules }: Access, product: string): string | undefined {
  const fitting = rules.filter(({ products }) => products === "all" || products.has(product));
  if (fitting.some(({ owners }) => owners === "all")) return undefined;
  const owners = new Set(fitting.flatMap(({ owners }) => (owners === "all" ? [] : [...owners])));
  if (owners.size > 1) throw invalidField("owner", "the caller may start links for several owners: name one");
  return [...owners][0];
}
