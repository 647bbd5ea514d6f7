import { request as httpRequest } from "node:http";
import { describe, expect, test } from "vitest";
import { createGate, until } from "../../../../rig/gate.ts";
import type { FlowNews } from "../../../../src/domain/connecting/tell-flow.ts";
import type { FlowStanding } from "../../../../src/domain/flows/flow-standing.ts";
import type { FlowLook, FlowWatch } from "../../../../src/domain/flows/watch-flow.ts";
import { ServiceError } from "../../../../src/errors.ts";
import { Secret } from "../../../../src/secret.ts";
import type { PublicAppOptions } from "../../../../src/web/browser/public-app.ts";
import { cookiesOf, installation, resultOf, type Site, startedAttempt, startSite } from "../../support/site.ts";

const name = "f".repeat(43);
const path = `/oauth/flows/${name}`;
const portal = "https://portal.example";
const stands = (standing: Partial<FlowStanding> = {}): FlowStanding => ({
  ...{ status: "at_platform", platform: "slack", reason: undefined, completion: false },
  ...standing,
});

/** Shows a flow to the portal's origin alone. */
function watchOf(look: FlowLook, rest: Partial<FlowWatch> = {}): { readonly flowWatch: FlowWatch } {
  const to = <T>(origin: string, answer: T) => (origin === portal ? answer : ("other_origin" as const));
  return {
    flowWatch: {
      look: async (_hash, origin) => to(origin, look),
      next: async (_hash, seen) => seen,
      close: async (_hash, origin) => to(origin, "closed" as const),
      ...rest,
    },
  };
}

const from = (origin: string, accept = "application/json") => ({ headers: { origin, accept } });

