import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Access } from "../../src/domain/access/access.ts";
import { createCaller } from "../../src/domain/access/caller.ts";
import type { InstallationRepository } from "../../src/domain/model/installation-repository.ts";
import { openTestStorage } from "../support/domain.ts";
import { connection, siteConnection } from "../support/scripted-platform.ts";
import { platforms, type RawCaller, type RawInstallation, type RawRule } from "./cast.ts";
import { askList, askToken } from "./oracle.ts";

// Names that are nearly others, or that SQL, JSON or patterns could take for something else.
const owners = [
  "acme",
  "ACME",
  "acme ",
  "acme-evil",
  "a,b",
  'a"b',
  "a'b",
  "%",
  "_",
  "*",
  "null",
  "all",
  "é",
  "e\u0301",
  "😀",
];
const world: readonly RawInstallation[] = [...owners, undefined].flatMap((owner, n) => [
  { key: `gh-${n}`, platform: "github", products: ["github"], owner, granted: {}, revoked: false } as const,
  { key: `sl-${n}`, platform: "slack", products: ["slack"], owner, granted: {}, revoked: false } as const,
  {
    ...({ key: `at-${n}`, platform: "jira", owner, granted: {}, revoked: false } as const),
    products: [["jira", "confluence"], ["jira"], ["confluence"]][n % 3]!,
  },
]);
const methods = ["GetToken", "ListInstallations", "GetInstallation"];

let installations: InstallationRepository;
let close: () => Promise<void>;
const keys = new Map<string, string>();

beforeAll(async () => {
  const opened = await openTestStorage();
  ({ close } = opened);
  ({ installations } = opened.storage);
  for (const { key, platform, products, owner } of world) {
    const made =
      platform === "jira"
        ? siteConnection(`person-${key}`, [key])
        : connection({ org: key, installation: { externalOrgId: key } });
    const [stored] = await installations.connect(
      { ...made, installations: made.installations.map((installation) => ({ ...installation, products })) },
      { platform, holder: platform === "jira" ? "person" : "organization", owner, now: new Date() },
    );
    keys.set(stored!.id, key);
  }
});
afterAll(() => close());

const subset = <T>(of: readonly T[], minLength = 1) =>
  fc.uniqueArray(fc.constantFrom(...of), { minLength, maxLength: 4 });

const anyRule: fc.Arbitrary<RawRule> = fc
  .record({ methods: subset(methods), platforms: subset(platforms), owners: fc.option(subset(owners)) })
  .map(({ owners: named, ...rule }) =>
    named === null ? { ...rule, all_owners: true as const } : { ...rule, owners: named },
  );

const anyCaller: fc.Arbitrary<RawCaller> = fc
  .array(anyRule, { minLength: 1, maxLength: 4 })
  .map((allow) => ({ name: "somebody", allow }));

const maybe = <T>(of: readonly T[]) => fc.option(fc.constantFrom(...of), { nil: undefined });

/** Past the caller file, which refuses some of these names. */
function accessOf({ name, allow }: RawCaller, method: string): Access | "denied" {
  const rules = allow.map((rule) => ({
    methods: new Set(rule.methods),
    products: new Set(rule.platforms),
    owners: rule.all_owners ? ("all" as const) : new Set(rule.owners),
    ceilings: new Map(),
    rate: undefined,
    returnOrigins: new Set<string>(),
    completeInCallback: false,
  }));
  return allowed(() => createCaller(name, rules, undefined).access(method));
}

function allowed<T>(work: () => T): T | "denied" {
  try {
    return work();
  } catch (error) {
    expect(error).toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    return "denied";
  }
}

/** What a look-up of everything that is visible finds, by the keys of the world. */
async function find(
  method: string,
  caller: RawCaller,
  filter: { platform?: string | undefined; owner?: string | undefined },
) {
  const access = accessOf(caller, method);
  if (access === "denied") return "denied";
  if (allowed(() => access.check(filter.platform, filter.owner)) === "denied") return "denied";
  const visible = access.visible(filter.platform);
  const listed = await installations.list(filter, visible, undefined, 100);
  const selected = await installations.select(filter, visible, 100);
  for (const { products, owner } of listed) expect(products.some((product) => access.sees(product, owner))).toBe(true);
  expect(selected.map(({ installation }) => installation.id)).toEqual(listed.map(({ id }) => id));
  // Everything begins with nothing.
  expect((await installations.search("", filter, visible, undefined, 100)).found).toEqual(listed);
  return listed.map(({ id }) => keys.get(id)!);
}

test("random rules show in lists what the oracle says", async () => {
  await fc.assert(
    fc.asyncProperty(anyCaller, maybe(platforms), maybe(owners), async (caller, platform, owner) => {
      const filter = { ...(platform && { platform }), ...(owner && { owner }) };
      expect(await find("ListInstallations", caller, filter)).toEqual(askList(caller, world, filter));
    }),
    { numRuns: 400 },
  );
});

test("random rules let selectors find what the oracle says", async () => {
  await fc.assert(
    fc.asyncProperty(anyCaller, fc.constantFrom(...platforms), maybe(owners), async (caller, platform, owner) => {
      const expected = askToken(caller, world, { platform, ...(owner && { owner }) });
      const found = await find("GetToken", caller, { platform, owner });
      if (expected.verdict === "token") expect(found).toEqual([expected.key]);
      else if (expected.verdict === "ambiguous") expect(found).toEqual(expected.keys);
      else expect(found).toEqual(expected.verdict === "not_found" ? [] : expected.verdict);
    }),
    { numRuns: 400 },
  );
});

test("random rules see single installations as the oracle says", () => {
  fc.assert(
    fc.property(anyCaller, fc.constantFrom(...world), (caller, { key, products, owner }) => {
      const access = accessOf(caller, "GetToken");
      const seen = access !== "denied" && products.some((product) => access.sees(product, owner));
      const expected = askToken(caller, world, { id: key }).verdict;
      expect(seen ? "token" : access === "denied" ? "denied" : "not_found").toBe(expected);
    }),
    { numRuns: 1_000 },
  );
});
