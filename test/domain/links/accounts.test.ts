import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { anonymous, createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import { accountCall } from "../../../src/domain/links/account-access.ts";
import { createKnownAccount } from "../../../src/domain/links/known-account.ts";
import { rotationMs, unusedMs, usedEveryMs } from "../../../src/domain/links/link-account.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import { connection, siteConnection, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { openLinks } from "./stage.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  await domain.sql`delete from rate_limits`;
});

const pass = (ms: number) => domain.clock.advance(ms);
const from = { address: "198.51.100.9", requestId: "forget" };
const unknown = { kind: "unknown" };
const statusOf = async (id: string) => (await domain.storage.installations.find(id))?.status;
const rows = (kind: string) =>
  domain.sql<{ caller: string; owner: string | null; detail: string | null }[]>`
    select caller, owner, detail from audit_events where kind = ${kind} order by at, id`;

describe("an account", () => {
  test("gets a token again and again, another one after it was rejected, each on record in its name", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret, tokenId } = await links.signIn();
    expect(await links.token(accountId, accountSecret)).toMatchObject({
      kind: "token",
      payload: { tokenId, accountId, accountSecret: undefined, installations: [{ externalOrgId: links.org }] },
    });
    const other = await links.token(accountId, accountSecret, tokenId);
    if (other.kind !== "token") throw new Error(other.kind);
    expect(other.payload.tokenId).not.toBe(tokenId);
    const named = (await rows("token.issued")).filter(({ caller }) => caller === `link:${accountId}`);
    expect(named).toHaveLength(2);
  });

  test("gives nothing for a wrong secret, another account's, or an id that nobody has", async () => {
    const [ours, theirs] = [await openLinks(domain).signIn(), await openLinks(domain).signIn({ owner: "globex" })];
    const links = openLinks(domain);
    expect(await links.token(ours.accountId, theirs.accountSecret)).toEqual(unknown);
    expect(await links.token(theirs.accountId, ours.accountSecret)).toEqual(unknown);
    expect(await links.token(ours.accountId, new Secret(""))).toEqual(unknown);
    for (const id of [crypto.randomUUID(), "", "nobody", ours.installationId, "a".repeat(5_000)]) {
      expect(await links.token(id, ours.accountSecret)).toEqual(unknown);
    }
    expect(await links.rotate(ours.accountId, theirs.accountSecret)).toEqual(unknown);
    expect(await links.forget(ours.accountId, { secret: theirs.accountSecret, from })).toEqual(unknown);
    expect(await statusOf(ours.installationId)).toBe("active");
  });

  test("that nobody fetched has no secret at all", async () => {
    const links = openLinks(domain);
    await links.connect(await links.start());
    const [row] = await domain.sql`select id from link_accounts where secret_hash is null`;
    for (const secret of ["", "null"]) expect(await links.token(row?.id, new Secret(secret))).toEqual(unknown);
  });

  test.each([["acme"], [undefined]])("of %s gets nothing that moved to another owner", async (owner) => {
    const links = openLinks(domain);
    const { accountId, accountSecret, installationId } = await links.signIn({ owner });
    await domain.storage.installations.move(installationId, "globex", domain.clock.now());
    await expect(links.token(accountId, accountSecret)).rejects.toMatchObject({ reason: "INSTALLATION_NOT_FOUND" });
    // Nor does it end what is another's now.
    expect(await links.forget(accountId, { secret: accountSecret, from })).toEqual({ kind: "forgotten", ended: [] });
    expect(await statusOf(installationId)).toBe("active");
  });

  test.each([["acme"], [undefined]])("of %s sees nothing of another owner that moves while it asks", async (owner) => {
    const { accountId } = await openLinks(domain).signIn({ owner });
    const account = await domain.storage.linkAccounts.find(accountId);
    if (account === undefined) throw new Error("no account");
    const { access } = accountCall(account, () => anonymous, from, "account token");
    expect([access.sees("slack", owner), access.sees("slack", "globex"), access.sees("jira", owner)]).toEqual([
      ...[true, false, false],
    ]);
  });

  test("is given the grant that its link obtained, whoever connects the same workspace later", async () => {
    const links = openLinks(domain);
    const signedIn = async (name: string, person?: string) => {
      const made = connection({ org: "T-shared" });
      const identity = person === undefined ? {} : { actor: "user" as const, subject: person, externalUserId: person };
      const credentials = made.credentials.map((one) => ({ ...one, ...identity, tokens: tokenSet({ value: name }) }));
      links.platform.answerExchange = () => ({ kind: "connected", connection: { ...made, credentials } });
      return links.signIn();
    };
    const app = await signedIn("the app's");
    const [one, other] = [await signedIn("one person's", "U1"), await signedIn("another person's", "U2")];
    expect(new Set([app, one, other].map(({ installationId }) => installationId)).size).toBe(1);
    const given = [];
    for (const { accountId, accountSecret } of [app, one, other]) {
      const token = await links.token(accountId, accountSecret);
      given.push(token.kind === "token" ? token.payload.accessToken.reveal() : token.kind);
    }
    expect(given).toEqual(["the app's", "one person's", "another person's"]);
  });

  test("of a person whom nobody named is not whoever takes their place", async () => {
    const links = openLinks(domain, { name: "jira", holder: "person" });
    const signedIn = (person: string | undefined) => {
      const { installations, credentials } = siteConnection("anybody", ["S-unnamed"]);
      const made = {
        installations: installations.map((one) => ({ ...one, products: ["jira"], externalUserId: person })),
        credentials: credentials.map((one) => ({ ...one, subject: `of ${person}`, externalUserId: person })),
      };
      links.platform.answerExchange = () => ({ kind: "connected", connection: made });
      return links.signIn();
    };
    const unnamed = await signedIn(undefined);
    expect(await links.token(unnamed.accountId, unnamed.accountSecret)).toMatchObject({ kind: "token" });
    const named = await signedIn("P1");
    expect(named.installationId).toBe(unnamed.installationId);
    expect(await links.token(named.accountId, named.accountSecret)).toMatchObject({ kind: "token" });
    const token = links.token(unnamed.accountId, unnamed.accountSecret);
    await expect(token).rejects.toMatchObject({ reason: "INSTALLATION_NOT_FOUND" });
  });

  test("reaches those sites of a grant that serve what was asked for", async () => {
    const links = openLinks(domain, { name: "jira", products: ["jira", "confluence"], holder: "person" });
    const { installations, credentials } = siteConnection("P-sites", ["S-jira", "S-wiki"]);
    const products = (site: string) => (site === "S-jira" ? ["jira"] : ["confluence"]);
    const sites = installations.map((one) => ({ ...one, products: products(one.externalOrgId) }));
    links.platform.answerExchange = () => ({ kind: "connected", connection: { installations: sites, credentials } });
    for (const [platform, site] of [
      ["confluence", "S-wiki"],
      ["jira", "S-jira"],
    ] as const) {
      const { accountId, accountSecret } = await links.signIn({ platform });
      expect(await links.token(accountId, accountSecret)).toMatchObject({
        payload: { apiBaseUrl: `https://api.example/${platform}/${site}`, installations: [{ externalOrgId: site }] },
      });
    }
  });

  test("hears of a revocation, and ends with its owner", async () => {
    const links = openLinks(domain);
    const revoked = await links.signIn();
    await links.revoker.end(revoked.installationId, "over", { caller: "operator", method: "test" });
    const token = links.token(revoked.accountId, revoked.accountSecret);
    await expect(token).rejects.toMatchObject({ reason: "INSTALLATION_REVOKED" });

    const left = await openLinks(domain).signIn({ owner: "leaving" });
    const waiting = await links.start({ owner: "leaving" });
    await domain.storage.links.forgetOwner("leaving");
    expect(await links.token(left.accountId, left.accountSecret)).toEqual(unknown);
    expect(await links.poll(waiting)).toEqual(unknown);
  });

  test("may hold what who started its link may let it hold now, and nothing once that may not", async () => {
    const rule: Rule = {
      methods: new Set(["StartLink"]),
      products: new Set(["github"]),
      owners: new Set(["acme"]),
      ceilings: new Map([["github", { contents: "read" }]]),
      rate: undefined,
      returnOrigins: new Set(),
      completeInCallback: false,
    };
    let rules: readonly Rule[] = [rule];
    const links = openLinks(domain, {
      name: "github",
      callerNow: (name) => (rules.length === 0 ? undefined : createCaller(name, rules, "hash")),
    });
    links.platform.answerExchange = () => ({
      kind: "connected",
      connection: connection({
        installation: { products: ["github"], permissions: { contents: "write", issues: "write" } },
      }),
    });
    const by = call({ as: createCaller("ci", [rule], "hash"), method: "StartLink" });
    await expect(links.start({ owner: "globex" }, by)).rejects.toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    // Whose owner it is goes without saying.
    const link = await links.start({ owner: undefined }, by);
    expect(await links.connect(link)).toMatchObject({ installations: [{ owner: "acme" }] });
    const polled = await links.poll(link);
    if (polled.kind !== "connected") throw new Error(polled.kind);
    expect(links.platform.narrowings.at(-1)?.permissions).toEqual({ contents: "read" });

    const { accountId, accountSecret = new Secret("") } = polled.payload;
    const again = await links.start({ owner: "acme" }, by);
    rules = [];
    await expect(links.token(accountId, accountSecret)).rejects.toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    expect(await links.look(again.code.reveal(), from)).toEqual({ kind: "refused", why: "ended" });
    rules = [{ ...rule, owners: new Set(["globex"]) }];
    await expect(links.token(accountId, accountSecret)).rejects.toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
  });

  test("needs an owner's name where who asks has several", async () => {
    const [rule] = anonymous.rules;
    if (rule === undefined) throw new Error("no rule");
    const owners = (...names: string[]) => call({ as: createCaller("ci", [{ ...rule, owners: new Set(names) }], "h") });
    const links = openLinks(domain);
    await expect(links.start({ owner: undefined }, owners("a", "b"))).rejects.toMatchObject({
      violations: [{ field: "owner" }],
    });
  });
});

