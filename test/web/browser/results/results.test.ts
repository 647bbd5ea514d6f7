import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { FinishInstall, FinishOutcome } from "../../../../src/domain/connecting/browser-flow.ts";
import { ServiceError } from "../../../../src/errors.ts";
import { generateKey } from "../../../../src/storage/seal/key-ring.ts";
import type { Answer } from "../../support/http.ts";
import {
  connects,
  cookiesOf,
  installation,
  resultOf,
  resultSealerOf,
  type Site,
  startSite,
} from "../../support/site.ts";
import { parseStrictHtml } from "../../support/strict-html.ts";

const callback = "/oauth/callback/slack?code=the-code&state=s";
const mine = "ots-n-s=browser-of-s";
const id = /^\/oauth\/result\/[\w-]+$/;

/** A browser's visit to a callback, and what it has of it. */
async function finished(site: Site, headers: Record<string, string> = { cookie: mine }) {
  const told = await site.ask(callback, { headers });
  return { told, path: resultOf(told), cookie: cookiesOf(told).join("; ") };
}

const failing = (outcome: Partial<FinishOutcome>): { readonly finishInstall: FinishInstall } => ({
  finishInstall: async ({ platform }) => ({ kind: "failed", failure: "denied", platform, ...outcome }) as FinishOutcome,
});
const heading = ({ text }: Answer) => /<h1>([^<]*)<\/h1>/.exec(text)?.[1];

