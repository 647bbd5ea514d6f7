/** A caller as the caller file has it, but for its proof. */
export interface RawCaller {
  readonly name: string;
  readonly allow: readonly RawRule[];
}

export interface RawRule {
  readonly methods: readonly string[];
  readonly platforms: readonly string[];
  readonly owners?: readonly string[];
  readonly all_owners?: true;
  readonly rate?: { readonly per_second: number; readonly burst: number };
  readonly permissions?: { readonly github: Readonly<Record<string, string>> };
}

/** An installation as a person would describe it. */
export interface RawInstallation {
  /** Its organization's id at the platform, and its name in these tests. */
  readonly key: string;
  readonly platform: "github" | "jira" | "slack";
  readonly products: readonly string[];
  readonly owner: string | undefined;
  /** What a GitHub organization granted. */
  readonly granted: Readonly<Record<string, string>>;
  readonly revoked: boolean;
}

const everyMethod = ["GetToken", "ListInstallations", "GetInstallation", "RevokeInstallation", "ListAuditEvents"];
const everyPlatform = ["github", "jira", "confluence", "slack"];

/** One of each kind, and a few that differ in a single thing. */
export const callers: readonly RawCaller[] = [
  { name: "none", allow: [{ methods: ["Metrics"], platforms: ["github"], all_owners: true }] },
  { name: "everything", allow: [{ methods: everyMethod, platforms: everyPlatform, all_owners: true }] },
  { name: "github-of-acme", allow: [{ methods: everyMethod, platforms: ["github"], owners: ["acme"] }] },
  { name: "slack-of-beta", allow: [{ methods: everyMethod, platforms: ["slack"], owners: ["beta"] }] },
  { name: "github-of-anyone", allow: [{ methods: everyMethod, platforms: ["github"], all_owners: true }] },
  { name: "all-of-acme", allow: [{ methods: everyMethod, platforms: everyPlatform, owners: ["acme"] }] },
  { name: "stranger", allow: [{ methods: everyMethod, platforms: everyPlatform, owners: ["ghost"] }] },
  {
    name: "crossed",
    allow: [
      { methods: everyMethod, platforms: ["github"], owners: ["acme"] },
      { methods: everyMethod, platforms: ["slack", "jira"], owners: ["beta"] },
    ],
  },
  {
    name: "two-owners",
    allow: [{ methods: everyMethod, platforms: ["github", "slack"], owners: ["acme", "beta"] }],
  },
  {
    name: "two-owners-twin",
    allow: [{ methods: everyMethod, platforms: ["github", "slack"], owners: ["acme", "beta"] }],
  },
  { name: "confluence-of-acme", allow: [{ methods: everyMethod, platforms: ["confluence"], owners: ["acme"] }] },
  {
    name: "a-product-for-each",
    allow: [
      { methods: everyMethod, platforms: ["confluence"], owners: ["acme"] },
      { methods: everyMethod, platforms: ["jira"], owners: ["beta"] },
    ],
  },
  {
    name: "reader",
    allow: [
      {
        methods: everyMethod,
        platforms: ["github"],
        owners: ["acme", "beta"],
        permissions: { github: { contents: "read" } },
      },
    ],
  },
  {
    name: "writer-here-reader-there",
    allow: [
      {
        methods: everyMethod,
        platforms: ["github"],
        owners: ["acme"],
        permissions: { github: { contents: "write", issues: "read" } },
      },
      {
        methods: everyMethod,
        platforms: ["github", "slack"],
        owners: ["beta"],
        permissions: { github: { contents: "read" } },
      },
    ],
  },
  {
    name: "two-ceilings",
    allow: [
      {
        methods: everyMethod,
        platforms: ["github"],
        owners: ["acme"],
        permissions: { github: { contents: "read", issues: "write" } },
      },
      {
        methods: everyMethod,
        platforms: ["github"],
        all_owners: true,
        permissions: { github: { contents: "write", metadata: "read" } },
      },
    ],
  },
  {
    name: "ceiling-and-none",
    allow: [
      {
        methods: everyMethod,
        platforms: ["github"],
        all_owners: true,
        permissions: { github: { contents: "read" } },
      },
      { methods: everyMethod, platforms: ["github"], owners: ["beta"] },
    ],
  },
  {
    name: "ungranted",
    allow: [
      {
        methods: everyMethod,
        platforms: ["github"],
        all_owners: true,
        permissions: { github: { administration: "admin" } },
      },
    ],
  },
  {
    name: "lists-only",
    allow: [{ methods: ["ListInstallations"], platforms: everyPlatform, owners: ["acme", "beta"] }],
  },
  {
    name: "revokes-only",
    allow: [{ methods: ["RevokeInstallation"], platforms: ["github", "confluence"], owners: ["acme"] }],
  },
  {
    name: "one-method-each",
    allow: [
      { methods: ["GetToken"], platforms: ["github"], owners: ["acme"] },
      { methods: ["ListInstallations", "GetInstallation"], platforms: ["slack"], owners: ["beta"] },
    ],
  },
];

const github = { platform: "github", products: ["github"], revoked: false } as const;
const slack = { platform: "slack", products: ["slack"], granted: {}, revoked: false } as const;
const jira = { platform: "jira", granted: {}, revoked: false } as const;

/** Oldest first. */
export const installations: readonly RawInstallation[] = [
  { ...github, key: "gh-acme-1", owner: "acme", granted: { contents: "write", issues: "write", metadata: "read" } },
  { ...github, key: "gh-acme-2", owner: "acme", granted: { contents: "read", metadata: "read" } },
  { ...github, key: "gh-beta", owner: "beta", granted: { contents: "write", issues: "read", metadata: "read" } },
  { ...github, key: "gh-none", owner: undefined, granted: { contents: "read", metadata: "read" } },
  { ...github, key: "gh-acme-gone", owner: "acme", granted: { contents: "read" }, revoked: true },
  { ...github, key: "gh-beta-gone", owner: "beta", granted: { contents: "read" }, revoked: true },
  { ...slack, key: "sl-acme", owner: "acme" },
  { ...slack, key: "sl-beta-1", owner: "beta" },
  { ...slack, key: "sl-beta-2", owner: "beta" },
  { ...slack, key: "sl-none", owner: undefined },
  { ...jira, key: "at-acme-both", products: ["jira", "confluence"], owner: "acme" },
  { ...jira, key: "at-acme-jira", products: ["jira"], owner: "acme" },
  { ...jira, key: "at-beta-both", products: ["jira", "confluence"], owner: "beta" },
  { ...jira, key: "at-beta-confluence", products: ["confluence"], owner: "beta" },
  { ...jira, key: "at-none-both", products: ["jira", "confluence"], owner: undefined },
];

export const platforms = everyPlatform;
export const owners = ["acme", "beta", "ghost", "acm", "ACME", "acme "];