describe("forgetting an account", () => {
  test("revokes what its link made, and says so on record", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret, installationId } = await links.signIn();
    expect(await links.forget(accountId, { secret: accountSecret, from })).toMatchObject({
      kind: "forgotten",
      ended: [{ installation: { id: installationId, status: "revoked" }, providerRevocation: "revoked" }],
    });
    expect(links.platform.revoked).toHaveLength(1);
    expect(await links.token(accountId, accountSecret)).toEqual(unknown);
    expect(await links.forget(accountId, { secret: accountSecret, from })).toEqual(unknown);
    expect((await rows("account.forgotten")).at(-1)).toEqual({
      ...{ caller: `link:${accountId}`, owner: "acme", detail: "1 revoked" },
    });
  });

  test.each(["was there before", "was connected again", "another account has"])("leaves alone what %s", async (how) => {
    const links = openLinks(domain);
    const connectAgain = async () => {
      const outcome = await links.platform.answerExchange({} as never);
      if (outcome.kind !== "connected") throw new Error(outcome.kind);
      await domain.connect(outcome.connection, { owner: "acme" });
    };
    if (how === "was there before") await connectAgain();
    const { accountId, accountSecret, installationId } = await links.signIn();
    pass(1_000);
    if (how === "was connected again") await connectAgain();
    if (how === "another account has") await links.signIn();
    expect(await links.forget(accountId, { secret: accountSecret, from })).toEqual({ kind: "forgotten", ended: [] });
    expect(await statusOf(installationId)).toBe("active");
    expect(links.platform.revoked).toEqual([]);
  });

  test("leaves alone what is connected again while it is at it", async () => {
    const { installations } = domain.storage;
    const links = openLinks(domain);
    const { installationId } = await links.signIn();
    const at = domain.clock.now();
    pass(1_000);
    const outcome = await links.platform.answerExchange({} as never);
    if (outcome.kind === "connected") await domain.connect(outcome.connection, { owner: "acme" });
    const only = { connectedAt: at, owner: "acme" };
    expect(await installations.beginRevocation(installationId, "over", at, undefined, only)).toBeUndefined();
    expect(await statusOf(installationId)).toBe("active");
  });

  test("is for a caller, too, that may revoke all of it", async () => {
    const [all] = anonymous.rules;
    if (all === undefined) throw new Error("no rule");
    const may = (products: "all" | readonly string[], ...owners: string[]) => {
      const rule = { ...all, products: products === "all" ? products : new Set(products), owners: new Set(owners) };
      return { call: call({ as: createCaller("portal", [rule], "hash"), method: "RevokeInstallation" }) };
    };
    const links = openLinks(domain, { name: "jira", products: ["jira", "confluence"] });
    const { accountId, installationId } = await links.signIn();
    expect(await links.forget(accountId, may("all", "globex"))).toEqual(unknown);
    expect(await links.forget(accountId, may(["confluence"], "acme"))).toEqual(unknown);
    await expect(links.forget(accountId, may(["jira"], "acme"))).rejects.toMatchObject({
      reason: "CALLER_NOT_ALLOWED",
    });
    expect(await statusOf(installationId)).toBe("active");
    expect(await links.forget(accountId, may("all", "acme"))).toMatchObject({ kind: "forgotten", ended: [{}] });
    expect((await rows("account.forgotten")).at(-1)).toMatchObject({ caller: "portal" });
  });

  test("is gone on with after it was interrupted", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret, installationId } = await links.signIn();
    const away = links.platform.answerRevoke;
    links.platform.answerRevoke = () => Promise.reject(new Error("the process is killed"));
    await expect(links.forget(accountId, { secret: accountSecret, from })).rejects.toThrow("killed");
    links.platform.answerRevoke = away;
    expect(await links.forget(accountId, { secret: accountSecret, from })).toMatchObject({ kind: "forgotten" });
    expect(await statusOf(installationId)).toBe("revoked");
  });
});

