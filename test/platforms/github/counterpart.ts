import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { jwtVerify } from "jose";
import { type Document, OpenAPIBackend } from "openapi-backend";

/** An answer of the counterpart: a JSON body, or text where it is a string. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
}

interface PendingCode {
  readonly redirectUri: string | undefined;
  readonly challenge: string | undefined;
}

export interface CounterpartInstallation {
  readonly id: number;
  readonly app_id: number;
  readonly [field: string]: unknown;
}

const document: Document = JSON.parse(
  readFileSync(new URL("../../fixtures/github/openapi.json", import.meta.url), "utf8"),
);

// Generating one takes a while; every test's app may have the same.
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

/**
 * GitHub as platforms.md describes it: codes and refresh tokens work once, a refresh ends the old pair, app JWTs are
 * verified against its own clock. Every REST request is checked against GitHub's OpenAPI description; whatever it does
 * not know or does not allow is kept in `complaints`.
 */
export class GithubCounterpart {
  readonly appId = 4242;
  /** As Enterprise Server before 3.14. */
  onlyAppId = false;
  readonly clientId = "Iv23liCounterpart";
  readonly clientSecret = "c".repeat(40);
  readonly keys = keys;
  readonly user = { id: 583231, login: "octocat", type: "User" };

  readonly complaints: string[] = [];
  readonly requests: SeenRequest[] = [];
  readonly userTokens = new Map<string, { readonly scopes: string; readonly refreshToken: string | undefined }>();
  readonly installations: CounterpartInstallation[] = [];
  readonly reachable: CounterpartInstallation[] = [];
  /** What the person reaches of an installation's repositories, and whether as an administrator. */
  readonly reachableRepositories: boolean[] = [];
  /** What else a repository says of itself. */
  repositoryDetails = "";
  /** How many repositories every installation has. */
  repositoryCount = 0;
  /** The person's part in an organization, by its login; without the app's permission nobody is told. */
  readonly memberships = new Map<string, { readonly state: string; readonly role: string; readonly id: number }>();
  membersReadable = true;
  readonly installationTokens = new Set<string>();
  clock: () => Date = () => new Date();
  /** Whether user tokens expire. */
  expiring = true;
  grantedScopes = "repo,read:org";
  totalCount: number | undefined;

