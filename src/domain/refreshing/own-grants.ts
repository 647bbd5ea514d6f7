import type { Connection } from "../model/connection.ts";
import type { MintOutcome, Platform, RevokeOutcome } from "../model/platform.ts";
import { isForeign } from "../model/registration.ts";

/** What a grant of another client is answered with, unasked: it says nothing about the grant. */
export const otherRegistration = "other_registration";

/**
 * The same platform, which is sent nothing of a grant that another client was given, or another host gave: there every
 * refresh token would be refused as if it were dead. What it gives is marked as given to the configured client.
 */
export function withOwnGrants(platform: Platform): Platform {
  const { granted, inspect } = platform;
  return {
    ...platform,
    ...(granted && {
      granted: async (credential) => (isForeign(credential.registration, platform) ? undefined : granted(credential)),
    }),
    ...(inspect && {
      inspect: async (installation, credential) =>
        isForeign(credential.registration, platform)
          ? { kind: "misconfigured", code: otherRegistration }
          : inspect(installation, credential),
    }),
    async exchange(request) {
      const outcome = await platform.exchange(request);
      if (outcome.kind !== "connected") return outcome;
      return { kind: "connected", connection: marked(outcome.connection, platform) };
    },
    async mint(credential, narrowing): Promise<MintOutcome> {
      if (isForeign(credential.registration, platform)) return { kind: "misconfigured", code: otherRegistration };
      return platform.mint(credential, narrowing);
    },
    async revoke(credential): Promise<RevokeOutcome> {
      if (isForeign(credential.registration, platform)) return { kind: "failed", cause: otherRegistration };
      return platform.revoke(credential);
    },
  };
}

function marked({ installations, credentials }: Connection, { registration }: Platform): Connection {
  return { installations, credentials: credentials.map((credential) => ({ ...credential, registration })) };
}