describe("a new secret", () => {
  test("ends the old one when it is first used", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret: old } = await links.signIn();
    const rotated = await links.rotate(accountId, old);
    if (rotated.kind !== "rotated") throw new Error(rotated.kind);
    expect(await links.token(accountId, old)).toMatchObject({ kind: "token" });
    expect(await links.token(accountId, rotated.secret)).toMatchObject({ kind: "token" });
    expect(await links.token(accountId, old)).toEqual(unknown);
    expect((await rows("account.secret_rotated")).at(-1)).toMatchObject({ caller: `link:${accountId}`, owner: "acme" });
  });

  test("whose answer was lost is made again, and the old one ends after ten minutes all the same", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret: old } = await links.signIn();
    const lost = await links.rotate(accountId, old);
    pass(rotationMs / 2);
    const again = await links.rotate(accountId, old);
    if (lost.kind !== "rotated" || again.kind !== "rotated") throw new Error("not rotated");
    expect(await links.token(accountId, lost.secret)).toEqual(unknown);
    pass(rotationMs / 2);
    expect(await links.token(accountId, old)).toEqual(unknown);
    expect(await links.token(accountId, again.secret)).toMatchObject({ kind: "token" });
  });

  test("leaves the old one alone for who used that while it was made", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret: old } = await links.signIn();
    await domain.sql`update link_accounts set used_at = null where id = ${accountId}`;
    const { find, noteUse } = domain.storage.linkAccounts;
    const slow = createKnownAccount(
      {
        find,
        async noteUse(...use) {
          expect(await links.rotate(accountId, old)).toMatchObject({ kind: "rotated" });
          await noteUse(...use);
        },
      },
      domain.world,
    );
    expect(await slow(accountId, old)).toBeDefined();
    // Its answer may have been lost.
    expect(await links.token(accountId, old)).toMatchObject({ kind: "token" });
  });

  test("is one of those that ten who ask at once are given, and all but it are void", async () => {
    const links = openLinks(domain);
    const { accountId, accountSecret: old } = await links.signIn();
    const rotated = await Promise.all(Array.from({ length: 10 }, () => links.rotate(accountId, old)));
    const works = [];
    for (const one of rotated) {
      if (one.kind === "rotated") works.push((await links.token(accountId, one.secret)).kind);
    }
    expect(works.filter((kind) => kind === "token")).toHaveLength(1);
  });
});