describe("how a flow stands", () => {
  test.each<[Partial<FlowStanding>, Record<string, unknown>]>([
    [{}, { status: "at_platform" }],
    [{ status: "opened" }, { status: "opened" }],
    [{ status: "finishing" }, { status: "finishing" }],
    [
      { status: "connected", completion: true },
      { status: "connected", completion: true },
    ],
    [{ status: "connected" }, { status: "connected" }],
    [
      { status: "denied", reason: "denied" },
      { status: "denied", reason: "denied", message: expect.stringMatching(/at Slack\.$/) },
    ],
    [
      { status: "failed", reason: "code_rejected" },
      { status: "failed", reason: "code_rejected", message: expect.any(String) },
    ],
    [{ status: "expired" }, { status: "expired", message: expect.stringContaining("ten minutes") }],
    [{ status: "abandoned" }, { status: "abandoned", message: expect.stringContaining("connect again") }],
  ])("%j is told as %j", async (standing, expected) => {
    const site = await startSite(watchOf(stands(standing)));
    const answer = await site.ask(path, from(portal));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, expected]);
    expect(answer.text).not.toMatch(/[{}]platform|undefined/);
  });

  test("is told to the origin that may look, spelled out, and to no other", async () => {
    const site = await startSite(watchOf(stands()));
    const told = await site.ask(path, from(portal));
    expect(told.headers).toMatchObject({ "access-control-allow-origin": portal, vary: "Origin, Accept" });
    expect(told.headers).not.toHaveProperty("access-control-allow-credentials");
    for (const origin of ["https://evil.example", "null", `${portal}:444`, `${portal}.evil.example`]) {
      for (const accept of ["application/json", "text/event-stream"]) {
        const refused = await site.ask(path, from(origin, accept));
        expect([refused.status, refused.text]).toEqual([403, '{"error":"origin_not_allowed"}']);
        expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
      }
    }
    const nobody = await site.ask(path, { headers: { accept: "text/event-stream" } });
    expect(nobody.status).toBe(403);
  });

  test("is told to a page of our own origin, whose browser names no origin", async () => {
    const asked: string[] = [];
    const look: FlowWatch["look"] = async (_hash, origin) => {
      asked.push(origin);
      return stands();
    };
    const site = await startSite(watchOf(stands(), { look }));
    for (const [fetchSite, status] of [
      ["same-origin", 200],
      ["same-site", 403],
      ["none", 403],
    ] as const) {
      expect((await site.ask(path, { headers: { "sec-fetch-site": fetchSite } })).status).toBe(status);
    }
    expect(asked).toEqual([site.baseUrl.origin]);
  });

  test("is 404 for what nobody has begun, and for what is no name, which any page may read", async () => {
    const site = await startSite(watchOf("unknown"));
    for (const asked of [
      path,
      "/oauth/flows/short",
      `/oauth/flows/${"%C3%A9".repeat(43)}`,
      `/oauth/flows/${"a".repeat(44)}`,
    ]) {
      const answer = await site.ask(asked, from(portal));
      expect([answer.status, answer.text]).toEqual([404, '{"error":"flow_unknown"}']);
      expect(answer.headers["access-control-allow-origin"]).toBe(portal);
    }
  });

  test("is not told while the database is away, and the page may read so", async () => {
    const look = () => Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "the message for callers"));
    const site = await startSite(watchOf(stands(), { look }));
    const answer = await site.ask(path, from(portal));
    expect([answer.status, answer.text, answer.headers["retry-after"]]).toEqual([
      503,
      '{"error":"service_unavailable"}',
      "1",
    ]);
    expect(answer.headers["access-control-allow-origin"]).toBe(portal);
  });

  test("is told to so many that wait for it to begin at once, who keep nobody from one that has", async () => {
    const gate = createGate();
    let waiting = 0;
    let begun = false;
    const look: FlowWatch["look"] = async (_hash, _origin, patienceMs) => {
      if (begun) return stands();
      if (patienceMs === 0) return "unknown";
      waiting++;
      await gate.opened;
      return stands();
    };
    const next = async () => stands({ status: "connected" });
    const site = await startSite(watchOf(stands(), { look, next }));
    const four = Array.from({ length: 4 }, () => site.ask(path, from(portal)));
    await until(() => waiting === 4, "four wait");
    const fifth = await site.ask(path, from(portal));
    expect([fifth.status, fifth.text]).toEqual([429, '{"error":"too_many_requests"}']);
    expect(fifth.headers["access-control-allow-origin"]).toBe(portal);
    begun = true;
    for (const accept of ["application/json", "text/event-stream"]) {
      expect((await site.ask(path, from(portal, accept))).status).toBe(200);
    }
    gate.open();
    expect((await Promise.all(four)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    begun = false;
    expect((await site.ask(path, from(portal))).status, "the places are given back").toBe(200);
  });

  test.each(["HEAD", "POST", "PUT", "OPTIONS"])("takes no %s", async (method) => {
    const site = await startSite(watchOf(stands()));
    expect((await site.ask(path, { method, ...from(portal) })).status).toBe(405);
  });
});

describe("the stream of a flow", () => {
  test("tells every step, and ends with the last", async () => {
    const steps = [
      stands(),
      stands({ status: "finishing" }),
      stands({ status: "finishing" }),
      stands({ status: "connected", completion: true }),
    ];
    const next = async () => steps.shift() ?? stands();
    const site = await startSite(watchOf(stands(), { next }));
    const answer = await site.ask(path, from(portal, "text/event-stream"));
    expect(answer.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "access-control-allow-origin": portal,
    });
    expect(answer.text).toBe(
      [
        "retry: 1000",
        'data: {"status":"at_platform"}',
        ":",
        'data: {"status":"finishing"}',
        ":",
        'data: {"status":"connected","completion":true}',
        "",
      ].join("\n\n"),
    );
  });

  test("gives its place back when its reader leaves, and looks no more", async () => {
    let ended = 0;
    const next: FlowWatch["next"] = (_hash, _seen, _ms, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          ended++;
          reject(signal.reason);
        }),
      );
    const site = await startSite(watchOf(stands(), { next }));
    for (let times = 1; times <= 6; times++) {
      await openAndLeave(site);
      await until(() => ended === times, "the stream has ended");
    }
    expect((await site.ask(path, from(portal))).status).toBe(200);
    expect(site.world.lines.map((line) => JSON.parse(line).level)).not.toContain("error");
  });

  test("is one of four of its flow; beside them it can be looked at", async () => {
    const gate = createGate();
    let open = 0;
    const next: FlowWatch["next"] = async () => {
      open++;
      await gate.opened;
      return stands({ status: "connected" });
    };
    const site = await startSite(watchOf(stands(), { next }));
    const four = Array.from({ length: 4 }, () => site.ask(path, from(portal, "text/event-stream")));
    await until(() => open === 4, "four are open");
    expect((await site.ask(path, from(portal, "text/event-stream"))).status).toBe(429);
    expect((await site.ask(path, from(portal))).status).toBe(200);
    gate.open();
    expect((await Promise.all(four)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test("ends when the process drains, and when the database stays away, so that the page asks elsewhere", async () => {
    const leaving = new AbortController();
    const next: FlowWatch["next"] = (_hash, _seen, _ms, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        leaving.abort();
      });
    const draining = await startSite({ ...watchOf(stands(), { next }), leaving: leaving.signal });
    const away = await startSite(
      watchOf(stands(), { next: () => Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "away")) }),
    );
    for (const site of [draining, away]) {
      const answer = await site.ask(path, from(portal, "text/event-stream"));
      expect(answer.text).toBe('retry: 1000\n\ndata: {"status":"at_platform"}\n\n');
    }
  });
});

