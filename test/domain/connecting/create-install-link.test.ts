import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import {
  createCreateInstallLink,
  type InstallLinkRequest,
} from "../../../src/domain/connecting/create-install-link.ts";
import { returnOrigins } from "../../../src/domain/connecting/return-to.ts";
import { call } from "../../support/call.ts";
import { connection, onlyPlatforms, scriptedPlatform, siteConnection } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const rule: Rule = {
  methods: new Set(["CreateInstallLink"]),
  products: new Set(["slack", "jira"]),
  owners: new Set(["acme", "globex"]),
  ceilings: new Map(),
  rate: undefined,
  returnOrigins: new Set(["https://own.example"]),
  completeInCallback: false,
};

function desk() {
  const slack = scriptedPlatform();
  const jira = scriptedPlatform({ name: "jira", products: ["jira", "confluence"], holder: "person", actors: ["user"] });
  const github = { ...scriptedPlatform({ name: "github" }), takesScopes: false };
  const platforms = onlyPlatforms(slack, jira, github);
  const { storage, world } = domain;
  const create = createCreateInstallLink({
    ...{ links: storage.links, installations: storage.installations, platforms, world },
    returnOrigins: returnOrigins(["https://portal.example"]),
    installPage: (product) => new URL(`https://tokens.example/base/oauth/install/${product}`),
  });
  return (request: Partial<InstallLinkRequest> = {}, rules?: readonly Rule[]) => {
    const as = rules && createCaller("portal", rules, "policy");
    return create(
      {
        ...{ platform: "slack", owner: "acme", returnTo: "https://portal.example/done", ttlMs: undefined },
        ...{ scopes: [], installationId: undefined, completeInCallback: false },
        ...request,
      },
      call({ method: "CreateInstallLink", ...(as && { as }) }),
    );
  };
}

async function spend(url: string, platform = "slack") {
  const { storage, clock } = domain;
  const { createHash } = await import("node:crypto");
  const secret = new URL(url).searchParams.get("link") ?? "";
  const outcome = await storage.links.spend(createHash("sha256").update(secret).digest("hex"), platform, clock.now());
  return outcome.kind === "spent" ? outcome.link : outcome;
}

const field = (name: string) => ({ reason: "INVALID_REQUEST", violations: [{ field: name }] });

describe("a link", () => {
  test("leads to the install page of the product, for ten minutes, and is kept as a hash", async () => {
    const create = desk();
    const before = domain.clock.now().getTime();
    const { url, expiresAt } = await create({ platform: "confluence", scopes: ["read:me"] });
    const page = new URL(url.reveal());
    expect(page.href).toMatch(/^https:\/\/tokens\.example\/base\/oauth\/install\/confluence\?link=[\w-]{43}$/);
    expect(expiresAt.getTime() - before).toBeGreaterThanOrEqual(600_000);
    expect(expiresAt.getTime() - before).toBeLessThan(660_000);
    const kept = await domain.sql`select l::text as row from install_links l`;
    expect(kept.map(({ row }) => row).join()).not.toContain(page.searchParams.get("link"));
    expect(await spend(page.href, "jira")).toMatchObject({
      ...{ platform: "jira", owner: "acme", returnTo: "https://portal.example/done" },
      facts: {
        ...{ caller: "anonymous", policyHash: undefined, product: "confluence", scopes: ["read:me"] },
        ...{ installationId: undefined, awaitsOwner: true },
      },
    });
  });

  test("of each call is another one", async () => {
    const create = desk();
    const urls = await Promise.all([create(), create()]);
    expect(urls[0]!.url.reveal()).not.toBe(urls[1]!.url.reveal());
  });

  test.each([
    [0, 600_000],
    [1_000, 1_000],
    [86_400_000, 86_400_000],
  ])("asked to live %i ms lives %i", async (ttlMs, lives) => {
    const before = domain.clock.now().getTime();
    const { expiresAt } = await desk()({ ttlMs });
    expect(Math.abs(expiresAt.getTime() - before - lives)).toBeLessThan(60_000);
  });

  test.each([-1, 86_400_001])("cannot live %i ms", async (ttlMs) => {
    await expect(desk()({ ttlMs })).rejects.toMatchObject(field("ttl"));
  });

  test.each([
    ["nowhere", field("platform")],
    ["sentry", { reason: "INVALID_REQUEST" }],
  ])("to %s is refused", async (platform, refusal) => {
    await expect(desk()({ platform })).rejects.toMatchObject(refusal);
  });

  test("cannot choose scopes where the app's registration has them", async () => {
    await expect(desk()({ platform: "github", scopes: ["repo"] })).rejects.toMatchObject(field("scopes"));
  });

  test("of an owner needs somewhere to bring the completion code; any other one does not", async () => {
    const create = desk();
    await expect(create({ returnTo: undefined })).rejects.toMatchObject(field("return_to"));
    const { url } = await create({ returnTo: undefined, completeInCallback: true });
    expect(await spend(url.reveal())).toMatchObject({
      owner: "acme",
      returnTo: undefined,
      facts: { awaitsOwner: false },
    });
    const none = await create({ returnTo: undefined, owner: undefined });
    expect(await spend(none.url.reveal())).toMatchObject({ owner: undefined, facts: { awaitsOwner: false } });
  });

  test.each([
    "https://evil.example/",
    "https://portal.example.evil.example/",
    "https://user@portal.example/",
    "http://portal.example/",
    "//portal.example/",
    "https://portal.example\\@evil.example/",
    "javascript:alert(1)//https://portal.example",
    "https://portal.example/?completion_code=mine",
    "https://portal.example/?a=1&completion%5Fcode=mine",
  ])("cannot lead back to %s", async (returnTo) => {
    await expect(desk()({ returnTo })).rejects.toMatchObject(field("return_to"));
  });
});

