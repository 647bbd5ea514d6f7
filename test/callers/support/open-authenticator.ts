import { createTestWorld, type TestWorld } from "../../../rig/world.ts";
import { type Authenticator, createAuthenticator } from "../../../src/callers/authenticator.ts";
import type { Issuer } from "../../../src/callers/issuer-entries.ts";
import { createIssuerKeys, type IssuerKeys } from "../../../src/callers/issuer-keys.ts";
import { createPolicy } from "../../../src/callers/policy.ts";
import type { Caller } from "../../../src/domain/access/caller.ts";
import { ServiceError } from "../../../src/errors.ts";
import { parse } from "./caller-files.ts";

export interface Opened extends Authenticator {
  readonly world: TestWorld;
  /** Who this is, by an `authorization` or the names of a certificate. */
  who(authorization: string | undefined, certificateNames?: readonly string[]): Promise<Caller>;
  /** What is said to whom that is not; empty if somebody was recognized. */
  refusal(authorization: string | undefined, certificateNames?: readonly string[]): Promise<string>;
}

/** An authenticator over a caller file, its clock and the real way out. */
export function openAuthenticator(text: string, now: () => Date, timeoutMs?: number): Opened {
  const world = createTestWorld(now);
  const keys = new Map<string, IssuerKeys>();
  const keysOf = ({ name, jwksUri }: Issuer) => {
    const known = keys.get(jwksUri) ?? createIssuerKeys({ uri: jwksUri, issuer: name, world, timeoutMs });
    keys.set(jwksUri, known);
    return known;
  };
  const authenticator = createAuthenticator({ policy: createPolicy(parse(text, now())), keysOf, now });
  const who = async (authorization: string | undefined, certificateNames: readonly string[] = []) =>
    authenticator.authenticate({ authorization, certificateNames });
  return {
    ...authenticator,
    world,
    who,
    async refusal(authorization, certificateNames) {
      try {
        await who(authorization, certificateNames);
        return "";
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        const { reason, message, metadata, violations, retryAfterMs, cause } = error;
        return JSON.stringify({ reason, message, metadata, violations, retryAfterMs, cause });
      }
    },
  };
}
