import { describe, expect, test } from "vitest";
import { type Browser, createBrowser } from "../../rig/browser.ts";
import { asJson } from "../support/service.ts";
import { callBack, redirect, walkToCallback } from "./support/flow.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();

const codeExchange = "/login/oauth/access_token";

function walk(browser: Browser): Promise<URL> {
  return walkToCallback(shared.service.replicas[0]!, "github", browser);
}

function onPublic(path: string, query: Record<string, string>): URL {
  return new URL(`${path}?${new URLSearchParams(query)}`, shared.service.replicas[0]!.publicUrl);
}

/** The installation of our app on an organization that only somebody else can see. */
async function strangersInstallation(): Promise<string> {
  const { controls } = shared.service.sandbox.github;
  controls.signIn("mallory");
  controls.chooseAccount("umbrella");
  await redirect(
    createBrowser(),
    new URL(`${shared.service.sandbox.github.url}/apps/oauth-token-service/installations/new`),
  );
  controls.signIn("mona");
  controls.chooseAccount("acme");
  const found = controls.installations().find(({ account }) => account.login === "umbrella");
  return String(found?.id);
}

async function stored(): Promise<number> {
  const [row] = await shared.sql`
    select (select count(*) from installations)::int + (select count(*) from credentials)::int as rows`;
  return row?.rows;
}

/** The tokens of people that still work. */
async function livingUserTokens(): Promise<string[]> {
  const { apiUrl } = shared.service.sandbox.github;
  const tokens = shared.secrets.accessTokens.filter((token) => token.startsWith("ghu_"));
  const statuses = await Promise.all(
    tokens.map(async (token) => {
      const headers = { authorization: `Bearer ${token}`, "user-agent": "test" };
      return (await fetch(`${apiUrl}/user`, { headers })).status;
    }),
  );
  return tokens.filter((_, n) => statuses[n] === 200);
}

test("an installation is connected without keeping the person's token", async () => {
  await shared.service.connect("github");
  expect(shared.secrets.accessTokens.some((token) => token.startsWith("ghu_"))).toBe(true);
  expect(await livingUserTokens()).toEqual([]);
});

test("the Setup URL of an existing app, which is the install route, finishes the attempt", async () => {
  const { service, caller } = shared;
  const browser = createBrowser();
  const callback = await walk(browser);
  callback.pathname = "/oauth/install/github";
  const answer = await callBack(browser, callback);
  expect(answer).toMatchObject({ status: 200, success: true });
  const token = await caller.token({ installation_id: answer.installation_id });
  expect(await isAccepted("github", token)).toBe(true);
  expect(service.sandbox.github.calls.at(-1)?.path).toBe("/api/v3/installation/repositories");
});

describe("a callback without a code", () => {
  test("leads through the authorization page with PKCE, and then connects", async () => {
    const { caller } = shared;
    const browser = createBrowser();
    const callback = await walk(browser);
    callback.searchParams.delete("code");
    callback.searchParams.delete("iss");
    const authorize = await redirect(browser, callback);
    expect(authorize.pathname).toBe("/login/oauth/authorize");
    expect(authorize.searchParams.get("code_challenge_method")).toBe("S256");
    expect(authorize.searchParams.get("code_challenge")).toMatch(/^[\w-]{43}$/);
    expect(authorize.searchParams.get("state")).not.toBe(callback.searchParams.get("state"));
    const second = await redirect(browser, authorize);
    const answer = await callBack(browser, second);
    expect(answer).toMatchObject({ status: 200, success: true });
    expect(answer.installations[0]?.external_install_id).toBe(callback.searchParams.get("installation_id"));
    expect(await isAccepted("github", await caller.token({ installation_id: answer.installation_id }))).toBe(true);
    expect(await livingUserTokens()).toEqual([]);
  });

  test("keeps owner and return address for the second leg", async () => {
    const browser = createBrowser();
    const { publicUrl } = shared.service.replicas[0]!;
    const query = `?${new URLSearchParams({ owner: "team-a", return_to: `${publicUrl}/done` })}`;
    const callback = await walkToCallback(shared.service.replicas[0]!, "github", browser, query);
    callback.searchParams.delete("code");
    const second = await redirect(browser, await redirect(browser, callback));
    const page = await browser.visit(second);
    expect(page.status).toBe(200);
    expect(page.text).toContain(`${publicUrl}/done`);
    expect((await shared.caller.list({ owner: "team-a" })).installations).toHaveLength(1);
  });

  test("cannot be finished by the second leg in another browser", async () => {
    const browser = createBrowser();
    const callback = await walk(browser);
    callback.searchParams.delete("code");
    const second = await redirect(browser, await redirect(browser, callback));
    expect(await callBack(createBrowser(), second)).toMatchObject({
      status: 400,
      error: { code: "state_other_browser" },
    });
    expect(await stored()).toBe(0);
  });
});

