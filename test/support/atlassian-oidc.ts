import { generateKeyPairSync } from "node:crypto";
import { createServer, IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** An authorization server with Atlassian's paths, encodings and statuses around a certified OpenID provider. */
export interface AtlassianOidc {
  /** Serves as the auth host and as the API host. */
  readonly url: string;
  /** What accessible-resources answers. */
  sites: unknown;
  /** What `/me` answers to a live token. */
  me: { readonly status: number; readonly body: unknown };
  /** Requests nobody answers here; a test that ends with some has found a wrong client. */
  readonly strange: readonly string[];
  close(): Promise<void>;
}

export interface AtlassianOidcClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

export const personId = "712020:ann";

/**
 * PKCE is required, codes and refresh tokens are single use, and a refresh token used twice ends its whole family:
 * Atlassian's rules without the ten minutes of leeway. The person signs in and consents at once.
 */
export async function startAtlassianOidc(client: AtlassianOidcClient): Promise<AtlassianOidc> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, configuration(client));
  const strange: string[] = [];
  let lastUse: Promise<void> = Promise.resolve();
  const atlassian = {
    url,
    sites: [] as unknown,
    me: { status: 200, body: { account_id: personId, name: "Ann" } as unknown },
    strange,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  provider.use(async (context, next) => {
    await next();
    if (context.status === 400 && context.body?.error === "invalid_grant") context.status = 403;
  });
  const oidc = provider.callback();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", url);
    if (pathname.startsWith("/interaction/")) return consent(request, response);
    if (pathname === "/oauth/token/accessible-resources") return api(request, response, 200, atlassian.sites);
    if (pathname === "/me") return api(request, response, atlassian.me.status, atlassian.me.body);
    if (pathname === "/oauth/token") {
      // A real server decides about one use of a token at a time; the provider's store in memory does not.
      lastUse = lastUse.then(async () => oidc(await formOf(request), response));
      return lastUse;
    }
    if (/^\/(authorize|oauth\/revoke)(\/|$)/.test(pathname)) return oidc(request, response);
    strange.push(`${request.method} ${pathname}`);
    json(response, 501, {});
  }

  async function consent(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params } = await provider.interactionDetails(request, response);
    const grant = new provider.Grant({ accountId: personId, clientId: client.clientId });
    grant.addOIDCScope(params.scope);
    const result = { login: { accountId: personId }, consent: { grantId: await grant.save() } };
    await provider.interactionFinished(request, response, result);
  }

  async function api(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): Promise<void> {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const alive = token !== undefined && (await provider.AccessToken.find(token)) !== undefined;
    json(response, alive ? status : 401, alive ? body : { message: "Unauthorized" });
  }

  return atlassian;
}

/** The same request as a form: Atlassian documents JSON, the provider reads forms. */
async function formOf(request: IncomingMessage): Promise<IncomingMessage> {
  const body = new URLSearchParams(JSON.parse(await text(request))).toString();
  const form = new IncomingMessage(request.socket);
  form.method = request.method ?? "";
  form.url = request.url ?? "";
  form.headers = {
    ...request.headers,
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(Buffer.byteLength(body)),
  };
  form.complete = true;
  form.push(body);
  form.push(null);
  return form;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function configuration(client: AtlassianOidcClient): unknown {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    adapter: createMemoryAdapter(),
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        redirect_uris: [client.redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "client_secret_post",
      },
    ],
    scopes: [...client.scopes, "offline_access"],
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 86_400,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 600,
    },
    routes: { authorization: "/authorize", token: "/oauth/token", revocation: "/oauth/revoke" },
    interactions: { url: (_: unknown, interaction: { readonly uid: string }) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true, allowedPolicy: () => true } },
    cookies: { keys: ["atlassian-oidc"] },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig" }] },
    findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
  };
}

/** The part of the provider's interface that is used here; the package brings no types. */
interface OidcProvider {
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  use(middleware: (context: OidcContext, next: () => Promise<void>) => Promise<void>): void;
  interactionDetails(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ readonly params: { readonly scope: string } }>;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: unknown): Promise<void>;
  readonly AccessToken: { find(token: string): Promise<unknown> };
  readonly Grant: new (of: {
    readonly accountId: string;
    readonly clientId: string;
  }) => { addOIDCScope(scope: string): void; save(): Promise<string> };
}

interface OidcContext {
  readonly body: { readonly error?: unknown } | undefined;
  status: number;
}

const require = createRequire(import.meta.url);
const { Provider }: { readonly Provider: new (issuer: string, configuration: unknown) => OidcProvider } =
  require("oidc-provider");
// A store for each provider; the default one is shared by all of them.
const { createMemoryAdapter }: { readonly createMemoryAdapter: () => unknown } =
  require("oidc-provider/lib/adapters/memory_adapter.js");
