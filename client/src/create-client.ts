import { createCalls } from "./calls/calls.ts";
import { createProof } from "./calls/proof.ts";
import type { Way } from "./calls/way.ts";
import { createInstallations } from "./installations/installations.ts";
import { environment, readSettings, type Settings } from "./settings.ts";
import type { ClientOptions, TokenClient } from "./token-client.ts";
import { createTokenFetch } from "./token-fetch.ts";
import { createEnvironmentTokens } from "./tokens/environment-tokens.ts";
import { createTokens, mostSelectors } from "./tokens/tokens.ts";
import { withToken } from "./with-token.ts";

/** A client that takes the way which is open where it runs. @throws TypeError for options that make no client. */
export function createClientBy(openWay: (settings: Settings) => Way, options: ClientOptions): TokenClient {
  const settings = readSettings(options, environment());
  const { credentials, fallback, log, now, timeoutMs } = settings;
  const calls = createCalls(openWay(settings), createProof(credentials), timeoutMs);
  const standIns = fallback ? createEnvironmentTokens(environment, log, mostSelectors) : undefined;
  const tokens = createTokens(calls, standIns, now);

  const client: TokenClient = {
    ...createInstallations(calls, tokens, log),
    getToken: (selector, callOptions) => tokens.get(selector, callOptions),
    reject: ({ tokenId }) => tokens.reject(tokenId),
    withToken: (selector, use, callOptions) => withToken(tokens, selector, use, callOptions),
    fetch: (selector) => createTokenFetch(client, selector),
    close: () => calls.close(),
  };
  return client;
}