test("a member's request for an installation is told that an owner has to approve, and stores nothing", async () => {
  const { service } = shared;
  service.sandbox.github.controls.signIn("hubot");
  const before = service.sandbox.github.controls.tokenCalls;
  const answer = await service.connect("github");
  expect(answer).toMatchObject({ success: false, error: { code: "approval_pending" } });
  expect([await stored(), service.sandbox.github.controls.tokenCalls - before]).toEqual([0, 0]);
});

describe("a callback that no attempt of ours started", () => {
  test("sends the browser through an attempt of its own where anyone may start", async () => {
    const { caller } = shared;
    const { installation_id: githubId } = Object.fromEntries((await walk(createBrowser())).searchParams);
    const browser = createBrowser();
    for (const query of [
      { installation_id: githubId!, setup_action: "install" },
      { installation_id: githubId!, setup_action: "update", code: "made-up" },
    ]) {
      const visit = await browser.visit(onPublic("/oauth/callback/github", query), asJson);
      expect(visit.path.map((step) => new URL(step).pathname)).toEqual([
        "/oauth/callback/github",
        "/login/oauth/authorize",
        "/oauth/callback/github",
      ]);
      expect(JSON.parse(visit.text)).toMatchObject({ success: true });
    }
    expect((await caller.list()).installations).toHaveLength(1);
    expect(await livingUserTokens()).toEqual([]);
  });

  test("never has its code exchanged", async () => {
    const callback = await walk(createBrowser());
    callback.searchParams.delete("state");
    const { calls } = shared.service.sandbox.github;
    const before = calls.length;
    await redirect(createBrowser(), callback);
    expect(calls.slice(before)).toEqual([]);
  });

  test("is refused where only links start and nobody could claim it, and makes no call", async () => {
    await shared.startReplica({ INSTALL_MODE: "link" });
    const linkOnly = shared.service.replicas.at(-1)!;
    const { installation_id } = Object.fromEntries((await walk(createBrowser())).searchParams);
    const before = shared.platformCalls();
    for (const route of ["callback", "install"]) {
      const url = new URL(
        `/oauth/${route}/github?installation_id=${installation_id}&setup_action=install`,
        linkOnly.publicUrl,
      );
      expect(await callBack(createBrowser(), url)).toMatchObject({ status: 400, error: { code: "state_missing" } });
    }
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
  });

  test("about a request is told that an owner has to approve", async () => {
    const url = onPublic("/oauth/callback/github", { setup_action: "request" });
    expect(await callBack(createBrowser(), url)).toMatchObject({ status: 409, error: { code: "approval_pending" } });
  });
});

