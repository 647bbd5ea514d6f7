import { get } from "node:http";
import { describe, expect, test } from "vitest";
import type { LinkPayload } from "../../../../src/domain/links/link-payload.ts";
import { ServiceError } from "../../../../src/errors.ts";
import { Secret } from "../../../../src/secret.ts";
import type { PublicAppOptions } from "../../../../src/web/browser/public-app.ts";
import { call } from "../../../support/call.ts";
import { type MemoryLinks, memoryLinks } from "../../support/memory-links.ts";
import { installation, startSite } from "../../support/site.ts";

const json = { "content-type": "application/json" };

async function site(options: Partial<PublicAppOptions> = {}, change: (links: MemoryLinks) => void = () => undefined) {
  const links = memoryLinks(new Date());
  change(links);
  return { ...(await startSite({ links, startLink: links.startLink, ...options })), links };
}

describe("POST /v1/link-code", () => {
  test("answers what the contract says, and nothing else", async () => {
    const { ask, links } = await site();
    const headers = { ...json, authorization: "Bearer ots_key" };
    const answer = await ask("/v1/link-code", {
      method: "POST",
      headers,
      body: '{"platform":"jira","client_name":"ci"}',
    });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      {
        link_code: links.code,
        poll_secret: links.pollSecret,
        verification_url: "https://t.example/link",
        verification_url_complete: "https://t.example/link?code=…",
        expires_in: expect.any(Number),
        interval: 5,
      },
    ]);
    const { expires_in } = JSON.parse(answer.text);
    expect(expires_in).toBeGreaterThan(590);
    expect(expires_in).toBeLessThanOrEqual(600);
    expect(links.started).toEqual([
      { request: { platform: "jira", client_name: "ci" }, authorization: "Bearer ots_key" },
    ]);
  });

  test.each([
    [400, "INVALID_REQUEST", undefined],
    [401, "CALLER_UNAUTHENTICATED", undefined],
    [403, "CALLER_NOT_ALLOWED", undefined],
    [429, "CALLER_RATE_LIMITED", 30],
    [503, "SERVICE_UNAVAILABLE", 1],
    [500, "", undefined],
  ])("says %i %s", async (status, reason, retryAfterSeconds) => {
    const { ask, links } = await site();
    const body = { error: { code: "X", reason, message: "what is wrong", metadata: {} } };
    links.startAnswer = { status, body, retryAfterSeconds };
    const answer = await ask("/v1/link-code", { method: "POST", headers: json, body: '{"platform":"jira"}' });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      status,
      { error: reason || "INTERNAL", message: "what is wrong" },
    ]);
    expect(answer.headers["retry-after"]).toBe(retryAfterSeconds?.toString());
    expect(answer.headers["www-authenticate"]).toBe(status === 401 ? "Bearer" : undefined);
  });

  test.each([
    ["nothing", json, undefined, 400],
    ["no JSON", json, "{", 400],
    ["a list", json, "[]", 400],
    ["a word", json, '"jira"', 400],
    ["a field nobody knows", json, '{"platform":"jira","s3cr3t":"x"}', 400],
    ["no text", json, '{"platform":{"s3cr3t":"x"}}', 400],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "platform=jira", 415],
    ["too much", json, `{"platform":"${"x".repeat(20_000)}"}`, 413],
    ["far too much", json, `{"platform":"${"x".repeat(70_000)}"}`, 413],
  ])("takes %s for no request", async (_what, headers, body, status) => {
    const { ask, links } = await site();
    const answer = await ask("/v1/link-code", { method: "POST", headers, ...(body !== undefined && { body }) });
    expect([answer.status, answer.text.includes("s3cr3t")]).toEqual([status, false]);
    expect(links.started).toEqual([]);
  });

  test("believes nobody's word for an owner where anybody can ask from anywhere", async () => {
    const owned = { method: "POST", headers: json, body: '{"platform":"jira","owner":"acme"}' };
    const openToAll = await site({ installMode: "link" });
    const refused = await openToAll.ask("/v1/link-code", owned);
    expect([refused.status, JSON.parse(refused.text).error]).toEqual([400, "INVALID_REQUEST"]);
    expect(openToAll.links.started).toEqual([]);
    for (const options of [
      { installMode: "link", admitRevoker: async () => call({ method: "RevokeInstallation" }) },
      { installMode: "open" },
    ] as const) {
      const { ask } = await site(options);
      expect((await ask("/v1/link-code", owned)).status).toBe(200);
    }
  });
});

