import { describe, expect, test } from "vitest";
import type { FinishOutcome, FinishRequest } from "../../../src/domain/connecting/browser-flow.ts";
import type { InstallFailure } from "../../../src/domain/model/install-failure.ts";
import { ServiceError } from "../../../src/errors.ts";
import { Secret } from "../../../src/secret.ts";
import { failureTexts } from "../../../src/web/browser/failures.ts";
import { connects, installation, startedAttempt, startSite } from "../support/site.ts";
import { parseStrictHtml } from "../support/strict-html.ts";

const json = { accept: "application/json" };

describe("the callback route", () => {
  test("shows a page that says what is connected, and forgets the cookie", async () => {
    const site = await startSite();
    const path = "/oauth/callback/slack?code=c&state=state-1";
    const headers = { cookie: "other=1; ots-n-state-1=browser-of-state-1; theme=dark" };
    const told = await site.ask(path, { headers });
    expect([told.status, told.text, told.setCookies[0]]).toEqual([
      303,
      "",
      "ots-n-state-1=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
    ]);
    const answer = await site.show(path, { headers });
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    const { text, elements } = parseStrictHtml(answer.text);
    expect(text).toContain("Slack is connected");
    expect(text).toContain("Acme");
    expect(text).toContain("You can close this window.");
    expect(elements.filter(({ name }) => name === "a")).toEqual([]);
    expect(answer.setCookies).toEqual([]);
  });

  test("links back to return_to, and only to an origin that is still allowed", async () => {
    const linkOf = async (returnTo: string) => {
      const site = await startSite({ finishInstall: connects([installation()], returnTo) });
      const answer = await site.show("/oauth/callback/slack?code=c&state=s", {
        headers: { cookie: "ots-n-s=browser-of-s" },
      });
      expect(answer.status).toBe(200);
      return parseStrictHtml(answer.text)
        .elements.find(({ name }) => name === "a")
        ?.attributes.get("href");
    };
    expect(await linkOf('https://portal.example/done?q="><b>&x=1')).toBe(
      "https://portal.example/done?q=%22%3E%3Cb%3E&x=1",
    );
    expect(await linkOf("https://elsewhere.example/")).toBeUndefined();
    expect(await linkOf("javascript:alert(1)")).toBeUndefined();
  });

  test("answers in JSON with the contract's field names and the first installation's id", async () => {
    const first = installation({
      platform: "jira",
      products: ["jira", "confluence"],
      status: "reauthorization_required",
      externalInstallId: "77",
      owner: "acme",
      permissions: { contents: "read" },
      installedBy: "ann",
      metadata: { url: "https://acme.example" },
      tokenExpiresAt: new Date("2026-03-01T13:00:00Z"),
      lastRefreshedAt: new Date("2026-03-01T12:00:00Z"),
      lastUsedAt: new Date("2026-03-01T12:30:00Z"),
      lastError: "unavailable",
      revokedAt: new Date("2026-03-02T12:00:00Z"),
    });
    const second = installation({ id: "0195e3a0-0000-7000-8000-000000000002" });
    const site = await startSite({ finishInstall: connects([first, second]) });
    const headers = { ...json, cookie: "ots-n-s=browser-of-s" };
    const answer = await site.ask("/oauth/callback/jira?code=c&state=s", { headers });
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/json; charset=utf-8"]);
    expect(JSON.parse(answer.text)).toEqual({
      success: true,
      installation_id: first.id,
      installations: [
        {
          id: first.id,
          platform: "jira",
          status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
          external_org_id: "T1",
          external_org_name: "Acme",
          external_install_id: "77",
          owner: "acme",
          scopes: ["chat:write"],
          permissions: { contents: "read" },
          installed_by: "ann",
          metadata: { url: "https://acme.example" },
          token_expire_time: "2026-03-01T13:00:00.000Z",
          last_refresh_time: "2026-03-01T12:00:00.000Z",
          last_error: "unavailable",
          last_used_time: "2026-03-01T12:30:00.000Z",
          create_time: "2026-03-01T12:00:00.500Z",
          update_time: "2026-03-01T12:00:00.500Z",
          revoke_time: "2026-03-02T12:00:00.000Z",
        },
        expect.objectContaining({ id: second.id, status: "INSTALLATION_STATUS_ACTIVE", owner: "" }),
      ],
    });
    expect(answer.setCookies).toHaveLength(1);
  });

  test.each(["text/html", "application/json"])(
    "takes a completion code to where the link said, and shows it to nobody who asks for %s",
    async (accept) => {
      const site = await startSite({
        allowedReturnOrigins: [],
        finishInstall: async () => ({
          ...{ kind: "pending", installations: [installation({ status: "pending" })], bindingName: "told" },
          continueAt: new Secret("https://own.example/done?a=1&completion_code=the-code"),
          completionCode: new Secret("the-code"),
        }),
      });
      const answer = await site.ask("/oauth/callback/slack?state=s", { headers: { accept } });
      expect([answer.status, answer.headers.location, answer.text]).toEqual([
        302,
        "https://own.example/done?a=1&completion_code=the-code",
        "",
      ]);
      expect(answer.headers["referrer-policy"]).toBe("no-referrer");
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(answer.setCookies).toEqual(["ots-told=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]);
      expect(site.world.lines.join()).not.toContain("the-code");
    },
  );

  test("offers the way back that a link was checked for, whatever is allowed to others", async () => {
    const finishInstall = async () => ({
      kind: "connected" as const,
      installations: [installation()],
      returnTo: "https://own.example/done",
      fromLink: true,
      bindingName: "told",
    });
    const site = await startSite({ allowedReturnOrigins: [], finishInstall });
    expect((await site.show("/oauth/callback/slack?state=s")).text).toContain('href="https://own.example/done"');
  });

  test("forgets the cookie it is told to", async () => {
    const finishInstall = async () =>
      ({
        kind: "connected",
        installations: [installation()],
        returnTo: undefined,
        fromLink: false,
        bindingName: "told",
      }) as const;
    const site = await startSite({ finishInstall });
    const answer = await site.ask("/oauth/callback/slack?state=s");
    expect(answer.setCookies[0]).toBe("ots-told=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
  });

  test("goes on to the next leg with a cookie of its own in place of the last one", async () => {
    const site = await startSite({
      finishInstall: async ({ binding }) => {
        binding("n-first");
        return { kind: "continue", next: startedAttempt("second") };
      },
    });
    const answer = await site.ask("/oauth/callback/github?state=first", { headers: { cookie: "ots-n-first=x" } });
    expect([answer.status, answer.headers.location, answer.text]).toEqual([
      302,
      "https://platform.example/authorize?state=second",
      "",
    ]);
    expect(answer.setCookies).toEqual([
      "ots-n-first=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
      "ots-n-second=browser-of-second; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
    ]);
  });

  test("tells all bindings of the browser, and forgets of them only the one that was looked up", async () => {
    const told: (readonly string[])[] = [];
    const site = await startSite({
      finishInstall: async ({ binding, bindings }) => {
        told.push(bindings());
        binding("n-b");
        return { kind: "continue", next: startedAttempt("next") };
      },
    });
    const cookie = 'theme=dark; ots-n-a=of-a; other-ots-n=1; ots-n-b=of-b; ots-n-c=; ots-n-d="of-d"; ots-n-e';
    const answer = await site.ask("/oauth/callback/github?installation_id=7", { headers: { cookie } });
    await site.ask("/oauth/callback/github?installation_id=7");
    expect(told).toEqual([["of-a", "of-b"], []]);
    expect(answer.setCookies).toEqual([
      "ots-n-b=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
      "ots-n-next=browser-of-next; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
    ]);
  });

  test("takes repeated parameters and broken encoding for malformed, without spending the state", async () => {
    const finished: FinishRequest[] = [];
    const site = await startSite({
      finishInstall: async (request) => {
        finished.push(request);
        return { kind: "failed", failure: "state_missing", platform: "slack" };
      },
    });
    for (const query of [
      "state=a&state=b",
      "code=a&code=b&state=s",
      "x=1&x=1",
      "state=%zz",
      "state=%C3%28",
      "state=%",
    ]) {
      const answer = await site.ask(`/oauth/callback/slack?${query}`, { headers: json });
      expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([400, "malformed_callback"]);
    }
    expect(finished).toEqual([]);
  });

  test("two attempts in one browser do not disturb each other", async () => {
    const site = await startSite();
    const jar = new Map<string, string>();
    const visit = async (path: string) => {
      const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
      const answer = await site.ask(path, { headers: { ...(cookie !== "" && { cookie }), ...json } });
      for (const line of answer.setCookies) {
        const [name = "", value = ""] = line.split(";")[0]?.split("=") ?? [];
        if (line.includes("Max-Age=0")) jar.delete(name);
        else jar.set(name, value);
      }
      return answer;
    };
    await visit("/oauth/install/slack");
    await visit("/oauth/install/slack");
    expect([...jar.keys()]).toEqual(["ots-n-state-1", "ots-n-state-2"]);
    expect((await visit("/oauth/callback/slack?code=c&state=state-2")).status).toBe(200);
    expect([...jar.keys()]).toEqual(["ots-n-state-1"]);
    expect((await visit("/oauth/callback/slack?code=c&state=state-1")).status).toBe(200);
    expect([...jar.keys()]).toEqual([]);
    expect((await visit("/oauth/callback/slack?code=c&state=state-1")).status).toBe(400);
  });
});

describe("a failed attempt", () => {
  const failures = Object.keys(failureTexts).filter(
    (code): code is InstallFailure => !/^(invalid|not_f|method)/.test(code),
  );

  test.each(failures)("%s has a status from 400 to 502, a page and an error that say what to do", async (failure) => {
    const finishInstall = async (): Promise<FinishOutcome> => ({ kind: "failed", failure, platform: "github" });
    const site = await startSite({ finishInstall });
    const page = await site.show("/oauth/callback/github?error=x&error_description=raw-text&state=s");
    const error = await site.ask("/oauth/callback/github?error=x&error_description=raw-text&state=s", {
      headers: json,
    });
    expect(page.status).toBe(error.status);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(page.status).toBeLessThanOrEqual(502);
    if (failure.startsWith("state_")) expect(page.status).toBe(400);
    const body = JSON.parse(error.text);
    expect(body).toEqual({
      success: false,
      error: { code: failure, message: expect.any(String), action: expect.any(String) },
    });
    expect(body.error.message).toMatch(/^[A-Z]/);
    const { text } = parseStrictHtml(page.text);
    for (const shown of [body.error.message, body.error.action, failure]) expect(text).toContain(shown);
    expect(text).not.toMatch(/[{}]|raw-text/);
  });

  test("offers to connect again in open mode only, and only where that helps", async () => {
    const linkFor = async (failure: InstallFailure, installMode: "open" | "link") => {
      const finishInstall = async (): Promise<FinishOutcome> => ({ kind: "failed", failure, platform: "jira" });
      const site = await startSite({ installMode, finishInstall });
      const answer = await site.show("/oauth/callback/jira?state=s");
      const link = parseStrictHtml(answer.text).elements.find(({ name }) => name === "a");
      return link && new URL(link.attributes.get("href") ?? "").pathname;
    };
    expect(await linkFor("state_expired", "open")).toBe("/oauth/install/jira");
    expect(await linkFor("state_expired", "link")).toBeUndefined();
    expect(await linkFor("provider_misconfigured", "open")).toBeUndefined();
  });

  test.each([
    ["denied", 1],
    ["code_rejected", 1],
    ["state_already_used", 1],
    ["state_other_browser", 0],
    ["state_other_platform", 0],
    ["service_unavailable", 0],
  ] as const)("%s clears %i cookie", async (failure, cleared) => {
    const site = await startSite({
      finishInstall: async ({ binding, platform }) => {
        binding("n-s");
        binding("n-absent");
        return { kind: "failed", failure, platform };
      },
    });
    const answer = await site.ask("/oauth/callback/slack?state=s", { headers: { cookie: "ots-n-s=x" } });
    expect(answer.setCookies.filter((line) => line.startsWith("ots-n-s=; Max-Age=0"))).toHaveLength(cleared);
  });

  test("is what an unreachable database looks like, and a bug is an internal error without its text", async () => {
    const answerTo = async (error: Error) => {
      const site = await startSite({ finishInstall: () => Promise.reject(error) });
      const answer = await site.ask("/oauth/callback/slack?code=c&state=s", { headers: json });
      expect(answer.text + site.world.lines.join()).not.toContain("secret-text");
      return [answer.status, JSON.parse(answer.text).error.code];
    };
    expect(await answerTo(new ServiceError("SERVICE_UNAVAILABLE", "secret-text"))).toEqual([
      502,
      "service_unavailable",
    ]);
    expect(await answerTo(new Error("secret-text\n    at secret-text (file:///secret-text)"))).toEqual([
      500,
      "internal_error",
    ]);
    expect(await answerTo(new Error("x", { cause: new TypeError("secret-text") }))).toEqual([500, "internal_error"]);
  });
});

describe("negotiation", () => {
  test.each([
    [undefined, "html"],
    ["*/*", "html"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"],
    ["text/html, application/json", "html"],
    ["application/json;q=0.5, text/html", "html"],
    ["image/png", "html"],
    ["application/json", "json"],
    ["application/json, text/plain, */*", "json"],
    ["text/html;q=0.5, application/json", "json"],
    ["application/*", "json"],
  ])("Accept: %s gets %s", async (accept, kind) => {
    const site = await startSite();
    const asked = { headers: accept === undefined ? {} : { accept } };
    const answer = await site[kind === "json" ? "ask" : "show"]("/oauth/callback/slack?state=s", asked);
    expect(answer.headers["content-type"]).toContain(kind);
  });
});
