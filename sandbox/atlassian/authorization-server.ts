import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { interactionPolicy, Provider, type RequestContext } from "oidc-provider";
import { type GrantStore, type GrantStoreOptions, grantStore } from "./grant-store.ts";
import { type AtlassianLifetimes, type AtlassianRegistration, audience } from "./registration.ts";

/** oidc-provider, a certified authorization server, on a port of its own behind the Atlassian-shaped front. */
export interface AuthorizationServer {
  /** Passes the authorization page as this person, who agreed: gives where it sends the browser. */
  authorize(query: URLSearchParams, accountId: string): Promise<string | undefined>;
  token(form: URLSearchParams): Promise<{ readonly status: number; readonly body: unknown }>;
  revoke(form: URLSearchParams): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Whose token it is and for what, if it works now. */
  findAccessToken(
    token: string,
  ): Promise<{ readonly accountId: string; readonly scopes: readonly string[] } | undefined>;
  readonly store: GrantStore;
  close(): Promise<void>;
}

const issuer = "https://auth.atlassian.com";
const resource = `https://${audience}`;
const sessionSeconds = 60;

export async function startAuthorizationServer(
  options: GrantStoreOptions & {
    readonly registration: AtlassianRegistration;
    readonly lifetimes: AtlassianLifetimes;
  },
): Promise<AuthorizationServer> {
  const store = grantStore(options);
  const provider = new Provider(issuer, configuration(store, options.registration, options.lifetimes));
  const http = createServer(provider.callback());
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(0, "127.0.0.1", resolve);
  });
  const { port } = http.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  async function post(path: string, form: URLSearchParams) {
    const response = await fetch(url + path, { method: "POST", body: form });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
  }

  return {
    store,
    async authorize(query, accountId) {
      const session = new provider.Session();
      session.loginAccount({ accountId });
      await session.save(sessionSeconds);
      const response = await fetch(`${url}/auth?${query}`, {
        redirect: "manual",
        headers: { cookie: `_session=${session.jti}` },
      });
      await response.body?.cancel();
      return response.headers.get("location") ?? undefined;
    },
    token: (form) => post("/token", form),
    revoke: (form) => post("/token/revocation", form),
    async findAccessToken(token) {
      const found = await provider.AccessToken.find(token);
      if (found === undefined || found.isExpired) return undefined;
      return { accountId: found.accountId, scopes: (found.scope ?? "").split(" ") };
    },
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
}

function configuration(store: GrantStore, registration: AtlassianRegistration, lifetimes: AtlassianLifetimes) {
  const scope = [...registration.scopes, "offline_access"].join(" ");
  // The person was asked on the front's own page: no prompt is left to resolve here.
  const policy = interactionPolicy.base();
  policy.get("login").checks.clear();
  policy.get("consent").checks.clear();
  return {
    adapter: store.adapter,
    jwks: { keys: [signingKey()] },
    pkce: { required: () => false },
    allowOmittingSingleRegisteredRedirectUri: false,
    rotateRefreshToken: true,
    issueRefreshToken: (_context: unknown, _client: unknown, source: { readonly scopes: ReadonlySet<string> }) =>
      source.scopes.has("offline_access"),
    expiresWithSession: () => false,
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    loadExistingGrant: grantEverythingAskedFor,
    interactions: { policy },
    ttl: {
      AccessToken: lifetimes.accessSeconds,
      AuthorizationCode: lifetimes.codeSeconds,
      RefreshToken: lifetimes.refreshSeconds,
      Grant: 10 * 365 * 24 * 3600,
      Session: sessionSeconds,
      Interaction: sessionSeconds,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (
          _context: unknown,
          client: { readonly clientId: string },
          token: { readonly clientId: string },
        ) => client.clientId === token.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope, accessTokenFormat: "opaque" }),
      },
    },
  };
}

async function grantEverythingAskedFor({ oidc }: RequestContext) {
  if (oidc.session.accountId === undefined) return undefined;
  const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
  grant.addResourceScope(resource, [...oidc.requestParamScopes].join(" "));
  await grant.save();
  return grant;
}

function signingKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256" };
}
