import type { PlatformWorld } from "../options.ts";
import { type Account, accessTo, accountJson, accounts, type Person, repositories } from "./accounts.ts";
import type { AppRegistration } from "./registration.ts";

export interface Installation {
  readonly id: number;
  readonly appId: number;
  readonly appSlug: string;
  readonly account: Account;
  permissions: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  suspendedAt: Date | undefined;
}

export interface Installations {
  /** Installs our app, or gives the installation there is. */
  install(account: Account): { readonly installation: Installation; readonly isNew: boolean };
  /** One of our app's; undefined for any other. */
  ours(id: number): Installation | undefined;
  allOurs(): readonly Installation[];
  /** Whatever app it belongs to, oldest first: also to whom one repository of it can be read by. */
  visibleTo(person: Person): readonly Installation[];
  remove(id: number): boolean;
  /**
   * Whether a question about it finds it: for so many questions after `forgetNewest` the newest one is not known yet, as
   * for some seconds after an install.
   */
  isKnown(installation: Installation): boolean;
  forgetNewest(questions: number): void;
}

/** Installations of our app, after `others` of other apps, and one of ours that only `mallory` can see. */
export function installations(world: PlatformWorld, app: AppRegistration, others: number): Installations {
  const all: Installation[] = [];
  let nextId = 50_000_001;
  let unknownFor = 0;

  function add(account: Account, appId: number, appSlug: string): Installation {
    const installation: Installation = {
      id: nextId++,
      appId,
      appSlug,
      account,
      permissions: app.permissions,
      createdAt: world.now(),
      suspendedAt: undefined,
    };
    all.push(installation);
    return installation;
  }

  const [acme] = accounts;
  for (let i = 1; i <= others && acme !== undefined; i++) add(acme, 900_000 + i, `other-app-${i}`);
  const umbrella = accounts.find(({ login }) => login === "umbrella");
  if (umbrella !== undefined) add(umbrella, app.appId, app.slug);

  return {
    install(account) {
      const present = all.find((one) => one.appId === app.appId && one.account.id === account.id);
      if (present !== undefined) return { installation: present, isNew: false };
      return { installation: add(account, app.appId, app.slug), isNew: true };
    },
    ours: (id) => all.find((one) => one.id === id && one.appId === app.appId),
    allOurs: () => all.filter((one) => one.appId === app.appId),
    visibleTo: (person) =>
      all.filter(
        ({ account }) =>
          person.roles[account.login] !== undefined ||
          repositories.some((one) => one.owner === account.login && accessTo(one, person) !== undefined),
      ),
    isKnown(installation) {
      if (unknownFor <= 0 || installation !== all.at(-1)) return true;
      unknownFor -= 1;
      return false;
    },
    forgetNewest(questions) {
      unknownFor = questions;
    },
    remove(id) {
      const index = all.findIndex((one) => one.id === id && one.appId === app.appId);
      if (index < 0) return false;
      all.splice(index, 1);
      return true;
    },
  };
}

/** The installation as GitHub's API shows it. */
export function installationJson(installation: Installation, apiUrl: string): Record<string, unknown> {
  // GitHub gives whole seconds.
  const at = installation.createdAt.toISOString().replace(/\.\d+Z$/, "Z");
  return {
    id: installation.id,
    app_id: installation.appId,
    app_slug: installation.appSlug,
    target_id: installation.account.id,
    target_type: installation.account.type,
    account: accountJson(installation.account),
    repository_selection: "all",
    access_tokens_url: `${apiUrl}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${apiUrl}/installation/repositories`,
    html_url: `${apiUrl}/installations/${installation.id}`,
    permissions: installation.permissions,
    events: [],
    single_file_name: null,
    created_at: at,
    updated_at: at,
    suspended_at: installation.suspendedAt?.toISOString() ?? null,
    suspended_by: installation.suspendedAt === undefined ? null : accountJson(installation.account),
  };
}