  readonly #codes = new Map<string, PendingCode>();
  readonly #overrides = new Map<string, Answer[]>();
  readonly #server: Server;
  readonly #openapi = new OpenAPIBackend({ definition: document, quick: true });
  readonly #verifyKey = createPublicKey(this.keys.privateKey.export({ type: "pkcs8", format: "pem" }));

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#handle(request).then(({ status, body, headers }) => {
        response.sendDate = false;
        const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
        response.writeHead(status, {
          "content-type": "application/json",
          date: this.clock().toUTCString(),
          ...headers,
        });
        response.end(text);
      });
    });
  }

  async start(): Promise<void> {
    await this.#openapi.init();
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What the platform modules are configured with. */
  get site() {
    return { webUrl: this.url, apiUrl: this.url, clientId: this.clientId, fetch, now: () => new Date() };
  }

  /** A code as the authorization page would hand it out. */
  issueCode(pending: { redirectUri?: string; challenge?: string } = {}): string {
    const code = randomBytes(10).toString("hex");
    this.#codes.set(code, { redirectUri: pending.redirectUri, challenge: pending.challenge });
    return code;
  }

  /** Answers the next request of this method and path with something else; later ones are queued behind it. */
  answerNext(route: string, ...answers: Answer[]): void {
    this.#overrides.set(route, [...(this.#overrides.get(route) ?? []), ...answers]);
  }

  installation(id: number, overrides: Readonly<Record<string, unknown>> = {}): CounterpartInstallation {
    return {
      id,
      app_id: this.appId,
      app_slug: "counterpart",
      target_id: 9_000 + id,
      target_type: "Organization",
      account: { login: `org-${id}`, id: 9_000 + id, type: "Organization" },
      repository_selection: "selected",
      permissions: { contents: "read", metadata: "read" },
      events: [],
      suspended_at: null,
      suspended_by: null,
      ...overrides,
    };
  }

  async #handle(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? "/", "http://counterpart");
    const method = request.method ?? "GET";
    const text = await bodyOf(request);
    const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
    const body = text === "" ? {} : isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
    this.requests.push({ method, path: url.pathname + url.search, headers: request.headers, body });
    this.#checkShape(method, url, request.headers, text, isForm);
    const override = this.#overrides.get(`${method} ${url.pathname}`)?.shift();
    if (override !== undefined) return override;
    return this.#route(method, url, request, body);
  }

  #checkShape(method: string, url: URL, headers: IncomingMessage["headers"], text: string, isForm: boolean): void {
    if (url.pathname.startsWith("/login/oauth/")) {
      if (headers.accept !== "application/json") this.complaints.push(`${url.pathname} without Accept`);
      return;
    }
    const where = `${method} ${url.pathname}`;
    const parsed = {
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: headers as Record<string, string | string[]>,
      ...(text === "" || isForm ? {} : { body: JSON.parse(text) }),
    };
    const operation = this.#openapi.router.matchOperation(parsed);
    if (operation === undefined) {
      this.complaints.push(`no such operation: ${where}`);
      return;
    }
    const { errors } = this.#openapi.validateRequest(parsed, operation);
    for (const error of errors ?? []) this.complaints.push(`${where}: ${error.instancePath} ${error.message}`);
    const content = (operation.requestBody as { content?: Record<string, { schema?: { properties?: object } }> })
      ?.content;
    const known = Object.keys(content?.["application/json"]?.schema?.properties ?? {});
    for (const field of Object.keys(parsed.body ?? {})) {
      if (!known.includes(field)) this.complaints.push(`${where}: unknown field ${field}`);
    }
    if (!headers["user-agent"]) this.complaints.push(`${where}: no User-Agent`);
    if (headers.accept !== "application/vnd.github+json") this.complaints.push(`${where}: Accept ${headers.accept}`);
    if (!headers["x-github-api-version"]) this.complaints.push(`${where}: no API version`);
  }

  async #route(
    method: string,
    url: URL,
    request: IncomingMessage,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Answer> {
    const route = `${method} ${url.pathname}`;
    const authorization = request.headers.authorization ?? "";
    if (route === "POST /login/oauth/access_token") return this.#token(body);
    if (route === "GET /user") return this.#asUser(authorization, (scopes) => this.#whoami(scopes));
    if (route === "GET /user/installations") return this.#asUser(authorization, () => this.#page(url));
    if (/^\/user\/installations\/\d+\/repositories$/.test(url.pathname)) {
      return this.#asUser(authorization, () => this.#repositories(url));
    }
    const organization = /^\/user\/memberships\/orgs\/([^/]+)$/.exec(url.pathname)?.[1];
    if (organization !== undefined) return this.#asUser(authorization, () => this.#membership(organization));
    if (url.pathname === "/installation/repositories" || url.pathname === "/installation/token") {
      return this.#asInstallation(method, authorization.replace(/^Bearer /, ""));
    }
    if (url.pathname === `/applications/${this.clientId}/token`) return this.#application(method, authorization, body);
    const installation = /^\/app\/installations\/(\d+)(\/access_tokens)?$/.exec(url.pathname);
    if (url.pathname === "/app" || installation !== null) {
      const refusal = await this.#verifyApp(authorization);
      if (refusal !== undefined) return refusal;
      if (route === "GET /app") return { status: 200, body: { id: this.appId, slug: "counterpart" } };
      if (installation !== null) return this.#installation(method, Number(installation[1]), installation[2], body);
    }
    this.complaints.push(`unknown route: ${route}`);
    return { status: 501, body: { message: `unknown route ${route}` } };
  }

  #token(body: Readonly<Record<string, unknown>>): Answer {
    if (body.client_id !== this.clientId) return { status: 404, body: { error: "Not Found" } };
    if (body.client_secret !== this.clientSecret) return tokenError("incorrect_client_credentials");
    if (body.grant_type === "refresh_token") {
      const old = [...this.userTokens].find(([, entry]) => entry.refreshToken === body.refresh_token);
      if (old === undefined) return tokenError("bad_refresh_token");
      this.userTokens.delete(old[0]);
      return this.#issue();
    }
    const pending = this.#codes.get(String(body.code));
    if (pending === undefined) return tokenError("bad_verification_code");
    if (pending.redirectUri !== undefined && pending.redirectUri !== body.redirect_uri) {
      return tokenError("redirect_uri_mismatch");
    }
    const challenge = createHash("sha256").update(String(body.code_verifier)).digest("base64url");
    if (pending.challenge !== undefined && challenge !== pending.challenge) return tokenError("bad_verification_code");
    this.#codes.delete(String(body.code));
    return this.#issue();
  }

  #issue(): Answer {
    const token = `gho_${randomBytes(18).toString("hex")}`;
    const refreshToken = this.expiring ? `ghr_${randomBytes(30).toString("hex")}` : undefined;
    this.userTokens.set(token, { scopes: this.grantedScopes, refreshToken });
    const lasting = { access_token: token, scope: this.grantedScopes, token_type: "bearer" };
    const expiry = { expires_in: 28800, refresh_token: refreshToken, refresh_token_expires_in: 15897600 };
    return { status: 200, body: this.expiring ? { ...lasting, ...expiry } : lasting };
  }

  #asUser(authorization: string, answer: (scopes: string) => Answer): Answer {
    const entry = this.userTokens.get(authorization.replace(/^Bearer /, ""));
    return entry === undefined ? { status: 401, body: { message: "Bad credentials" } } : answer(entry.scopes);
  }

  #whoami(scopes: string): Answer {
    return { status: 200, body: this.user, headers: { "x-oauth-scopes": scopes.replaceAll(",", ", ") } };
  }

  #page(url: URL): Answer {
    const size = Number(url.searchParams.get("per_page") ?? 30);
    const start = (Number(url.searchParams.get("page") ?? 1) - 1) * size;
    const installations = this.reachable.slice(start, start + size);
    return { status: 200, body: { total_count: this.totalCount ?? this.reachable.length, installations } };
  }

  #repositories(url: URL): Answer {
    const size = Number(url.searchParams.get("per_page") ?? 30);
    const start = (Number(url.searchParams.get("page") ?? 1) - 1) * size;
    const repositories = this.reachableRepositories.slice(start, start + size).map((admin, index) => ({
      ...{ id: start + index, permissions: { admin, push: admin, pull: true } },
      description: this.repositoryDetails,
    }));
    return { status: 200, body: { total_count: this.reachableRepositories.length, repositories } };
  }

  #membership(login: string): Answer {
    if (!this.membersReadable) return { status: 403, body: { message: "Resource not accessible by integration" } };
    const found = this.memberships.get(login);
    if (found === undefined) return { status: 404, body: { message: "Not Found" } };
    const { state, role, id } = found;
    return { status: 200, body: { state, role, organization: { login, id } } };
  }

  #asInstallation(method: string, token: string): Answer {
    if (!this.installationTokens.has(token)) return { status: 401, body: { message: "Bad credentials" } };
    if (method === "DELETE") {
      this.installationTokens.delete(token);
      return { status: 204 };
    }
    return { status: 200, body: { total_count: this.repositoryCount, repositories: [] } };
  }

  #application(method: string, authorization: string, body: Readonly<Record<string, unknown>>): Answer {
    const basic = `Basic ${Buffer.from(`${this.clientId}:${this.clientSecret}`).toString("base64")}`;
    if (authorization !== basic) return { status: 401, body: { message: "Bad credentials" } };
    const token = String(body.access_token);
    const entry = this.userTokens.get(token);
    if (method === "DELETE") {
      return this.userTokens.delete(token) ? { status: 204 } : { status: 422, body: { message: "Validation Failed" } };
    }
    if (entry === undefined) return { status: 404, body: { message: "Not Found" } };
    return { status: 200, body: { id: 1, token, scopes: entry.scopes.split(","), app: { client_id: this.clientId } } };
  }

  async #verifyApp(authorization: string): Promise<Answer | undefined> {
    const now = this.clock();
    const jwt = authorization.replace(/^Bearer /, "");
    const verified = await jwtVerify(jwt, this.#verifyKey, { algorithms: ["RS256"], currentDate: new Date(0) }).catch(
      () => undefined,
    );
    if (verified === undefined) return { status: 401, body: { message: "A JSON web token could not be decoded" } };
    const { iat = 0.5, exp = 0.5, iss } = verified.payload;
    const seconds = now.getTime() / 1000;
    if (exp > seconds + 600) {
      return { status: 401, body: { message: "'Expiration time' claim ('exp') is too far in the future" } };
    }
    if (!Number.isInteger(iat) || !Number.isInteger(exp) || iat > seconds) {
      const message =
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
      return { status: 401, body: { message } };
    }
    if (exp <= seconds) {
      const message =
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
      return { status: 401, body: { message } };
    }
    if (this.onlyAppId) {
      const message = "'Issuer' claim ('iss') must be an Integer";
      return iss === String(this.appId) ? undefined : { status: 401, body: { message } };
    }
    return iss === this.clientId ? undefined : { status: 404, body: { message: "Integration not found" } };
  }

  #installation(
    method: string,
    id: number,
    suffix: string | undefined,
    body: Readonly<Record<string, unknown>>,
  ): Answer {
    const index = this.installations.findIndex((installation) => installation.id === id);
    const found = this.installations[index];
    if (found === undefined) return { status: 404, body: { message: "Not Found" } };
    if (suffix !== undefined) return this.#mint(found, body);
    if (method === "GET") return { status: 200, body: found };
    this.installations.splice(index, 1);
    return { status: 204 };
  }

  #mint(installation: CounterpartInstallation, body: Readonly<Record<string, unknown>>): Answer {
    if (installation.suspended_at) return { status: 403, body: { message: "This installation has been suspended" } };
    const ids = body.repository_ids as number[] | undefined;
    const token = `ghs_${this.appId}_${randomBytes(200).toString("base64url")}.x.${randomBytes(150).toString("base64url")}`;
    this.installationTokens.add(token);
    return {
      status: 201,
      body: {
        token,
        expires_at: new Date(this.clock().getTime() + 3_600_000).toISOString(),
        permissions: body.permissions ?? installation.permissions,
        repository_selection: installation.repository_selection,
        ...(ids === undefined
          ? {}
          : { repositories: ids.map((repository) => ({ id: repository, name: `r${repository}` })) }),
      },
    };
  }
}

function tokenError(error: string): Answer {
  return { status: 200, body: { error, error_description: "in words", error_uri: "https://docs.github.com" } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