describe("a result", () => {
  test("is shown at an address that has neither code nor state, as often as its browser looks", async () => {
    const site = await startSite();
    const { told, path, cookie } = await finished(site);
    expect([told.status, told.text]).toEqual([303, ""]);
    expect(path).toMatch(id);
    expect(new URL(told.headers.location ?? "").search).toBe("");
    const looks = [await site.ask(path, { headers: { cookie } }), await site.ask(path, { headers: { cookie } })];
    for (const look of looks) {
      expect([look.status, heading(look), look.headers["cache-control"]]).toEqual([
        200,
        "Slack is connected",
        "no-store",
      ]);
    }
    const json = await site.ask(path, { headers: { cookie, accept: "application/json" } });
    expect(JSON.parse(json.text)).toMatchObject({ success: true, installation_id: installation().id });
  });

  test("is in a cookie that says nothing to whoever reads it, for ten minutes and this browser alone", async () => {
    const site = await startSite({ baseUrl: new URL("https://tokens.example/app") });
    const { told, path, cookie } = await finished(site, { cookie: `__Host-${mine}` });
    expect(path).toMatch(/^\/app\/oauth\/result\/[\w-]{22}$/);
    const name = `__Host-ots-result-${path.split("/").at(-1)}`;
    const line = told.setCookies.find((one) => one.startsWith(name));
    expect(line).toMatch(/=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    expect(Buffer.from(cookie.split("=")[1] ?? "", "base64url").toString("latin1")).not.toMatch(/slack|connected|0195/);
    for (const other of ["", "__Host-ots-result-x=y", `${name}=AAAA`, cookie.replace(name, `${name}x`)]) {
      const answer = await site.ask(path, { headers: { cookie: other } });
      expect([answer.status, heading(answer)]).toEqual([404, "There is no result here, or not any more"]);
    }
    expect((await site.ask(path, { headers: { cookie } })).status).toBe(200);
  });

  test("is not shown any more after ten minutes, whatever the browser kept", async () => {
    let now = new Date("2026-03-01T12:00:00Z");
    const site = await startSite({ now: () => now });
    const { path, cookie } = await finished(site);
    now = new Date("2026-03-01T12:09:59Z");
    expect((await site.ask(path, { headers: { cookie } })).status).toBe(200);
    now = new Date("2026-03-01T12:10:00Z");
    expect((await site.ask(path, { headers: { cookie } })).status).toBe(404);
  });

  test("is shown by every replica with a key that opens it, and by no other", async () => {
    const key = generateKey(randomBytes);
    const one = await startSite({ resultSealer: resultSealerOf(key), ...failing({}) });
    const same = await startSite({ resultSealer: resultSealerOf(key) });
    const other = await startSite();
    const { path, cookie } = await finished(one);
    expect((await same.ask(path, { headers: { cookie } })).status).toBe(403);
    expect((await other.ask(path, { headers: { cookie } })).status).toBe(404);
  });

  test.each([
    [{ failure: "denied" }, 403],
    [{ failure: "state_unknown" }, 400],
    [{ failure: "provider_unavailable" }, 502],
    [{ failure: "internal_error" }, 500],
  ] as const)(
    "has the status of what went wrong, and the reference of the request that did: %j",
    async (outcome, status) => {
      const site = await startSite(failing(outcome));
      const { told, path, cookie } = await finished(site);
      const answer = await site.ask(path, { headers: { cookie } });
      const reference = told.headers["x-request-id"];
      expect(answer.status).toBe(status);
      expect(answer.headers["x-request-id"]).not.toBe(reference);
      expect(parseStrictHtml(answer.text).text).toContain(`Reference: ${reference}`);
    },
  );

  test("says why it failed also to a browser that keeps no cookies, and to it nothing else", async () => {
    const site = await startSite(failing({ failure: "state_other_browser" }));
    const { told, path } = await finished(site, {});
    expect([told.status, told.setCookies]).toEqual([303, []]);
    expect(path).toMatch(id);
    const answer = await site.ask(path);
    expect([answer.status, answer.text.includes("with cookies allowed")]).toEqual([400, true]);

    const connected = await startSite({
      resultSealer: resultSealerOf(generateKey(randomBytes)),
      finishInstall: async () => ({
        ...{ kind: "connected", installations: [installation()], returnTo: undefined, fromLink: false },
        bindingName: "n-s",
      }),
    });
    const made = await finished(connected, {});
    const value = made.cookie.split("=")[1] ?? "";
    // What is in somebody's cookie is nothing that they could send somebody else as an address.
    expect((await connected.ask(`/oauth/result/${value}`)).status).toBe(404);
  });

  test("keeps no more than five in a browser, the latest, and four KiB of them", async () => {
    let now = new Date("2026-03-01T12:00:00Z");
    const many = Array.from({ length: 20 }, () => installation());
    const returnTo = `https://portal.example/${"x".repeat(1_900)}`;
    for (const [finishInstall, most] of [
      [connects(), 5],
      [connects(many, returnTo), 1],
    ] as const) {
      const site = await startSite({ now: () => now, finishInstall });
      const jar = new Map<string, string>();
      const paths: string[] = [];
      for (let times = 0; times < 8; times++) {
        now = new Date(now.getTime() + 1000);
        const cookie = [mine, "ots-result-forged=AAAA", ...[...jar].reverse().map((pair) => pair.join("="))].join("; ");
        const { told, path } = await finished(site, { cookie });
        paths.push(path);
        for (const line of told.setCookies) {
          const [name = "", value = ""] = line.split(";")[0]?.split("=") ?? [];
          if (line.includes("Max-Age=0")) jar.delete(name);
          else jar.set(name, value);
        }
      }
      const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
      expect(cookie.length).toBeLessThan(5_000);
      const shown = await Promise.all(paths.map((path) => site.ask(path, { headers: { cookie } })));
      const expected = paths.map((_, index) => (index < paths.length - most ? 404 : 200));
      expect(shown.map(({ status }) => status)).toEqual(expected);
    }
  });

  test("names the first twenty, and says how many more there are", async () => {
    const many = Array.from({ length: 33 }, (_, index) =>
      installation({
        id: `0195e3a0-0000-7000-8000-${String(index).padStart(12, "0")}`,
        externalOrgName: `Org ${index}.`,
      }),
    );
    const site = await startSite({ finishInstall: connects(many) });
    const { text } = await site.show(callback, { headers: { cookie: mine } });
    const shown = parseStrictHtml(text).text;
    expect([shown.includes("Org 19."), shown.includes("Org 20."), shown.includes("And 13 more.")]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("that no cookie holds is shown at once", async () => {
    const returnTo = `https://portal.example/${"é".repeat(900)}`;
    const site = await startSite({ finishInstall: connects([installation()], returnTo) });
    const answer = await site.ask(callback, { headers: { cookie: mine } });
    expect([answer.status, heading(answer), answer.text.includes("Back to portal.example")]).toEqual([
      200,
      "Slack is connected",
      true,
    ]);
  });

  test("is shown without names while they cannot be read", async () => {
    const findInstallations = async () => {
      throw new ServiceError("SERVICE_UNAVAILABLE", "the message for callers");
    };
    const site = await startSite({ findInstallations });
    const answer = await site.show(callback, { headers: { cookie: mine } });
    expect([answer.status, heading(answer), answer.text.includes("<ul>")]).toEqual([200, "Slack is connected", false]);
  });

  test.each(["HEAD", "POST", "DELETE"])("is read only: %s", async (method) => {
    const site = await startSite();
    const { path, cookie } = await finished(site);
    const answer = await site.ask(path, { method, headers: { cookie } });
    expect(answer.status).toBe(method === "HEAD" ? 200 : 405);
  });
});
