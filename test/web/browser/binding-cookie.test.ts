import { describe, expect, test } from "vitest";
import { Secret } from "../../../src/secret.ts";
import { startedAttempt, startSite } from "../support/site.ts";

const https = new URL("https://tokens.example");

describe("the cookie of an attempt", () => {
  test("is host-locked and secure behind https, when set and when cleared", async () => {
    const site = await startSite({ baseUrl: https });
    const started = await site.ask("/oauth/install/slack");
    expect(started.setCookies).toEqual([
      "__Host-ots-n-state-1=browser-of-state-1; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure",
    ]);
    const finished = await site.ask("/oauth/callback/slack?code=c&state=state-1", {
      headers: { cookie: "__Host-ots-n-state-1=browser-of-state-1", accept: "application/json" },
    });
    expect(finished.status).toBe(200);
    expect(finished.setCookies).toEqual(["__Host-ots-n-state-1=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure"]);
  });

  test.each([
    ["without the prefix", "ots-n-s=browser-of-s"],
    ["of another attempt", "__Host-ots-n-t=browser-of-s"],
    ["with another case", "__host-ots-n-s=browser-of-s"],
    ["with characters no binding has", '__Host-ots-n-s="browser-of-s"'],
    ["that is empty", "__Host-ots-n-s="],
    ["without a value", "__Host-ots-n-s"],
  ])("is not taken from one %s", async (_what, cookie) => {
    const site = await startSite({ baseUrl: https });
    expect((await site.show("/oauth/callback/slack?code=c&state=s", { headers: { cookie } })).status).toBe(400);
  });

  test("that was planted before the start is replaced by a new value", async () => {
    const site = await startSite({ baseUrl: https });
    const planted = { headers: { cookie: "__Host-ots-n-state-1=planted" } };
    expect((await site.ask("/oauth/install/slack", planted)).setCookies[0]).toContain("=browser-of-state-1;");
    expect((await site.show("/oauth/callback/slack?code=c&state=state-1", planted)).status).toBe(400);
  });

  test.each([
    ["a;b", "value"],
    ["name", "a; Domain=evil.example"],
    ["name", "a\r\nSet-Cookie: b=c"],
  ])("that would not fit into a header is a bug, not a header: %j=%j", async (name, value) => {
    const { redirectTo } = startedAttempt("s");
    const binding = { name, value: new Secret(value), maxAgeSeconds: 600 };
    const site = await startSite({ startInstall: async () => ({ redirectTo, binding }) });
    const answer = await site.ask("/oauth/install/slack");
    expect([answer.status, answer.setCookies, answer.headers.location]).toEqual([500, [], undefined]);
  });
});
