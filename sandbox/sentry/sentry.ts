import { addConsent, type PersonsDecision } from "../http/consent.ts";
import { startPlatformServer } from "../http/platform-server.ts";
import { type PlatformOptions, platformWorld } from "../options.ts";
import type { StandIn } from "../stand-in.ts";
import { type TokenControls, tokenEndpoint } from "../token-endpoint.ts";
import { addSentryApi } from "./api.ts";
import { addSentryAuthorizations } from "./authorizations.ts";
import { addSentryInstallPage, sentryRedirect } from "./install-page.ts";
import { organizations, type SentryInstallation, type SentryLifetimes, sentryInstallations } from "./installations.ts";
import type { SentryRegistration } from "./registration.ts";

export interface SentryOptions extends PlatformOptions {
  readonly registration?: Partial<SentryRegistration>;
  readonly lifetimes?: Partial<SentryLifetimes>;
}

export interface SentryControls extends TokenControls {
  /** What the person does on the install page. */
  setDecision(decision: PersonsDecision): void;
  /** The organization that is picked where no page is shown: `acme` or `globex`. */
  chooseOrganization(slug: string): void;
  /** Installs from Sentry's directory: the address that the browser is sent to, without a state. */
  installFromDirectory(slug: string): string;
  uninstall(slug: string): void;
  uninstallEverywhere(): void;
  /** The old secret stops working at once. */
  rotateClientSecret(): string;
  /** How many token sets were obtained by the app's own word. */
  jwtRefreshes(): number;
  /** `pending` or `installed`; undefined: not there. */
  statusIn(slug: string): SentryInstallation["status"] | undefined;
}

export interface SentrySandbox extends StandIn {
  /** May be changed while it runs. */
  readonly registration: SentryRegistration;
  readonly controls: SentryControls;
}

/** A stateful stand-in of a Sentry server with one public integration. */
export async function startSentry(options: SentryOptions = {}): Promise<SentrySandbox> {
  const world = platformWorld(options);
  const registration: SentryRegistration = {
    slug: "oauth-token-service",
    clientId: "sandbox-sentry-client-id",
    clientSecret: "sandbox-sentry-client-secret",
    redirectUrl: "http://localhost:8010/oauth/callback/sentry",
    scopes: ["event:read", "org:integrations", "org:read"],
    verifyInstall: true,
    manualRefresh: true,
    server: "current",
    ...options.registration,
  };
  const installations = sentryInstallations(world, { accessSeconds: 28_800, codeSeconds: 600, ...options.lifetimes });
  const browser = { organization: find("acme") };
  const counts = { jwtRefreshes: 0 };

  const server = await startPlatformServer(world);
  const endpoint = tokenEndpoint(server);
  const consent = addConsent(server, world);
  addSentryInstallPage({ server, consent, installations, registration, preferred: () => browser.organization });
  const countJwt = () => void counts.jwtRefreshes++;
  addSentryAuthorizations({ world, server, endpoint, installations, registration, countJwt });
  addSentryApi({ server, installations, registration });

  function uninstall(slug: string): void {
    const installation = installations.findBy(find(slug));
    if (installation !== undefined) installations.uninstall(installation);
  }

  return {
    label: "Sentry",
    products: ["sentry"],
    environment: {
      SENTRY_URL: server.url,
      SENTRY_INTEGRATION_SLUG: registration.slug,
      SENTRY_CLIENT_ID: registration.clientId,
      SENTRY_CLIENT_SECRET: registration.clientSecret,
    },
    url: server.url,
    registration,
    calls: server.calls,
    faults: server.faults,
    useCallbacks(callbackOf) {
      registration.redirectUrl = callbackOf("sentry");
    },
    close: () => server.close(),
    controls: Object.assign(endpoint.controls, {
      setDecision(decision: PersonsDecision) {
        consent.decision = decision;
      },
      chooseOrganization(slug: string) {
        browser.organization = find(slug);
      },
      installFromDirectory(slug: string) {
        const installation = installations.install(find(slug), registration.verifyInstall ? "pending" : "installed");
        const address = installation && sentryRedirect(registration, installation, null);
        if (address === undefined) throw new Error(`${slug} has it already, or browsers are sent nowhere`);
        return address;
      },
      uninstall,
      uninstallEverywhere() {
        for (const { slug } of organizations) uninstall(slug);
      },
      rotateClientSecret() {
        registration.clientSecret = world.random(32).toString("hex");
        return registration.clientSecret;
      },
      jwtRefreshes: () => counts.jwtRefreshes,
      statusIn: (slug: string) => installations.findBy(find(slug))?.status,
    }),
  };
}

function find(slug: string) {
  const found = organizations.find((one) => one.slug === slug);
  if (found === undefined) throw new Error(`nothing is called ${slug} in the sandbox`);
  return found;
}