describe("settings that were saved without a state", () => {
  /** A browser with an attempt of this owner open, at the settings page of what was installed before. */
  async function atSettings(owner: string, browser = createBrowser(), replica = shared.service.replicas[0]!) {
    await redirect(browser, new URL(`/oauth/install/github?owner=${owner}`, replica.publicUrl));
    return browser;
  }

  /** Where GitHub sends a person who saves: it has forgotten the state. */
  function saved(installationId: string, rest: Record<string, string> = {}): URL {
    return onPublic("/oauth/callback/github", { installation_id: installationId, setup_action: "update", ...rest });
  }

  async function installedHere(): Promise<string> {
    const callback = await walk(createBrowser());
    return callback.searchParams.get("installation_id") ?? "";
  }

  test.each(["callback", "install"])("finish the open attempt of this browser, by way of /oauth/%s", async (route) => {
    const githubId = await installedHere();
    const browser = await atSettings("team-a");
    const { calls } = shared.service.sandbox.github;
    const before = calls.length;
    const url = saved(githubId, { code: "made-up" });
    url.pathname = `/oauth/${route}/github`;
    const authorize = await redirect(browser, url);
    expect(calls.slice(before)).toEqual([]);
    expect(authorize.pathname).toBe("/login/oauth/authorize");
    expect(Object.fromEntries(authorize.searchParams)).toMatchObject({
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      prompt: "select_account",
    });
    const answer = await callBack(browser, await redirect(browser, authorize));
    expect(answer).toMatchObject({ status: 200, success: true });
    expect(answer.installations).toMatchObject([{ owner: "team-a", external_install_id: githubId }]);
    expect([...browser.cookies]).toEqual([]);
    expect(await livingUserTokens()).toEqual([]);
  });

  test("take no side between attempts of two owners, which both stay open", async () => {
    const githubId = await installedHere();
    const browser = await atSettings("team-b", await atSettings("team-a"));
    expect(await callBack(browser, saved(githubId))).toMatchObject({ status: 400, error: { code: "state_missing" } });
    expect([browser.cookies.size, await stored()]).toEqual([2, 0]);
  });

  test("bind nothing that the person does not administer, whoever sent the browser", async () => {
    const { controls } = shared.service.sandbox.github;
    const githubId = await installedHere();
    const strange = await strangersInstallation();
    for (const [login, id, code] of [
      ["mona", strange, "installation_not_yours"],
      ["reader", githubId, "installation_not_administered"],
    ] as const) {
      const browser = await atSettings("team-a");
      controls.signIn(login);
      const visit = await browser.visit(saved(id), asJson);
      expect([visit.status, JSON.parse(visit.text).error.code]).toEqual([403, code]);
    }
    expect([await stored(), await livingUserTokens()]).toEqual([0, []]);
  });

  test("are of no attempt of another browser", async () => {
    const githubId = await installedHere();
    await atSettings("team-a");
    const visit = await createBrowser().visit(saved(githubId), asJson);
    expect(JSON.parse(visit.text).installations).toMatchObject([{ owner: "" }]);
  });
});

describe("an installation_id that somebody made up", () => {
  test("in a callback with a good code is refused, and leaves no token of the person alive", async () => {
    const strange = await strangersInstallation();
    const browser = createBrowser();
    const callback = await walk(browser);
    callback.searchParams.set("installation_id", strange);
    expect(await callBack(browser, callback)).toMatchObject({
      status: 403,
      success: false,
      error: { code: "installation_not_yours" },
    });
    expect(await stored()).toBe(0);
    expect(await livingUserTokens()).toEqual([]);
  });

  test("in a callback without state is refused after the person has authorized", async () => {
    const strange = await strangersInstallation();
    const url = onPublic("/oauth/callback/github", { installation_id: strange, setup_action: "install" });
    const visit = await createBrowser().visit(url, asJson);
    expect([visit.status, JSON.parse(visit.text).error.code]).toEqual([403, "installation_not_yours"]);
    expect(await stored()).toBe(0);
    expect(await livingUserTokens()).toEqual([]);
  });

  test.each(["0", "-1", "x", "1e3", "99999999999999999999", "50000001%00"])(
    "and is no id at all (%s) is refused",
    async (id) => {
      const browser = createBrowser();
      const callback = await walk(browser);
      callback.searchParams.set("installation_id", id);
      const before = shared.platformCalls();
      const answer = await callBack(browser, callback);
      expect(answer).toMatchObject({ status: 400, error: { code: "malformed_callback" } });
      expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
    },
  );

  test("of another app on the person's own organization is refused", async () => {
    const browser = createBrowser();
    const callback = await walk(browser);
    // The sandbox's first installations belong to other apps of acme.
    callback.searchParams.set("installation_id", "50000001");
    expect(await callBack(browser, callback)).toMatchObject({ status: 403, error: { code: "installation_not_yours" } });
    expect(await stored()).toBe(0);
    expect(await livingUserTokens()).toEqual([]);
  });
});