function openAndLeave(site: Site): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: site.baseUrl.host, origin: portal, accept: "text/event-stream" };
    const outgoing = httpRequest({ host: "127.0.0.1", port: site.port, path, headers, agent: false }, (incoming) => {
      incoming.once("data", () => {
        outgoing.destroy();
        resolve();
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

describe("a popup that seems closed", () => {
  test("is told by the page that opened it, without anything that a browser asks permission for", async () => {
    const site = await startSite(watchOf(stands()));
    for (const asked of [{}, { body: "closed", headers: { "content-type": "text/plain" } }]) {
      const headers = { origin: portal, ...asked.headers };
      const answer = await site.ask(`${path}/closed`, { method: "POST", ...asked, headers });
      expect([answer.status, answer.text, answer.headers["access-control-allow-origin"]]).toEqual([204, "", portal]);
    }
    const other = await site.ask(`${path}/closed`, { method: "POST", headers: { origin: "https://evil.example" } });
    expect([other.status, other.headers["access-control-allow-origin"]]).toEqual([403, undefined]);
    expect((await site.ask(`${path}/closed`, { method: "POST" })).status).toBe(403);
    expect((await site.ask(`${path}/closed`, from(portal))).status).toBe(405);
  });
});

describe("on its way a popup keeps what opened it", () => {
  const coop = "cross-origin-opener-policy";
  const watched = { returnTo: `${portal}/done`, fromLink: false };
  const popup = `popup=1&flow=${name}`;

  test.each<[string, string, Partial<PublicAppOptions>]>([
    ["to the platform", `/oauth/install/slack?${popup}`, {}],
    ["by another name", `/oauth/install/slack?${popup}`, {}],
    ["refused", `/oauth/install/slack?${popup}&return_to=https://evil.example`, {}],
    [
      "at the page that says who asks",
      `/oauth/install/slack?link=l&${popup}`,
      { startFromLink: async () => ({ kind: "unconfirmed", caller: "portal", owner: "acme" }) },
    ],
    [
      "from leg to leg",
      "/oauth/callback/slack?state=s",
      { finishInstall: async () => ({ kind: "continue", next: startedAttempt("t"), watched }) },
    ],
    [
      "to its result",
      "/oauth/callback/slack?state=s",
      { finishInstall: async () => ({ kind: "failed", failure: "denied", platform: "slack", watched }) },
    ],
  ])("%s", async (what, address, options) => {
    const site = await startSite(options);
    const headers = what === "by another name" ? { host: "old-name.example" } : {};
    const answer = await site.ask(address, { headers });
    expect(answer.headers[coop]).toBe("unsafe-none");
    if (answer.status === 303) expect((await site.show(address)).headers[coop]).toBe("unsafe-none");
    expect((await site.ask(path)).headers[coop]).toBe("same-origin");
  });

  test.each([
    "/oauth/install/slack",
    "/oauth/install/slack?popup=1",
    `/oauth/install/slack?flow=${name}`,
    "/oauth/callback/slack?state=s",
  ])("and who is in none does not: %s", async (address) => {
    const site = await startSite();
    expect((await site.ask(address)).headers[coop]).toBe("same-origin");
  });

  test("brings a completion code in its page's cookie, and has it in no address of ours", async () => {
    const site = await startSite({
      finishInstall: async () => ({
        ...{ kind: "pending", installations: [installation({ status: "pending" })], bindingName: "n-s", watched },
        continueAt: new Secret(`${portal}/done?completion_code=the-code`),
        completionCode: new Secret("the-code"),
      }),
    });
    const told = await site.ask("/oauth/callback/slack?state=s", { headers: { cookie: "ots-n-s=x" } });
    expect([told.status, resultOf(told)]).toEqual([303, expect.stringMatching(/^\/oauth\/result\/[\w-]{22}$/)]);
    expect(told.rawHeaders.join("\n")).not.toContain("the-code");
    const shown = await site.ask(resultOf(told), { headers: { cookie: cookiesOf(told).join("; ") } });
    // Without a script the person takes it on.
    expect(shown.text).toContain(`href="${portal}/done?completion_code=the-code"`);
    expect(site.world.lines.join()).not.toContain("the-code");
  });
});

describe("a popup that starts", () => {
  /** What was begun and told, in order. */
  async function starting(options: Partial<PublicAppOptions> = {}) {
    const told: unknown[] = [];
    const site = await startSite({
      beginFlow: async (hash, { platform, linkHash }) => {
        told.push({ begin: platform, hash, byLink: linkHash !== undefined });
        return true;
      },
      tellFlow: async (hash, news: FlowNews) => void told.push({ hash, ...news }),
      ...options,
    });
    return { site, told };
  }
  const hash = new Secret(name).fingerprint();
  const start = `/oauth/install/slack?popup=1&flow=${name}`;

  test("begins its flow by a hash of its name, and the attempt is of it", async () => {
    const { site, told } = await starting();
    expect((await site.ask(`${start}&return_to=${portal}/done`)).status).toBe(302);
    expect(told).toEqual([{ begin: "slack", hash, byLink: false }]);
    expect(site.starts).toMatchObject([{ flow: hash }]);
    expect(site.world.lines.join()).not.toContain(name);
  });

  test("by a flow that another has begun starts nothing, and says nothing of it", async () => {
    const { site, told } = await starting({ beginFlow: async () => false });
    const answer = await site.ask(start);
    expect([answer.status, told, site.starts]).toEqual([409, [], []]);
  });

  test.each(["", "short", `${name}x`, "../".padEnd(43, "a")])("by what is no name is refused: %j", async (bad) => {
    const { site, told } = await starting();
    const answer = await site.ask(`/oauth/install/slack?popup=1&flow=${encodeURIComponent(bad)}`);
    expect([answer.status, told, site.starts]).toEqual([400, [], []]);
  });

  test.each<[string, string, Partial<PublicAppOptions>, string]>([
    ["a return address that is not allowed", "&return_to=https://evil.example", {}, "return_to_not_allowed"],
    ["an owner that is none", "&owner=a%00", {}, "invalid_request"],
    ["no link", "", { installMode: "link" }, "link_required"],
    [
      "a link that was used",
      "&link=l",
      {
        startFromLink: async () => ({ kind: "refused", failure: "link_already_used", returnTo: portal }),
      },
      "link_already_used",
    ],
    [
      "a platform that is not configured",
      "",
      { startInstall: () => Promise.reject(new ServiceError("PLATFORM_NOT_CONFIGURED", "x")) },
      "platform_not_configured",
    ],
  ])("with %s has failed, and who watches hears why", async (_what, query, options, reason) => {
    const { site, told } = await starting(options);
    expect((await site.ask(start + query)).status).toBeGreaterThanOrEqual(400);
    expect(told.at(-1)).toMatchObject({ hash, state: "refused", reason });
  });

  test("and has to be confirmed goes on in the same flow", async () => {
    const { site, told } = await starting({
      startFromLink: async () => ({ kind: "unconfirmed", caller: "portal", owner: "acme", returnTo: portal }),
    });
    const page = await site.ask(`${start}&link=l`);
    expect(page.text).toContain(`popup=1&amp;flow=${name}`);
    expect(told).toEqual([
      { begin: "slack", hash, byLink: true },
      { hash, state: "opened", returnTo: portal },
    ]);
  });
});