describe("a caller", () => {
  test("makes links for its own platforms and owners only, decided before anything is looked up", async () => {
    const create = desk();
    await create({}, [rule]);
    const refused = { reason: "CALLER_NOT_ALLOWED" };
    await expect(create({ owner: "initech" }, [rule])).rejects.toMatchObject(refused);
    await expect(create({ platform: "github" }, [rule])).rejects.toMatchObject(refused);
    await expect(create({ platform: "nowhere" }, [rule])).rejects.toMatchObject(refused);
    const apart = [
      { ...rule, products: new Set(["slack"]), owners: new Set(["acme"]) },
      { ...rule, products: new Set(["jira"]), owners: new Set(["globex"]) },
    ];
    await expect(create({ platform: "jira" }, apart)).rejects.toMatchObject(refused);
  });

  test("of some owners makes none without an owner", async () => {
    const create = desk();
    await expect(create({ owner: undefined }, [rule])).rejects.toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    await create({ owner: undefined }, [{ ...rule, owners: "all" }]);
  });

  test("leads back to its own origins by the rule that allows the link, and to nobody else's", async () => {
    const create = desk();
    const returnTo = "https://own.example/x";
    await create({ returnTo }, [rule]);
    await expect(create({ returnTo })).rejects.toMatchObject(field("return_to"));
    const elsewhere = [
      { ...rule, returnOrigins: new Set<string>() },
      { ...rule, products: new Set(["jira"]) },
    ];
    await expect(create({ returnTo }, elsewhere)).rejects.toMatchObject(field("return_to"));
  });

  test("vouches for the person only by a rule that says so", async () => {
    const create = desk();
    const refused = { reason: "CALLER_NOT_ALLOWED" };
    const vouching = { ...rule, owners: new Set(["globex"]), completeInCallback: true };
    await expect(create({ completeInCallback: true }, [rule])).rejects.toMatchObject(refused);
    await expect(create({ completeInCallback: true }, [rule, vouching])).rejects.toMatchObject(refused);
    await create({ completeInCallback: true, owner: "globex" }, [rule, vouching]);
  });
});

describe("reconnecting", () => {
  async function live(owner: string | undefined) {
    const [made] = await domain.connect(connection(), { owner });
    return made!;
  }

  test("takes the owner of the installation, and no other", async () => {
    const create = desk();
    const { id: installationId } = await live("acme");
    const { url } = await create({ installationId, owner: undefined });
    expect(await spend(url.reveal())).toMatchObject({ owner: "acme", facts: { installationId, awaitsOwner: true } });
    await expect(create({ installationId, owner: "globex" })).rejects.toMatchObject(field("owner"));
    const { id } = await live(undefined);
    await expect(create({ installationId: id, owner: "acme" })).rejects.toMatchObject(field("owner"));
  });

  test("finds only what the caller sees, on this platform, and what still lives", async () => {
    const create = desk();
    const notFound = { reason: "INSTALLATION_NOT_FOUND" };
    const { id: theirs } = await live("initech");
    await expect(create({ installationId: theirs }, [rule])).rejects.toMatchObject(notFound);
    await expect(create({ installationId: crypto.randomUUID() })).rejects.toMatchObject(notFound);
    const jira = { platform: "jira", holder: "person" } as const;
    const [site] = await domain.connect(siteConnection("P", ["s-1"]), { ...jira, owner: "acme" });
    await expect(create({ installationId: site!.id })).rejects.toMatchObject(field("installation_id"));
    const { id: over } = await live("acme");
    await domain.storage.installations.beginRevocation(over, "over", domain.clock.now());
    await expect(create({ installationId: over })).rejects.toMatchObject({ reason: "INSTALLATION_REVOKED" });
  });
});
