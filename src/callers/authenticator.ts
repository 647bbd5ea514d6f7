import { hash, timingSafeEqual } from "node:crypto";
import type { Authenticate, Caller } from "../domain/access/caller.ts";
import { ServiceError } from "../errors.ts";
import { boundedCache } from "../work/bounded-cache.ts";
import type { Issuer } from "./issuer-entries.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { Policy, Proof } from "./policy.ts";
import { verifyToken } from "./token-verifier.ts";

/** Says who asks, by the policy that is in force. */
export interface Authenticator {
  readonly authenticate: Authenticate;
  /** From here on this policy counts; what was proven under the one before has to be proven again. */
  use(policy: Policy): void;
}

/** A proof that was verified, until it has to be verified again. */
interface Proven {
  readonly caller: Caller;
  readonly untilMs: number;
}

const maxHeaderLength = 8 * 1024 + "Bearer ".length;
const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const rememberedMs = 60_000;
const maxRemembered = 10_000;

/**
 * An `authorization` that is present decides alone: a bad one is not rescued by a certificate. Proofs are remembered by
 * the SHA-256 of the header (the last one as it is), for a minute and not beyond their end, so that a warm call verifies
 * nothing; only good ones, so that strangers cannot fill the memory.
 */
export function createAuthenticator(parts: {
  readonly policy: Policy;
  readonly keysOf: (issuer: Issuer) => IssuerKeys;
  readonly now: () => Date;
}): Authenticator {
  const { keysOf, now } = parts;
  let { policy } = parts;
  let remembered = newMemory();
  /** The proof that came last, which is in memory anyway as part of its call. */
  let last: (Proven & { readonly bytes: Buffer }) | undefined;

  function remember(digest: string, { caller, expiresAt }: Proof, nowMs: number): Caller {
    const endMs = expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    remembered.set(digest, { caller, untilMs: Math.min(endMs, nowMs + rememberedMs) });
    return caller;
  }

  /** The policy may change while an issuer's keys are read: then the new one decides. */
  async function verify(token: string, digest: string): Promise<Caller> {
    for (;;) {
      const asked = policy;
      const verified = await verifyToken(token, asked, keysOf, now());
      if (asked !== policy) continue;
      if (verified === undefined) throw unauthenticated();
      return remember(digest, verified, now().getTime());
    }
  }

  function byHeader(header: string): Caller | Promise<Caller> {
    if (header.length > maxHeaderLength) throw unauthenticated();
    const nowMs = now().getTime();
    // The same connection sends the same proof with every call: a hash of it would cost a twentieth of a warm call.
    const bytes = Buffer.from(header);
    if (last !== undefined && nowMs < last.untilMs && isSame(bytes, last.bytes)) return last.caller;
    const digest = hash("sha256", header, "binary");
    const known = remembered.get(digest);
    if (known !== undefined && nowMs < known.untilMs) {
      last = { bytes, ...known };
      return known.caller;
    }
    const token = bearer.exec(header)?.[1];
    if (token === undefined) throw unauthenticated();
    if (!token.startsWith("ots_")) return verify(token, digest);
    const proof = policy.byApiKey(token, new Date(nowMs));
    if (proof === undefined) throw unauthenticated();
    return remember(digest, proof, nowMs);
  }

  return {
    authenticate(evidence) {
      const { authorization } = evidence;
      if (authorization !== undefined) return byHeader(authorization);
      const caller = policy.byCertificate(evidence.certificateNames);
      if (caller === undefined) throw unauthenticated();
      return caller;
    },
    use(next) {
      policy = next;
      remembered = newMemory();
      last = undefined;
    },
  };
}

/** In constant time but for the length, which says nothing of a proof. */
function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function newMemory() {
  return boundedCache<Proven>(maxRemembered);
}

/** The same for everything, so that nobody learns which part of a proof was good. */
function unauthenticated(): ServiceError {
  return new ServiceError(
    "CALLER_UNAUTHENTICATED",
    "present what proves a caller of this service: `authorization: Bearer` with its API key or with a token of a " +
      "configured issuer, or a client certificate",
  );
}
