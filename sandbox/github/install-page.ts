import type { Response } from "express";
import { type Next, sendPage } from "../http/consent.ts";
import { type Choice, messagePage } from "../http/pages.ts";
import { type Account, accounts, type Person } from "./accounts.ts";
import { type AuthorizeDependencies, withQuery } from "./authorize.ts";
import type { Installations } from "./installations.ts";

export interface InstallDependencies extends AuthorizeDependencies {
  readonly installations: Installations;
  /** `/apps`, or `/github-apps` as on Enterprise Server. */
  readonly installPath: string;
  /** The account that is picked where the person does not see the page; undefined: their first. */
  readonly preferredAccount: () => string | undefined;
}

/**
 * `GET {installPath}/{slug}/installations/new`: installs, asks an owner to install, or finds the app installed
 * already; then sends the browser to the callback or Setup URL, as registered. Declining leads nowhere.
 */
export function addInstallPage(dependencies: InstallDependencies): void {
  const { server, consent, app, signedIn, installPath, preferredAccount } = dependencies;

  server.routes.get(`${installPath}/:slug/installations/new`, async (request, response: Response) => {
    if (request.params.slug !== app.slug) {
      server.recordFault(request, "unknown app slug");
      return sendPage(response, 404, messagePage("Not found", "No app has this name."));
    }
    const query = new URL(request.originalUrl, server.url).searchParams;
    for (const name of ["redirect_uri", "client_id", "scope", "code_challenge"]) {
      if (query.has(name)) server.recordFault(request, `the install page takes no ${name}`);
    }
    const person = signedIn();
    const reachable = accountsOf(person);
    await consent.ask(
      response,
      {
        platform: "GitHub",
        heading: `Install ${app.slug}`,
        person: person.login,
        asks: Object.entries(app.permissions).map(([name, level]) => `${name}: ${level}`),
        choices: reachable.map((account) => choice(account, person)),
      },
      {
        approve: (chosen) => {
          const login = chosen ?? preferredAccount();
          const account = reachable.find((one) => one.login === login) ?? reachable[0];
          return account && install(dependencies, person, account, query.get("state") ?? undefined);
        },
        deny: () => undefined,
      },
    );
  });
}

function install(
  { app, codes, issuer, installations }: InstallDependencies,
  person: Person,
  account: Account,
  state: string | undefined,
): Next {
  const [callbackUrl] = app.callbackUrls;
  if (callbackUrl === undefined) return undefined;
  const landing = app.userAuthorizationDuringInstallation ? callbackUrl : app.setupUrl;
  if (person.roles[account.login] === "member") return withQuery(landing, { setup_action: "request", state });

  const { installation, isNew } = installations.install(account);
  const fields = {
    installation_id: String(installation.id),
    setup_action: isNew ? "install" : "update",
    state,
  };
  if (!app.userAuthorizationDuringInstallation) return withQuery(landing, fields);
  const code = codes.issue({
    client: "app",
    person,
    scopes: [],
    offlineAccess: false,
    redirectUri: undefined,
    callbackUrl,
    codeChallenge: undefined,
  });
  return withQuery(landing, { code, ...fields, iss: issuer });
}

function accountsOf(person: Person): readonly Account[] {
  return accounts.filter((account) => person.roles[account.login] !== undefined);
}

function choice(account: Account, person: Person): Choice {
  const request = person.roles[account.login] === "member" ? " (asks an owner to install it)" : "";
  return { value: account.login, label: `${account.login}${request}` };
}
