/** An organization or a person's own account: where an app can be installed. */
export interface Account {
  readonly id: number;
  readonly login: string;
  readonly type: "Organization" | "User";
}

/** Someone who can be signed in at the browser. */
export interface Person {
  readonly id: number;
  readonly login: string;
  readonly name: string;
  readonly emailVerified: boolean;
  /** The accounts this person belongs to: an admin installs, a member can only request an installation. */
  readonly roles: Readonly<Record<string, "admin" | "member">>;
  /** What a person was given of repositories, by name, beside what the roles give. */
  readonly collaborates?: Readonly<Record<string, "read" | "write" | "admin">>;
}

export interface Repository {
  readonly id: number;
  readonly name: string;
  /** Login of the account. */
  readonly owner: string;
}

export const accounts: readonly Account[] = [
  { id: 2001, login: "acme", type: "Organization" },
  { id: 2002, login: "globex", type: "Organization" },
  { id: 2003, login: "umbrella", type: "Organization" },
  { id: 2004, login: "initech", type: "Organization" },
  { id: 1001, login: "mona", type: "User" },
];

/**
 * `mona` is signed in at the start. `mallory` has installed our app on an organization nobody else can see. `reader` may
 * read one repository of acme, `docsy` administers it, and `siteowner` administers all that globex has.
 */
export const people: readonly Person[] = [
  {
    id: 1001,
    login: "mona",
    name: "Mona Lisa",
    emailVerified: true,
    roles: { acme: "admin", globex: "admin", initech: "admin", mona: "admin" },
  },
  { id: 1002, login: "hubot", name: "Hu Bot", emailVerified: true, roles: { acme: "member", globex: "member" } },
  { id: 1003, login: "mallory", name: "Mallory", emailVerified: true, roles: { umbrella: "admin" } },
  { id: 1004, login: "newcomer", name: "New Comer", emailVerified: false, roles: { acme: "admin" } },
  { id: 1005, login: "reader", name: "Rea Der", emailVerified: true, roles: {}, collaborates: { docs: "read" } },
  { id: 1006, login: "docsy", name: "Doc Sy", emailVerified: true, roles: {}, collaborates: { docs: "admin" } },
  { id: 1007, login: "siteowner", name: "Si Te", emailVerified: true, roles: {}, collaborates: { site: "admin" } },
];

export const repositories: readonly Repository[] = [
  { id: 3001, name: "api", owner: "acme" },
  { id: 3002, name: "web", owner: "acme" },
  { id: 3003, name: "docs", owner: "acme" },
  { id: 3004, name: "site", owner: "globex" },
  { id: 3005, name: "hive", owner: "umbrella" },
  { id: 3006, name: "dotfiles", owner: "mona" },
  // As many as one token can be narrowed to, and one more.
  ...Array.from({ length: 501 }, (_, index) => ({
    id: 4001 + index,
    name: `service-of-the-platform-team-${String(index + 1).padStart(3, "0")}`,
    owner: "initech",
  })),
];

/** What a person may do in a repository: admins of an account everything, its members read; undefined: nothing. */
export function accessTo(repository: Repository, person: Person): "read" | "write" | "admin" | undefined {
  const role = person.roles[repository.owner];
  if (role === "admin") return "admin";
  return person.collaborates?.[repository.name] ?? (role === "member" ? "read" : undefined);
}

/** The account as GitHub's API shows it. */
export function accountJson(account: Account): Record<string, unknown> {
  return { login: account.login, id: account.id, type: account.type };
}

export function repositoryJson(repository: Repository): Record<string, unknown> {
  const owner = accounts.find(({ login }) => login === repository.owner);
  const fullName = `${repository.owner}/${repository.name}`;
  return {
    id: repository.id,
    node_id: Buffer.from(`010:Repository${repository.id}`).toString("base64"),
    name: repository.name,
    full_name: fullName,
    private: true,
    owner: owner === undefined ? null : { ...accountJson(owner), ...addresses(`users/${owner.login}`, ofAccount) },
    description: `What ${repository.owner} keeps in ${repository.name}`,
    fork: false,
    ...addresses(`repos/${fullName}`, ofRepository),
    default_branch: "main",
    visibility: "private",
    archived: false,
    disabled: false,
    topics: [],
    language: "TypeScript",
    license: null,
    forks_count: 0,
    stargazers_count: 80,
    watchers_count: 80,
    size: 108,
    open_issues_count: 0,
    has_issues: true,
    has_projects: true,
    has_wiki: true,
    has_pages: false,
    pushed_at: "2026-01-26T19:06:43Z",
    created_at: "2024-01-26T19:01:12Z",
    updated_at: "2026-01-26T19:14:43Z",
    permissions: { admin: false, push: false, pull: false },
  };
}

const ofAccount =
  "avatar followers following gists starred subscriptions organizations repos events received_events html".split(" ");
const ofRepository = (
  "html archive assignees blobs branches collaborators comments commits compare contents contributors deployments " +
  "downloads events forks git_commits git_refs git_tags git hooks issue_comment issue_events issues keys labels " +
  "languages merges milestones notifications pulls releases ssh stargazers statuses subscribers subscription tags " +
  "teams trees clone mirror svn"
).split(" ");

/** Of everything it has to do with, GitHub gives the address: most of a repository's 5 KiB. */
function addresses(path: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => [`${name}_url`, `https://api.github.com/${path}/${name.replaceAll("_", "/")}{/sha}`]),
  );
}