describe("an installation that was there before", () => {
  /** Installs as the account's admin, and forgets it here. */
  async function installedAt(account: string): Promise<string> {
    const { service, sql } = shared;
    service.sandbox.github.controls.signIn("mona");
    service.sandbox.github.controls.chooseAccount(account);
    const { installations } = await service.connect("github");
    await sql`delete from credentials`;
    await sql`delete from installations`;
    service.clock.advance(60_000);
    return String(installations[0]?.external_install_id);
  }

  /** What a person hears who calls the callback of an attempt of their own with an installation that they can see. */
  async function claimed(login: string, installationId: string, replica = shared.service.replicas[0]!) {
    const { github } = shared.service.sandbox;
    github.controls.signIn(login);
    const browser = createBrowser();
    const query = "?owner=claimant";
    const install = await redirect(browser, new URL(`/oauth/install/github${query}`, replica.publicUrl));
    const authorize = new URL("/login/oauth/authorize", github.url);
    authorize.searchParams.set("client_id", github.app.clientId);
    authorize.searchParams.set("state", install.searchParams.get("state") ?? "");
    const callback = await redirect(browser, authorize);
    callback.searchParams.set("installation_id", installationId);
    callback.searchParams.set("setup_action", "install");
    return callBack(browser, new URL(callback.pathname + callback.search, replica.publicUrl));
  }

  test.each(["reader", "docsy", "hubot"])(
    "is not bound by %s, who sees it and does not administer it",
    async (login) => {
      const acme = await installedAt("acme");
      expect(await claimed(login, acme)).toMatchObject({
        status: 403,
        success: false,
        error: { code: "installation_not_administered" },
      });
      expect([await stored(), await livingUserTokens()]).toEqual([0, []]);
    },
  );

  test("is bound by who administers all its repositories", async () => {
    const globex = await installedAt("globex");
    const answer = await claimed("siteowner", globex);
    expect(answer).toMatchObject({ status: 200, success: true });
    expect(answer.installations).toMatchObject([{ owner: "claimant", external_install_id: globex }]);
  });

  test("is bound by who only sees it where the operator accepts that", async () => {
    const acme = await installedAt("acme");
    await shared.startReplica({ GITHUB_CLAIM_PROOF: "sees" });
    expect(await claimed("reader", acme, shared.service.replicas.at(-1)!)).toMatchObject({ status: 200 });
  });

  test("is bound by an administrator who is asked to install it again", async () => {
    await installedAt("acme");
    const callback = await walk(createBrowser());
    expect(callback.searchParams.get("setup_action")).toBe("update");
    expect(await shared.service.connect("github")).toMatchObject({ success: true });
  });
});

test.each(["https://github.com", "https://evil.example/login/oauth", ""])(
  "an answer from the issuer %j is not believed, and makes no call",
  async (iss) => {
    const browser = createBrowser();
    const callback = await walk(browser);
    callback.searchParams.set("iss", iss);
    const before = shared.platformCalls();
    expect(await callBack(browser, callback)).toMatchObject({ status: 400, error: { code: "wrong_issuer" } });
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
  },
);

test("a callback without iss is believed: not every GitHub sends one", async () => {
  const browser = createBrowser();
  const callback = await walk(browser);
  callback.searchParams.delete("iss");
  expect(await callBack(browser, callback)).toMatchObject({ status: 200, success: true });
});

test("a person whose e-mail address is not verified is told to verify it", async () => {
  shared.service.sandbox.github.controls.signIn("newcomer");
  const answer = await shared.service.connect("github");
  expect(answer).toMatchObject({ success: false, error: { code: "unverified_email" } });
  expect(await stored()).toBe(0);
});

test("a code is exchanged once, whatever becomes of it", async () => {
  const { calls, controls } = shared.service.sandbox.github;
  const browser = createBrowser();
  const callback = await walk(browser);
  controls.fail("lost");
  const before = calls.length;
  expect(await callBack(browser, callback)).toMatchObject({ status: 502, error: { code: "provider_unavailable" } });
  expect(calls.slice(before).filter(({ path }) => path === codeExchange)).toHaveLength(1);
});
