import { addConsent, type PersonsDecision } from "../http/consent.ts";
import { startPlatformServer } from "../http/platform-server.ts";
import { type PlatformOptions, platformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import type { StandIn } from "../stand-in.ts";
import { type TokenControls, tokenEndpoint } from "../token-endpoint.ts";
import type { AccessTokenShape } from "./access-token-shape.ts";
import { atlassianApi } from "./api.ts";
import { startAuthorizationServer } from "./authorization-server.ts";
import { addAtlassianAuthorizePage } from "./authorize.ts";
import { type AtlassianPerson, type AtlassianSite, defaultSites, people } from "./people.ts";
import type { AtlassianLifetimes, AtlassianRegistration } from "./registration.ts";
import { addAtlassianToken } from "./token.ts";
import { type JiraWebhooks, jiraWebhooks } from "./webhooks.ts";

export interface AtlassianOptions extends PlatformOptions {
  readonly registration?: Partial<AtlassianRegistration>;
  /** `leewaySeconds: 0` makes every reuse of a refresh token end the grant. */
  readonly lifetimes?: Partial<AtlassianLifetimes>;
  readonly accessToken?: Partial<AccessTokenShape>;
  readonly sites?: readonly AtlassianSite[];
}

export interface AtlassianControls extends TokenControls {
  /** What the person does on consent pages. */
  setDecision(decision: PersonsDecision): void;
  /** Who is at the browser: `alice` or `bob`. */
  signIn(name: string): void;
  /** Which sites a grant reaches from now on. */
  setSites(sites: readonly AtlassianSite[]): void;
  /** Every grant ends. */
  revokeEverything(): void;
  /** The old secret stops working at once. */
  rotateClientSecret(): string;
  registerCallbacks(callbackUrls: readonly string[]): void;
}

export interface AtlassianSandbox extends StandIn {
  /** For `ATLASSIAN_API_URL`: another base, so that a client that mixes the two up is caught. */
  readonly apiUrl: string;
  readonly registration: Readonly<AtlassianRegistration>;
  readonly webhooks: JiraWebhooks;
  readonly controls: AtlassianControls;
}

const apiPath = "/api";

/** A stand-in of Atlassian's 3LO and the parts of its API that tell who connected what. */
export async function startAtlassian(options: AtlassianOptions = {}): Promise<AtlassianSandbox> {
  const world = platformWorld(options);
  const registration: AtlassianRegistration = {
    clientId: "sandbox-atlassian-client",
    clientSecret: "sandbox-atlassian-client-secret",
    callbackUrls: ["http://localhost:8010/oauth/callback/jira"],
    scopes: [
      "read:jira-work",
      "write:jira-work",
      "read:jira-user",
      "manage:jira-webhook",
      "read:me",
      "read:confluence-content.all",
      "read:confluence-space.summary",
      "read:confluence-user",
      "search:confluence",
      "write:confluence-content",
    ],
    ...options.registration,
  };
  const lifetimes: AtlassianLifetimes = {
    codeSeconds: 600,
    accessSeconds: 3600,
    refreshSeconds: 90 * 24 * 3600,
    leewaySeconds: 600,
    ...options.lifetimes,
  };
  const shape: AccessTokenShape = { format: "jwt", length: 2000, ...options.accessToken };
  const authorizationServer = await startAuthorizationServer({
    now: world.now,
    registration,
    lifetimes,
    leewaySeconds: lifetimes.leewaySeconds,
  });
  let person = personCalled("alice");
  let sites = options.sites ?? defaultSites;

  const server = await startPlatformServer(world);
  const endpoint = tokenEndpoint(server);
  const consent = addConsent(server, world);
  addAtlassianAuthorizePage({ server, consent, authorizationServer, registration, signedIn: () => person });
  addAtlassianToken({ world, server, endpoint, authorizationServer, shape });
  const webhooks = jiraWebhooks(world);
  server.routes.use(apiPath, atlassianApi({ authorizationServer, shape, sites: () => sites, webhooks }));

  const apiUrl = server.url + apiPath;
  return {
    label: "Atlassian",
    products: ["jira", "confluence"],
    environment: {
      ATLASSIAN_AUTH_URL: server.url,
      ATLASSIAN_API_URL: apiUrl,
      JIRA_CLIENT_ID: registration.clientId,
      JIRA_CLIENT_SECRET: registration.clientSecret,
      JIRA_SCOPES: registration.scopes.filter((scope) => !isConfluence(scope)).join(" "),
      CONFLUENCE_SCOPES: registration.scopes.filter(isConfluence).join(" "),
    },
    url: server.url,
    apiUrl,
    registration,
    webhooks,
    calls: server.calls,
    faults: server.faults,
    useCallbacks(callbackOf) {
      registration.callbackUrls = [callbackOf("jira")];
    },
    async close() {
      await server.close();
      await authorizationServer.close();
    },
    controls: Object.assign(endpoint.controls, {
      setDecision(decision: PersonsDecision) {
        consent.decision = decision;
      },
      signIn(name: string) {
        person = personCalled(name);
      },
      setSites(next: readonly AtlassianSite[]) {
        sites = next;
      },
      revokeEverything: () => authorizationServer.store.clear(),
      rotateClientSecret() {
        registration.clientSecret = randomText(world.random, 64);
        return registration.clientSecret;
      },
      registerCallbacks(callbackUrls: readonly string[]) {
        registration.callbackUrls = callbackUrls;
      },
    }),
  };
}

function isConfluence(scope: string): boolean {
  return scope.includes("confluence");
}

function personCalled(name: string): AtlassianPerson {
  const found = people[name];
  if (found === undefined) throw new Error(`nobody is called ${name} in the sandbox`);
  return found;
}