describe("GET /v1/poll/{link_code}", () => {
  async function pollWith(change: (links: MemoryLinks) => void) {
    const { ask, links } = await site({}, change);
    return ask(`/v1/poll/${links.code}`, { headers: { authorization: `Bearer ${links.pollSecret}` } });
  }

  test.each([
    ["pending", { kind: "pending" }, 202, { status: "pending" }],
    ["too fast", { kind: "slow_down", retryAfterMs: 3_400 }, 429, { error: "slow_down" }],
    ["denied", { kind: "denied" }, 403, { error: "access_denied" }],
    ["expired", { kind: "gone", why: "expired" }, 410, { error: "expired" }],
  ] as const)("answers %s exactly so", async (_what, standing, status, body) => {
    const answer = await pollWith((links) => {
      links.standing = standing;
    });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([status, body]);
    expect(answer.headers["retry-after"]).toBe(status === 429 ? "4" : undefined);
  });

  test("hands the payload over, and says later that it did", async () => {
    const connected = await pollWith((links) => {
      links.standing = { kind: "connected", payload: payload() };
    });
    expect([connected.status, JSON.parse(connected.text)]).toEqual([
      200,
      {
        access_token: "the-access-token",
        token_type: "Bearer",
        expire_time: "2026-03-01T13:00:00.000Z",
        scopes: ["repo"],
        account_id: "0195e3a0-0000-7000-8000-00000000000a",
        account_secret: "the-account-secret",
        api_base_url: "https://api.github.com",
        installations: [expect.objectContaining({ id: expect.any(String), external_org_name: "Acme" })],
        token_id: "the-token-id",
      },
    ]);
    const delivered = await pollWith((links) => {
      links.standing = { kind: "gone", why: "delivered" };
    });
    expect([delivered.status, JSON.parse(delivered.text).error]).toEqual([410, "already_delivered"]);
  });

  test("answers a wrong secret, none, and an unknown code alike to the last byte", async () => {
    const { ask, links } = await site();
    const right = { authorization: `Bearer ${links.pollSecret}` };
    const answers = await Promise.all([
      ask(`/v1/poll/${links.code}`, { headers: { authorization: `Bearer ${links.pollSecret}x` } }),
      ask(`/v1/poll/${links.code}`),
      ask(`/v1/poll/${links.code}`, { headers: { authorization: "Basic dXNlcjpwYXNz" } }),
      ask("/v1/poll/00000000000", { headers: right }),
      ask("/v1/poll/none", { headers: right }),
    ]);
    const seen = answers.map(({ status, text, headers }) => {
      const { date: _date, "x-request-id": _id, ...others } = headers;
      return { status, text, others };
    });
    expect(seen[0]).toMatchObject({ status: 401, others: { "www-authenticate": "Bearer" } });
    for (const one of seen) expect(one).toEqual(seen[0]);
  });

  test("is not used up by a HEAD, and takes nothing else", async () => {
    let polls = 0;
    const poll = async () => {
      polls++;
      return { kind: "connected", payload: payload() };
    };
    const { ask, links } = await site({}, (memory) => Object.assign(memory, { poll }));
    const headers = { authorization: `Bearer ${links.pollSecret}` };
    for (const method of ["HEAD", "POST", "DELETE", "OPTIONS"]) {
      const answer = await ask(`/v1/poll/${links.code}`, { method, headers });
      expect([answer.status, answer.headers.allow]).toEqual([405, "GET"]);
    }
    expect(polls).toBe(0);
  });

  test("notices that who asks has gone, while it works out an answer", async () => {
    const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const poll: MemoryLinks["poll"] = async (_request, _from, signal) => {
      signal?.addEventListener("abort", () => gone.resolve());
      asked.resolve();
      await gone.promise;
      return { kind: "pending" };
    };
    const { port, links } = await site({}, (memory) => Object.assign(memory, { poll }));
    const headers = { authorization: `Bearer ${links.pollSecret}` };
    const polling = get({ host: "127.0.0.1", port, path: `/v1/poll/${links.code}`, headers });
    polling.on("error", () => undefined);
    await asked.promise;
    polling.destroy();
    await gone.promise;
  });

  test("passes a platform's trouble on as what it is", async () => {
    const answer = await pollWith((links) =>
      Object.assign(links, {
        poll: () => Promise.reject(new ServiceError("PROVIDER_UNAVAILABLE", "away", { retryAfterMs: 2_000 })),
      }),
    );
    const body = { error: "PROVIDER_UNAVAILABLE", message: "away" };
    expect([answer.status, answer.headers["retry-after"], JSON.parse(answer.text)]).toEqual([503, "2", body]);
  });

  test("says nothing of a bug", async () => {
    const answer = await pollWith((links) => Object.assign(links, { poll: () => Promise.reject(new Error("inside")) }));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([500, { error: "INTERNAL", message: "internal error" }]);
  });

  test("answers what cannot be decoded as JSON too", async () => {
    const { ask } = await site();
    const answer = await ask("/v1/poll/%zz");
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      400,
      { error: "INVALID_REQUEST", message: expect.any(String) },
    ]);
  });

  test("is quiet in the log, and never tells a code", async () => {
    const { ask, links, world } = await site();
    await ask(`/v1/poll/${links.code}`, { headers: { authorization: `Bearer ${links.pollSecret}` } });
    const lines = world.lines.join("\n");
    expect(lines).toContain('"route":"/v1/poll/:code"');
    expect(lines).not.toMatch(new RegExp(`${links.code}|${links.pollSecret}`));
    expect(world.lines.filter((line) => line.includes("http.request")).map((line) => JSON.parse(line).level)).toEqual([
      "debug",
    ]);
  });
});

function payload(known: Partial<LinkPayload> = {}): LinkPayload {
  return {
    accessToken: new Secret("the-access-token"),
    tokenType: "Bearer",
    expiresAt: new Date("2026-03-01T13:00:00.000Z"),
    scopes: ["repo"],
    accountId: "0195e3a0-0000-7000-8000-00000000000a",
    accountSecret: new Secret("the-account-secret"),
    apiBaseUrl: "https://api.github.com",
    installations: [installation()],
    tokenId: "the-token-id",
    ...known,
  };
}