/** Last, since half a year passes. */
describe("an account that nobody uses", () => {
  test("ends after half a year; one that nobody fetches, after a day", async () => {
    const links = openLinks(domain);
    const [used, unused] = [await links.signIn(), await openLinks(domain).signIn()];
    const { linkAccounts } = domain.storage;
    pass(unusedMs - 10_000);
    await links.rotate(used.accountId, used.accountSecret);
    const since = () => new Date(domain.clock.now().getTime() - unusedMs);
    const yesterday = () => new Date(domain.clock.now().getTime() - 86_400_000);
    await linkAccounts.prune(since(), yesterday());
    expect(await linkAccounts.find(unused.accountId)).toBeDefined();
    pass(usedEveryMs);
    const late = openLinks(domain);
    await late.connect(await late.start({ owner: "late" }));
    await linkAccounts.prune(since(), yesterday());
    expect(await linkAccounts.find(unused.accountId)).toBeUndefined();
    expect(await linkAccounts.find(used.accountId)).toBeDefined();
    expect((await domain.sql`select id from link_accounts where owner = 'late'`).length).toBe(1);
    pass(86_400_000 + 1_000);
    await linkAccounts.prune(since(), yesterday());
    expect((await domain.sql`select id from link_accounts where owner = 'late'`).length).toBe(0);
  });
});
