import type { Consent, PersonsDecision } from "../http/consent.ts";
import type { PlatformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import type { TokenControls, TokenEndpoint } from "../token-endpoint.ts";
import { type Person, people } from "./accounts.ts";
import type { InstallationTokens } from "./installation-tokens.ts";
import type { Installation, Installations } from "./installations.ts";
import { type AppRegistration, newAppKey, type OauthAppRegistration } from "./registration.ts";
import type { UserTokens } from "./user-tokens.ts";

export interface GithubControls extends TokenControls {
  /** What the person does on consent pages. */
  setDecision(decision: PersonsDecision): void;
  /** Who is at the browser: `mona` (admin of acme and globex), `hubot` (a member), `mallory`, `newcomer`, `reader`, `docsy`, `siteowner`. */
  signIn(login: string): void;
  /** The account that is picked where no page is shown. */
  chooseAccount(login: string): void;
  /** Our app's installations, oldest first; the first one belongs to a stranger. */
  installations(): readonly Installation[];
  /** Every user token, installation token and installation of ours ends. */
  revokeEverything(): void;
  suspend(installationId: number | string): void;
  unsuspend(installationId: number | string): void;
  uninstall(installationId: number | string): void;
  /** The owner accepts other permissions. */
  grant(installationId: number | string, permissions: Readonly<Record<string, string>>): void;
  /** For so many questions the newest installation is not known yet. */
  forgetNewest(questions: number): void;
  /** The old secret stops working at once. */
  rotateClientSecret(client?: "app" | "oauth"): string;
  /** The old key stops working at once; gives the new one. */
  rotatePrivateKey(): string;
  /** Webhooks to this host are refused from now on, or no longer. */
  setUnreachable(host: string, unreachable: boolean): void;
  /** Replaces the registered callback URLs (and the Setup URL by the first). */
  registerCallbacks(callbackUrls: readonly string[], client?: "app" | "oauth"): void;
}

/** Who is at the browser, and the account they pick where no page is shown. */
export interface Browser {
  person: Person;
  account: string | undefined;
}

export interface GithubControlsDependencies {
  readonly world: PlatformWorld;
  readonly endpoint: TokenEndpoint;
  readonly consent: Consent;
  readonly browser: Browser;
  readonly app: AppRegistration;
  readonly oauthApp: OauthAppRegistration;
  readonly installations: Installations;
  readonly userTokens: UserTokens;
  readonly installationTokens: InstallationTokens;
  readonly unreachable: Set<string>;
}

export function newBrowser(): Browser {
  return { person: personCalled("mona"), account: undefined };
}

export function githubControls(dependencies: GithubControlsDependencies): GithubControls {
  const { world, endpoint, consent, browser, app, oauthApp, installations } = dependencies;

  function setSuspended(id: number | string, at: Date | undefined): void {
    const installation = installations.ours(Number(id));
    if (installation === undefined) throw new Error(`no installation ${id}`);
    installation.suspendedAt = at;
  }

  return Object.assign(endpoint.controls, {
    setDecision(decision: PersonsDecision) {
      consent.decision = decision;
    },
    signIn(login: string) {
      browser.person = personCalled(login);
    },
    chooseAccount(login: string) {
      browser.account = login;
    },
    installations: () => installations.allOurs(),
    revokeEverything() {
      dependencies.userTokens.endAll();
      dependencies.installationTokens.revokeAll();
      for (const { id } of installations.allOurs()) installations.remove(id);
    },
    suspend: (id: number | string) => setSuspended(id, world.now()),
    unsuspend: (id: number | string) => setSuspended(id, undefined),
    grant(id: number | string, permissions: Readonly<Record<string, string>>) {
      const installation = installations.ours(Number(id));
      if (installation === undefined) throw new Error(`no installation ${id}`);
      installation.permissions = permissions;
    },
    forgetNewest: (questions: number) => installations.forgetNewest(questions),
    uninstall(id: number | string) {
      if (!installations.remove(Number(id))) throw new Error(`no installation ${id}`);
    },
    rotateClientSecret(client: "app" | "oauth" = "app") {
      const registration = client === "app" ? app : oauthApp;
      registration.clientSecret = randomText(world.random, 40);
      return registration.clientSecret;
    },
    rotatePrivateKey() {
      const fresh = newAppKey();
      app.publicKey = fresh.publicKey;
      return fresh.privateKeyPem;
    },
    setUnreachable(host: string, unreachable: boolean) {
      if (unreachable) dependencies.unreachable.add(host);
      else dependencies.unreachable.delete(host);
    },
    registerCallbacks(callbackUrls: readonly string[], client: "app" | "oauth" = "app") {
      if (client === "oauth") {
        oauthApp.callbackUrls = callbackUrls;
        return;
      }
      app.callbackUrls = callbackUrls;
      app.setupUrl = callbackUrls[0] ?? app.setupUrl;
    },
  });
}

function personCalled(login: string): Person {
  const found = people.find((one) => one.login === login);
  if (found === undefined) throw new Error(`nobody is called ${login} in the sandbox`);
  return found;
}
