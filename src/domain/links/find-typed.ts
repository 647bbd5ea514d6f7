import type { World } from "../../world.ts";
import type { LinkPolicy } from "../connecting/link-policy.ts";
import type { Telemetry } from "../model/telemetry.ts";
import type { Visitor } from "./account-access.ts";
import type { Guesses } from "./guesses.ts";
import type { LinkCode, LinkCodeRepository, LinkProofs } from "./link-code.ts";
import { linkFacts } from "./link-facts.ts";
import { readCode } from "./typed-code.ts";

/** Somebody with a code at the link page. */
export interface LinkVisitor extends Visitor {
  /** The `proof` of the address that led here: whoever has it gets through whatever others guess. */
  readonly proof?: string | undefined;
}

export type RefusedCode = {
  readonly kind: "refused";
  /** `ended`: too old, answered, or withdrawn. */
  readonly why: "unknown" | "ended" | "slow_down";
  /** With `slow_down`. */
  readonly retryAfterMs?: number | undefined;
};

/** The open link that somebody means. */
export type FindTyped = (
  typed: string,
  by: LinkVisitor,
) => Promise<{ readonly kind: "found"; readonly link: LinkCode } | RefusedCode>;

/** A code that nobody started is of none. */
const noPlatform = "unknown";

export function createFindTyped(parts: {
  readonly linkCodes: LinkCodeRepository;
  readonly proofs: LinkProofs;
  readonly guesses: Guesses;
  readonly linkPolicy: LinkPolicy;
  readonly telemetry: Pick<Telemetry, "linkMoved">;
  readonly world: Pick<World, "now">;
}): FindTyped {
  const { linkCodes, proofs, guesses, linkPolicy, telemetry, world } = parts;

  return async (typed, { address, proof }) => {
    const code = readCode(typed);
    // What cannot be a code tells nothing, and costs nobody a guess.
    if (code === undefined) return { kind: "refused", why: "unknown" };
    const proven = proof !== undefined && proofs.proves(code, proof);
    const waitMs = proven ? 0 : await guesses.begin(address);
    if (waitMs > 0) {
      telemetry.linkMoved(noPlatform, "slow_down");
      return { kind: "refused", why: "slow_down", retryAfterMs: waitMs };
    }
    const link = await linkCodes.find(code);
    if (link === undefined) {
      telemetry.linkMoved(noPlatform, "wrong_code");
      return { kind: "refused", why: "unknown" };
    }
    if (!proven) await guesses.wasRight(address);
    const { owner } = link;
    const open = link.state === "open" && link.expiresAt > world.now();
    const allowed = open && linkPolicy({ facts: linkFacts(link), owner, returnTo: undefined }) === undefined;
    return allowed ? { kind: "found", link } : { kind: "refused", why: "ended" };
  };
}
