import { addConsent, type PersonsDecision } from "../http/consent.ts";
import { startPlatformServer } from "../http/platform-server.ts";
import { type PlatformOptions, platformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import { singleUseCodes } from "../single-use-codes.ts";
import type { StandIn } from "../stand-in.ts";
import { type TokenControls, tokenEndpoint } from "../token-endpoint.ts";
import { addSlackAccess } from "./access.ts";
import { addSlackAuthorizePage, type SlackCodeGrant } from "./authorize.ts";
import { addSlackMethods } from "./methods.ts";
import { enterprise, people, teams } from "./places.ts";
import type { SlackRegistration } from "./registration.ts";
import { type SlackLifetimes, slackTokens } from "./tokens.ts";

export interface SlackOptions extends PlatformOptions {
  readonly registration?: Partial<SlackRegistration>;
  readonly lifetimes?: Partial<SlackLifetimes & { readonly codeSeconds: number }>;
  /** `workspace`: no Enterprise Grid. `grid`: a workspace of an organization. `org`: the whole organization. */
  readonly installedOn?: "workspace" | "grid" | "org";
}

export interface SlackControls extends TokenControls {
  /** What the person does on consent pages. */
  setDecision(decision: PersonsDecision): void;
  /** Who is at the browser: `U0ALICE01` or `W0BOB0001`. */
  signIn(userId: string): void;
  /** The workspace that is picked where no page is shown: `T0ACME001` or `T0GLOBEX1`. */
  chooseTeam(teamId: string): void;
  /** Every access and refresh token ends. */
  revokeEverything(): void;
  /** Removes the app from a team or organization: its tokens end with `account_inactive`. */
  uninstall(siteId: string): void;
  /** The old secret stops working at once. */
  rotateClientSecret(): string;
  registerCallbacks(redirectUrls: readonly string[]): void;
}

export interface SlackSandbox extends StandIn {
  readonly registration: Readonly<SlackRegistration>;
  readonly controls: SlackControls;
}

/** A stateful stand-in of Slack's OAuth v2, with and without token rotation. */
export async function startSlack(options: SlackOptions = {}): Promise<SlackSandbox> {
  const world = platformWorld(options);
  const registration: SlackRegistration = {
    appId: "A0SANDBOX",
    clientId: "1111111111.2222222222",
    clientSecret: "sandbox-slack-client-secret",
    signingSecret: "sandbox-slack-signing-secret",
    redirectUrls: ["http://localhost:8010/oauth/callback/slack"],
    rotation: true,
    ...options.registration,
  };
  const lifetimes = { accessSeconds: 43_200, graceSeconds: 60, codeSeconds: 600, ...options.lifetimes };
  const tokens = slackTokens(world, registration.rotation, lifetimes);
  const codes = singleUseCodes<SlackCodeGrant>(world, lifetimes.codeSeconds);
  const installedOn = options.installedOn ?? "workspace";
  const browser = { person: find(people, "U0ALICE01"), team: find(teams, "T0ACME001") };

  const server = await startPlatformServer(world);
  const endpoint = tokenEndpoint(server);
  const consent = addConsent(server, world);
  addSlackAuthorizePage({
    server,
    consent,
    codes,
    registration,
    signedIn: () => browser.person,
    preferredTeam: () => browser.team,
    siteOf: (team) => ({
      team: installedOn === "org" ? undefined : team,
      enterprise: installedOn === "workspace" ? undefined : enterprise,
    }),
  });
  addSlackAccess({ world, server, endpoint, codes, tokens, registration });
  addSlackMethods({ world, server, tokens, registration });

  return {
    label: "Slack",
    products: ["slack"],
    environment: {
      SLACK_URL: server.url,
      SLACK_CLIENT_ID: registration.clientId,
      SLACK_CLIENT_SECRET: registration.clientSecret,
      SLACK_SIGNING_SECRET: registration.signingSecret,
      SLACK_SCOPES: "channels:read,chat:write,users:read",
      SLACK_USER_SCOPES: "search:read",
    },
    url: server.url,
    registration,
    calls: server.calls,
    faults: server.faults,
    useCallbacks(callbackOf) {
      registration.redirectUrls = [callbackOf("slack")];
    },
    close: () => server.close(),
    controls: Object.assign(endpoint.controls, {
      setDecision(decision: PersonsDecision) {
        consent.decision = decision;
      },
      signIn(userId: string) {
        browser.person = find(people, userId);
      },
      chooseTeam(teamId: string) {
        browser.team = find(teams, teamId);
      },
      revokeEverything: () => tokens.revokeAll(),
      uninstall: (id: string) => tokens.uninstall(id),
      rotateClientSecret() {
        registration.clientSecret = randomText(world.random, 32);
        return registration.clientSecret;
      },
      registerCallbacks(redirectUrls: readonly string[]) {
        registration.redirectUrls = redirectUrls;
      },
    }),
  };
}

function find<T extends { readonly id: string }>(all: readonly T[], id: string): T {
  const found = all.find((one) => one.id === id);
  if (found === undefined) throw new Error(`nothing is called ${id} in the sandbox`);
  return found;
}
