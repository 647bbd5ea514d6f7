import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Browser, createBrowser } from "../../rig/browser.ts";
import { asJson, startService, type TestService } from "../support/service.ts";
import { type Caller, createCaller } from "./support/caller.ts";
import { callBack, redirect } from "./support/flow.ts";
import { complete, type EventMessage, eventsOf, makeLink, openLink, portal } from "./support/links.ts";
import { isAccepted } from "./support/platform-api.ts";
import { notePlatformSecrets, type PlatformSecrets } from "./support/platform-secrets.ts";

const back = `${portal}/done?tab=1&x=a%20b`;
const platforms = ["github", "github-oauth", "jira", "slack"] as const;
type Name = (typeof platforms)[number];

/** What the platform is asked to end for one attempt; `beside`: while something live belongs to the same grant. */
const ended: Record<Name, { readonly alone: number; readonly beside: number }> = {
  github: { alone: 0, beside: 0 },
  "github-oauth": { alone: 1, beside: 1 },
  jira: { alone: 1, beside: 0 },
  // Access and refresh token, of the bot and of the person.
  slack: { alone: 4, beside: 4 },
};
const installed: Record<Name, number> = { github: 1, "github-oauth": 1, jira: 2, slack: 1 };

describe.each(["postgres", "embedded"])("on %s", (database) => {
  let service: TestService;
  let callers: Caller[];
  let secrets: PlatformSecrets;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "oauth-token-service-binding-"));
    secrets = notePlatformSecrets();
    const where = database === "embedded" ? { DATABASE_URL: "", DATA_DIR: directory } : {};
    service = await startService({
      replicas: database === "embedded" ? 1 : 2,
      env: { INSTALL_MODE: "link", ALLOWED_RETURN_ORIGINS: portal, ...where },
      fetch: secrets.fetch,
    });
    callers = service.replicas.map(createCaller);
  });
  afterAll(async () => {
    for (const caller of callers ?? []) caller.close();
    await service?.close();
    await rm(directory, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const { id, status } of (await caller().list({ page_size: 500 })).installations) {
      if (status !== "INSTALLATION_STATUS_REVOKED") await caller().call("RevokeInstallation", { installation_id: id });
    }
  });

  let seen: ReadonlyMap<string, number>;
  const kinds = [
    ...["link.created", "install.finished", "install.failed", "install.completed"],
    ...["install.binding_rejected", "install.expired"],
  ];
  beforeEach(async () => {
    seen = new Map(
      await Promise.all(kinds.map(async (kind) => [kind, (await eventsOf(caller(), kind)).length] as const)),
    );
  });
  /** What was put on record since the test began. */
  async function recorded(kind: string): Promise<readonly EventMessage[]> {
    const all = await eventsOf(caller(), kind);
    return all.slice(0, all.length - (seen.get(kind) ?? 0));
  }

  const caller = () => callers[0]!;
  const other = () => callers.at(-1)!;

  /** Requests by which a platform is told to end something. */
  function revocations(): number {
    const { github, atlassian, slack } = service.sandbox;
    const all = [...github.calls, ...atlassian.calls, ...slack.calls];
    return all.filter(({ method, path }) => method === "DELETE" || /revo/.test(path)).length;
  }

  async function listed(status: string): Promise<readonly string[]> {
    const { installations } = await caller().list({ page_size: 500, status: `INSTALLATION_STATUS_${status}` });
    return installations.map(({ id }) => id);
  }

  /** A person opens the owner's link, agrees at the platform and is sent back with a code. */
  async function finish(platform: Name, owner: string, browser: Browser = createBrowser()): Promise<string> {
    const link = await makeLink(caller(), { platform, owner, return_to: back });
    const target = await redirect(browser, await openLink(browser, link));
    expect(target.href.startsWith(`${back}&completion_code=`), target.href).toBe(true);
    return target.searchParams.get("completion_code")!;
  }

  describe.each(platforms)("%s", (platform) => {
    const base = () =>
      caller()
        .call("GetToken", { platform, owner: "acme" })
        .then(({ error }) => error?.code);

    test("completed by its owner is active and served, once and from any replica", async () => {
      const code = await finish(platform, "acme");
      const pending = await listed("PENDING");
      expect(pending).toHaveLength(installed[platform]);
      for (const installation_id of pending) {
        expect(await caller().refusal({ installation_id })).toMatchObject({ reason: "INSTALLATION_NOT_FOUND" });
      }
      expect(await base()).toBe(5);
      const { installations = [] } = await complete(other(), code, "acme");
      expect(installations.map(({ id, status, owner }) => [id, status, owner]).sort()).toEqual(
        pending.map((id) => [id, "INSTALLATION_STATUS_ACTIVE", "acme"]).sort(),
      );
      const token = await caller().token({ platform, installation_id: pending[0] });
      expect(await isAccepted(platform, token)).toBe(true);
      const again = await complete(caller(), code, "acme");
      expect(again.refusal).toMatchObject({ reason: "INVALID_REQUEST", fields: ["completion_code"] });
      const rows = await Promise.all(["link.created", "install.finished", "install.completed"].map(recorded));
      expect(rows.map((all) => all.length)).toEqual([1, installed[platform], installed[platform]]);
      for (const row of rows.flat()) expect(row).toMatchObject({ caller: "anonymous", owner: "acme", platform });
      expect(rows[2]!.map((row) => row.installation_id).sort()).toEqual([...pending].sort());
    });

    test("started in one browser and finished in another comes to nothing", async () => {
      const [mine, theirs] = [createBrowser(), createBrowser()];
      const link = await makeLink(caller(), { platform, owner: "acme", return_to: back });
      const callback = await openLink(mine, link);
      const before = revocations();
      const answer = await callBack(theirs, callback);
      expect(answer).toMatchObject({ status: 400, success: false, error: { code: "state_other_browser" } });
      expect([await listed("PENDING"), await listed("ACTIVE"), revocations() - before]).toEqual([[], [], 0]);
      expect(await recorded("install.failed")).toMatchObject([
        { owner: "acme", platform, detail: "state_other_browser", caller: "anonymous" },
      ]);
      expect(await recorded("install.finished")).toEqual([]);
    });

    test("completed for another owner is undone, here and at the platform, and the right one comes too late", async () => {
      const obtained = secrets.accessTokens.length;
      const code = await finish(platform, "acme");
      const before = revocations();
      const wrong = await complete(caller(), code, "globex");
      const late = await complete(caller(), code, "acme");
      const madeUp = await complete(caller(), "made-up", "acme");
      expect(wrong.refusal).toMatchObject({ reason: "INVALID_REQUEST", fields: ["completion_code"] });
      expect([late.refusal, madeUp.refusal]).toEqual([wrong.refusal, wrong.refusal]);
      expect([await listed("PENDING"), await listed("ACTIVE")]).toEqual([[], []]);
      expect(revocations() - before).toBe(ended[platform].alone);
      await expectDead(platform, secrets.accessTokens.slice(obtained));
      expect(await recorded("install.binding_rejected")).toMatchObject([
        { owner: "acme", platform, method: "CompleteInstall" },
      ]);
      expect([await recorded("install.completed"), await recorded("install.expired")]).toEqual([[], []]);
      expect(await base()).toBe(5);
    });

    test("completed by nobody is undone after five minutes, by one replica", async () => {
      const obtained = secrets.accessTokens.length;
      const code = await finish(platform, "acme");
      const before = revocations();
      await expire(290_000);
      expect(await listed("PENDING")).toHaveLength(installed[platform]);
      await expire(11_000);
      expect([await listed("PENDING"), await listed("ACTIVE")]).toEqual([[], []]);
      expect(revocations() - before).toBe(ended[platform].alone);
      await expectDead(platform, secrets.accessTokens.slice(obtained));
      expect(await recorded("install.expired")).toMatchObject([
        { owner: "acme", platform, caller: "service", detail: "not_completed" },
      ]);
      expect((await complete(caller(), code, "acme")).refusal).toMatchObject({ reason: "INVALID_REQUEST" });
    });

    test.each(["the wrong owner", "nobody"])(
      "completed by %s leaves what is live alone, also hours later",
      async (whom) => {
        await complete(caller(), await finish(platform, "acme"), "acme");
        const live = await listed("ACTIVE");
        const token = await caller().token({ installation_id: live[0] });
        const obtained = secrets.accessTokens.length;
        const code = await finish(platform, "acme");
        const made = secrets.accessTokens.slice(obtained);
        expect(await isAccepted(platform, await caller().token({ installation_id: live[0] }))).toBe(true);
        const before = revocations();
        if (whom === "nobody") await expire(301_000);
        else await complete(caller(), code, "globex");
        expect(revocations() - before).toBe(ended[platform].beside);
        if (ended[platform].beside > 0) await expectDead(platform, made.slice(0, platform === "slack" ? 2 : 1));
        // What callers were given before keeps working, too.
        expect(await isAccepted(platform, token)).toBe(true);
        expect(await listed("ACTIVE")).toEqual(live);
        expect(await listed("PENDING")).toEqual([]);
        expect(await recorded(whom === "nobody" ? "install.expired" : "install.binding_rejected")).toHaveLength(1);
        service.clock.advance(600_000);
        const rejected_token_id = (await caller().token({ installation_id: live[0] })).token_id;
        const next = await caller().token({ installation_id: live[0], rejected_token_id });
        expect(await isAccepted(platform, next)).toBe(true);
        if (platform === "github-oauth" || platform === "jira") expect(next.token_id).not.toBe(token.token_id);
      },
    );

    test("connected again is the same installation with the new grant, and nothing is revoked for it", async () => {
      await complete(caller(), await finish(platform, "acme"), "acme");
      const live = await listed("ACTIVE");
      const code = await finish(platform, "acme");
      const before = revocations();
      const { installations = [] } = await complete(caller(), code, "acme");
      expect(installations.map(({ id }) => id).sort()).toEqual([...live].sort());
      expect([revocations() - before, await listed("PENDING")]).toEqual([0, []]);
      expect(await isAccepted(platform, await caller().token({ installation_id: live[0] }))).toBe(true);
      expect(new Set((await recorded("install.completed")).map(({ detail }) => detail))).toEqual(
        new Set(["connected", "connected_again"]),
      );
    });
  });

  test("an organization that is another owner's is refused in the callback, and the other one keeps it", async () => {
    await complete(caller(), await finish("slack", "acme"), "acme");
    const [live] = await listed("ACTIVE");
    const browser = createBrowser();
    const link = await makeLink(caller(), { platform: "slack", owner: "globex", return_to: back });
    const answer = await callBack(browser, await openLink(browser, link));
    expect(answer).toMatchObject({ status: 409, error: { code: "installation_taken" } });
    expect(await listed("PENDING")).toEqual([]);
    service.clock.advance(600_000);
    const { token_id } = await caller().token({ installation_id: live });
    expect(
      await isAccepted("slack", await caller().token({ installation_id: live, rejected_token_id: token_id })),
    ).toBe(true);
  });

  test("of two owners who connect one organization the first to complete gets it", async () => {
    const [mine, theirs] = [await finish("github", "acme"), await finish("github", "globex")];
    expect((await complete(caller(), theirs, "globex")).installations).toHaveLength(1);
    expect((await complete(caller(), mine, "acme")).refusal).toMatchObject({ reason: "INSTALLATION_TAKEN" });
    expect([await listed("PENDING"), (await listed("ACTIVE")).length]).toEqual([[], 1]);
    expect(await recorded("install.failed")).toMatchObject([{ owner: "acme", detail: "installation_taken" }]);
    expect(await isAccepted("github", await caller().token({ platform: "github", owner: "globex" }))).toBe(true);
  });

  test("a pending installation that is revoked takes its whole attempt along, and uninstalls nothing", async () => {
    await complete(caller(), await finish("github", "acme"), "acme");
    const code = await finish("github", "acme");
    const before = revocations();
    const [pending] = await listed("PENDING");
    expect(await caller().revoke(pending!)).toMatchObject({
      installation: { id: pending, status: "INSTALLATION_STATUS_REVOKED" },
    });
    expect([revocations() - before, await listed("PENDING")]).toEqual([0, []]);
    expect((await complete(caller(), code, "acme")).refusal).toMatchObject({ reason: "INVALID_REQUEST" });
    expect(await isAccepted("github", await caller().token({ platform: "github" }))).toBe(true);
  });

  test("a link of no owner completes in the callback, and one of a caller that vouches too", async () => {
    for (const request of [{ platform: "slack" }, { platform: "slack", owner: "acme", complete_in_callback: true }]) {
      const browser = createBrowser();
      const answer = await callBack(browser, await openLink(browser, await makeLink(caller(), request)));
      expect(answer).toMatchObject({ status: 200, success: true });
      expect(answer.installations).toMatchObject([
        { status: "INSTALLATION_STATUS_ACTIVE", owner: request.owner ?? "" },
      ]);
      await caller().revoke(answer.installation_id);
    }
  });

  test("a link works once, for its platform and in its time, and a refusal says what to do", async () => {
    const link = await makeLink(caller(), { platform: "jira" });
    const get = (url: URL) => createBrowser().get(url, asJson);
    const elsewhere = new URL(link);
    elsewhere.pathname = "/oauth/install/slack";
    const code = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;
    const wrong = await get(elsewhere);
    expect([wrong.status, await code(wrong)]).toEqual([403, "link_required"]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => {
        const replica = new URL(link.pathname + link.search, service.replicas[n % service.replicas.length]!.publicUrl);
        return get(n === 0 ? link : replica);
      }),
    );
    const started = answers.filter(({ status }) => status === 302);
    expect(started).toHaveLength(1);
    const used = answers.find(({ status }) => status === 403)!;
    expect(await code(used)).toBe("link_already_used");

    const late = await makeLink(caller(), { platform: "jira", ttl: { seconds: 60 } });
    service.clock.advance(60_001);
    const expired = await get(late);
    expect([expired.status, await code(expired)]).toEqual([403, "link_expired"]);
    const page = await createBrowser().visit(late);
    expect(page.text).toContain("This link to connect Jira is too old");
    expect(page.text).toContain("start there again");
    const none = await get(new URL("/oauth/install/jira?owner=acme", link));
    expect([none.status, await code(none)]).toEqual([403, "link_required"]);
  });

  test("scopes of a link are asked for in addition, and only by that link", async () => {
    const scopesOf = async (request: Record<string, unknown>) => {
      const consent = await redirect(createBrowser(), await makeLink(caller(), request));
      return consent.searchParams.get("scope")!.split(/[ ,]/);
    };
    for (const [platform, scope] of [
      ["jira", "read:me"],
      ["slack", "files:read"],
      ["github-oauth", "gist"],
    ] as const) {
      const usual = await scopesOf({ platform });
      expect(await scopesOf({ platform, scopes: [scope, usual[0]] }), platform).toEqual(
        expect.arrayContaining([...usual, scope]),
      );
      expect((await scopesOf({ platform })).sort()).toEqual([...usual].sort());
    }
  });

  test("a link that reconnects an installation takes back the same organization and no other", async () => {
    await complete(caller(), await finish("slack", "acme"), "acme");
    const [installation_id] = await listed("ACTIVE");
    const request = { platform: "slack", installation_id, return_to: back };
    service.sandbox.slack.controls.chooseTeam("T0GLOBEX1");
    const browser = createBrowser();
    const other = await callBack(browser, await openLink(browser, await makeLink(caller(), request)));
    expect(other).toMatchObject({ status: 409, error: { code: "reconnected_other" } });
    expect([await listed("PENDING"), await listed("ACTIVE")]).toEqual([[], [installation_id]]);
    service.sandbox.slack.controls.chooseTeam("T0ACME001");
    const target = await redirect(browser, await openLink(browser, await makeLink(caller(), request)));
    const { installations } = await complete(caller(), target.searchParams.get("completion_code")!, "acme");
    expect(installations).toMatchObject([{ id: installation_id, owner: "acme" }]);
  });

  test("nothing of a link or a code stands in a log line", () => {
    const lines = service.world.lines.join("\n");
    expect(lines).not.toMatch(/completion_code|[?&]link=/);
    expect(secrets.all.filter((secret) => lines.includes(secret))).toEqual([]);
  });

  async function expire(afterMs: number): Promise<void> {
    service.clock.advance(afterMs);
    await Promise.all(service.replicas.map(({ jobs }) => jobs.run("expire pending")));
  }

  /** Of a GitHub App no token of the attempt is left to try. */
  async function expectDead(platform: Name, tokens: readonly string[]): Promise<void> {
    if (platform === "github") return;
    expect(tokens.length).toBeGreaterThan(0);
    const { github, atlassian, slack } = service.sandbox;
    const probe = { "github-oauth": github.apiUrl, jira: `${atlassian.url}/ex/jira/none`, slack: `${slack.url}/api` };
    for (const access_token of tokens) {
      expect(await isAccepted(platform, { access_token, api_base_url: probe[platform] })).toBe(false);
    }
  }
});
