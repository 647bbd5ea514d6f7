import { describe, expect, test } from "vitest";
import type { FinishRequest } from "../../../src/domain/connecting/browser-flow.ts";
import { ServiceError } from "../../../src/errors.ts";
import { startedAttempt, startSite } from "../support/site.ts";

describe("the install route", () => {
  test("sends the browser to the platform, with a cookie for this attempt and no body", async () => {
    const site = await startSite();
    const answer = await site.ask(
      "/oauth/install/slack?owner=acme&return_to=https%3A%2F%2Fportal.example%2Fdone%3Fa%3D1",
    );
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe("https://platform.example/authorize?state=state-1");
    expect(answer.text).toBe("");
    expect(answer.setCookies).toEqual([
      "ots-n-state-1=browser-of-state-1; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
    ]);
    expect(site.starts).toEqual([{ platform: "slack", owner: "acme", returnTo: "https://portal.example/done?a=1" }]);
  });

  test("takes empty parameters for absent ones", async () => {
    const site = await startSite();
    expect((await site.ask("/oauth/install/slack?owner=&return_to=")).status).toBe(302);
    expect(site.starts).toEqual([{ platform: "slack", owner: undefined, returnTo: undefined }]);
  });

  test.each([
    ["an owner of 257 characters", `owner=${"é".repeat(257)}`],
    ["an owner with a control character", "owner=a%00b"],
    ["a repeated parameter", "owner=a&owner=b"],
    ["broken percent-encoding", "owner=%E0%A4%A"],
    ["bytes that are not UTF-8", "owner=%FF"],
  ])("refuses %s", async (_what, query) => {
    const site = await startSite();
    const answer = await site.ask(`/oauth/install/slack?${encodeURI(query).replaceAll("%25", "%")}`);
    expect(answer.status).toBe(400);
    expect(site.starts).toEqual([]);
  });

  test("takes an owner of 256 characters, however many bytes they have", async () => {
    const site = await startSite();
    expect((await site.ask(`/oauth/install/slack?owner=${encodeURIComponent("😀".repeat(256))}`)).status).toBe(302);
  });

  test.each(["", "?link=made-up", "?owner=acme"])("needs a link in link mode: %j is refused", async (query) => {
    const site = await startSite({ installMode: "link" });
    const answer = await site.ask(`/oauth/install/slack${query}`, { headers: { accept: "application/json" } });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([403, "link_required"]);
    expect([site.starts, answer.setCookies]).toEqual([[], []]);
  });

  test("leaves everything to a link, whatever else the query says and whoever may start", async () => {
    for (const installMode of ["open", "link"] as const) {
      const asked: unknown[] = [];
      const site = await startSite({
        installMode,
        startFromLink: async ({ platform, link }) => {
          asked.push([platform, link.reveal()]);
          return { kind: "started", attempt: startedAttempt("linked") };
        },
      });
      const query = "link=the-secret&owner=mallory&return_to=https%3A%2F%2Fevil.example%2F";
      const answer = await site.ask(`/oauth/install/jira?${query}`);
      expect([answer.status, answer.headers.location]).toEqual([
        302,
        "https://platform.example/authorize?state=linked",
      ]);
      expect(answer.setCookies).toEqual([
        "ots-n-linked=browser-of-linked; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
      ]);
      expect([asked, site.starts]).toEqual([[["jira", "the-secret"]], []]);
      expect(site.world.lines.join()).not.toContain("the-secret");
    }
  });

  test.each([
    ["link_required", "A valid link is needed to connect", "gives you a fresh link"],
    ["link_expired", "This link to connect Slack is too old", "start there again"],
    ["link_already_used", "This link to connect Slack was used already", "start again in the product"],
  ] as const)("says what to do about %s", async (failure, title, advice) => {
    const site = await startSite({ startFromLink: async () => ({ kind: "refused", failure }) });
    const page = await site.ask("/oauth/install/slack?link=x", { headers: { accept: "text/html" } });
    expect(page.status).toBe(403);
    expect(page.text).toContain(title);
    expect(page.text).toContain(advice);
    expect([page.setCookies, page.text.includes("Connect again")]).toEqual([[], false]);
  });

  test("answers a link that cannot be looked up like any other start", async () => {
    const startFromLink = async () => {
      throw new ServiceError("SERVICE_UNAVAILABLE", "the message for callers");
    };
    const site = await startSite({ startFromLink });
    const answer = await site.ask("/oauth/install/slack?link=x", { headers: { accept: "application/json" } });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([502, "service_unavailable"]);
  });

  test("does not start without the owner of a link that is not valid, in open mode either", async () => {
    const site = await startSite();
    expect((await site.ask("/oauth/install/slack?link=made-up")).status).toBe(403);
    expect(site.starts).toEqual([]);
  });

  test.each([
    ["INVALID_REQUEST", 404, "platform_unknown"],
    ["PLATFORM_NOT_CONFIGURED", 404, "platform_not_configured"],
    ["SERVICE_UNAVAILABLE", 502, "service_unavailable"],
  ] as const)("answers %s with %i %s", async (reason, status, code) => {
    const startInstall = async () => {
      throw new ServiceError(reason, "the message for callers");
    };
    const site = await startSite({ startInstall });
    const answer = await site.ask("/oauth/install/nothing", { headers: { accept: "application/json" } });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    expect(answer.text).not.toContain("the message for callers");
  });

  test.each(["open", "link"] as const)(
    "is the callback when it names an installation, in %s mode",
    async (installMode) => {
      const finished: FinishRequest[] = [];
      const site = await startSite({
        installMode,
        finishInstall: async (request) => {
          finished.push(request);
          return { kind: "continue", next: startedAttempt("second") };
        },
      });
      const answer = await site.ask("/oauth/install/github?installation_id=7&setup_action=install&code=c&state=s");
      expect(answer.headers.location).toBe("https://platform.example/authorize?state=second");
      expect(site.starts).toEqual([]);
      expect(finished.map(({ platform, mayStart, query }) => [platform, mayStart, String(query)])).toEqual([
        ["github", installMode === "open", "installation_id=7&setup_action=install&code=c&state=s"],
      ]);
    },
  );
});
