import type { RequestHandler } from "express";
import { addConsent } from "../http/consent.ts";
import { startPlatformServer } from "../http/platform-server.ts";
import { type PlatformOptions, platformWorld } from "../options.ts";
import { singleUseCodes } from "../single-use-codes.ts";
import type { StandIn } from "../stand-in.ts";
import { tokenEndpoint } from "../token-endpoint.ts";
import { addAccessToken } from "./access-token.ts";
import { appApi } from "./app-api.ts";
import { applicationsApi } from "./applications-api.ts";
import { addAuthorizePage, type CodeGrant } from "./authorize.ts";
import { type GithubControls, githubControls, newBrowser } from "./controls.ts";
import { githubEnvironment } from "./environment.ts";
import { hookConfigApi } from "./hook-config.ts";
import { addInstallPage } from "./install-page.ts";
import { installationApi } from "./installation-api.ts";
import { type InstallationTokenFormat, installationTokens } from "./installation-tokens.ts";
import { installations } from "./installations.ts";
import { type AppRegistration, newAppKey, newAppWebhook, type OauthAppRegistration } from "./registration.ts";
import { userApi } from "./user-api.ts";
import { userTokens } from "./user-tokens.ts";

export interface GithubOptions extends PlatformOptions {
  readonly app?: Partial<Omit<AppRegistration, "publicKey" | "webhook">>;
  readonly oauthApp?: Partial<OauthAppRegistration>;
  readonly lifetimes?: Partial<GithubLifetimes>;
  /** How many installations of other apps a person sees before ours: more than 100 make a second page. */
  readonly otherInstallations?: number;
  readonly installationTokenFormat?: InstallationTokenFormat;
  /** `/apps`, or `/github-apps` as on Enterprise Server. */
  readonly installPath?: string;
  /** The `iss` of callbacks (RFC 9207); null: none. */
  readonly issuer?: string | null;
}

export interface GithubLifetimes {
  readonly codeSeconds: number;
  readonly userTokenSeconds: number;
  readonly refreshTokenSeconds: number;
  readonly installationTokenSeconds: number;
}

export interface GithubSandbox extends StandIn {
  /** For `GITHUB_API_URL`; a path, as on Enterprise Server. */
  readonly apiUrl: string;
  /** PKCS#1, as GitHub hands it out. */
  readonly privateKeyPem: string;
  readonly app: Readonly<AppRegistration>;
  readonly oauthApp: Readonly<OauthAppRegistration>;
  readonly controls: GithubControls;
}

const apiPath = "/api/v3";

/** A stateful stand-in of GitHub: a GitHub App and a classic OAuth App, with GitHub's refusals. */
export async function startGithub(options: GithubOptions = {}): Promise<GithubSandbox> {
  const world = platformWorld(options);
  const { publicKey, privateKeyPem } = newAppKey();
  const callbackUrl = "http://localhost:8010/oauth/callback/github";
  const app: AppRegistration = {
    appId: 424242,
    slug: "oauth-token-service",
    clientId: "Iv23sandboxGithubApp",
    clientSecret: "sandbox-github-client-secret",
    callbackUrls: [callbackUrl],
    setupUrl: options.app?.callbackUrls?.[0] ?? callbackUrl,
    userAuthorizationDuringInstallation: true,
    expiringUserTokens: true,
    permissions: { metadata: "read", contents: "write", issues: "write", pull_requests: "write" },
    ...options.app,
    publicKey,
    webhook: newAppWebhook(),
  };
  const oauthApp: OauthAppRegistration = {
    clientId: "Ov23sandboxOauthApp",
    clientSecret: "sandbox-github-oauth-client-secret",
    callbackUrls: ["http://localhost:8010/oauth/callback/github-oauth"],
    expiringTokens: false,
    ...options.oauthApp,
  };
  const lifetimes: GithubLifetimes = {
    codeSeconds: 600,
    userTokenSeconds: 28_800,
    refreshTokenSeconds: 15_897_600,
    installationTokenSeconds: 3600,
    ...options.lifetimes,
  };

  const known = installations(world, app, options.otherInstallations ?? 3);
  const userTokenStore = userTokens(world, lifetimes);
  const installationTokenStore = installationTokens(world, known, {
    lifetimeSeconds: lifetimes.installationTokenSeconds,
    format: options.installationTokenFormat ?? "stateless",
  });
  const codes = singleUseCodes<CodeGrant>(world, lifetimes.codeSeconds);
  const browser = newBrowser();
  const unreachable = new Set<string>();

  const server = await startPlatformServer(world);
  const apiUrl = server.url + apiPath;
  const endpoint = tokenEndpoint(server);
  const consent = addConsent(server, world);
  const pages = {
    server,
    consent,
    codes,
    app,
    oauthApp,
    signedIn: () => browser.person,
    issuer: options.issuer === undefined ? "https://github.com/login/oauth" : (options.issuer ?? undefined),
  };
  addInstallPage({
    ...pages,
    installations: known,
    installPath: options.installPath ?? "/apps",
    preferredAccount: () => browser.account,
  });
  addAuthorizePage(pages);
  addAccessToken({ server, endpoint, codes, tokens: userTokenStore, app, oauthApp });
  server.routes.use(apiPath, refuseUnfitHeaders);
  server.routes.use(
    apiPath,
    appApi({ world, app, installations: known, tokens: installationTokenStore, endpoint, apiUrl }),
    hookConfigApi({ world, app, refuses: (url) => unreachable.has(new URL(url).hostname) }),
    installationApi(installationTokenStore),
    userApi({ tokens: userTokenStore, installationTokens: installationTokenStore, installations: known, apiUrl }),
    applicationsApi({ app, oauthApp, tokens: userTokenStore }),
  );

  const controls = githubControls({
    world,
    endpoint,
    consent,
    browser,
    app,
    oauthApp,
    installations: known,
    userTokens: userTokenStore,
    installationTokens: installationTokenStore,
    unreachable,
  });
  return {
    label: "GitHub",
    products: ["github", "github-oauth"],
    environment: githubEnvironment({ url: server.url, apiUrl, privateKeyPem, app, oauthApp }),
    url: server.url,
    apiUrl,
    privateKeyPem,
    app,
    oauthApp,
    calls: server.calls,
    faults: server.faults,
    controls,
    useCallbacks(callbackOf) {
      controls.registerCallbacks([callbackOf("github")]);
      controls.registerCallbacks([callbackOf("github-oauth")], "oauth");
    },
    close: () => server.close(),
  };
}

const apiVersions = new Set(["2022-11-28", "2026-03-10"]);

/** GitHub's API wants a User-Agent, and knows only some versions of itself. */
const refuseUnfitHeaders: RequestHandler = (request, response, next) => {
  const version = request.get("x-github-api-version");
  if (request.get("user-agent") === undefined) {
    response.status(403).json({ message: "Request forbidden: no User-Agent header" });
  } else if (version !== undefined && !apiVersions.has(version)) {
    response.status(400).json({ message: `Version ${version} is not a supported version` });
  } else next();
};
