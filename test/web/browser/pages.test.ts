import { describe, expect, test } from "vitest";
import type { InstallFailure } from "../../../src/domain/model/install-failure.ts";
import type { InstallationStatus } from "../../../src/domain/model/installation.ts";
import { failureTexts } from "../../../src/web/browser/failures.ts";
import { expectHarmless, payloads } from "../support/harmless-page.ts";
import { connects, installation, startSite } from "../support/site.ts";
import { parseStrictHtml } from "../support/strict-html.ts";

describe("every page", () => {
  test.each(payloads)("shows %j in a name as text", async (payload) => {
    const hostile = installation({
      id: payload,
      platform: payload,
      products: [payload],
      externalOrgName: payload,
      externalOrgId: payload,
      installedBy: payload,
      metadata: { [payload]: payload },
    });
    const returnTo = `https://portal.example/${payload.replace(/[\s\\\p{Cc}\p{Cf}]/gu, "")}`;
    const site = await startSite({ finishInstall: connects([hostile, installation()], returnTo) });
    const answer = await site.show("/oauth/callback/slack?code=c&state=s", {
      headers: { cookie: "ots-n-s=browser-of-s" },
    });
    expect(answer.status).toBe(200);
    const text = expectHarmless(answer.text);
    // What no person sees is not shown, above all what turns a line around.
    expect(text).toContain(payload.replace(/[\p{Cc}\p{Cf}]/gu, " "));
    expect(text).toContain("The platform is connected");
  });

  test.each(payloads)("shows nothing of %j in a path, a query, or a platform's name", async (payload) => {
    const site = await startSite({
      finishInstall: async () => ({ kind: "failed", failure: "denied", platform: payload }),
    });
    const value = encodeURIComponent(payload);
    const paths = [
      `/oauth/callback/slack?error=${value}&error_description=${value}&${value}=1`,
      `/oauth/callback/${value}?state=${value}`,
      `/oauth/install/slack?return_to=${value}`,
      `/${value}?${value}`,
    ];
    for (const path of paths) {
      const answer = await site[path.includes("callback") ? "show" : "ask"](path, {
        headers: { referer: "https://a.example", "x-payload": value },
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(expectHarmless(answer.text)).not.toContain(payload);
      expect(answer.rawHeaders.join("\n")).not.toContain(payload);
    }
  });

  test("has a language, a title, a viewport, one heading and colours for the dark", async () => {
    const site = await startSite();
    const { elements, style } = parseStrictHtml((await site.ask("/nothing")).text);
    expect(elements[0]).toEqual({ name: "html", attributes: new Map([["lang", "en"]]) });
    const metas = elements.filter(({ name }) => name === "meta").map(({ attributes }) => attributes.get("name"));
    expect(metas).toEqual(expect.arrayContaining(["viewport", "color-scheme"]));
    expect(elements.filter(({ name }) => name === "h1" || name === "title" || name === "main")).toHaveLength(3);
    expect(style).toContain("@media (prefers-color-scheme: dark)");
  });

  test("lets people read its colours in light and dark (WCAG 2.2, 1.4.3)", async () => {
    const site = await startSite();
    const { style } = parseStrictHtml((await site.ask("/nothing")).text);
    const [light = "", dark = ""] = style.split("@media");
    for (const part of [light, dark]) {
      const colour = (name: string) => luminance(new RegExp(`--${name}: #([0-9a-f]{6})`).exec(part)?.[1] ?? "");
      for (const [front, back] of [
        ["text", "card"],
        ["quiet", "card"],
        ["on-action", "action"],
      ] as const) {
        expect(contrast(colour(front), colour(back))).toBeGreaterThanOrEqual(4.5);
      }
      for (const sign of ["success", "waiting", "failure"]) {
        expect(contrast(colour(sign), colour("card"))).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test.each([
    ["pending", "waiting to be completed"],
    ["suspended", "suspended at the platform"],
  ] satisfies [InstallationStatus, string][])("says that an installation is %s", async (status, remark) => {
    const site = await startSite({ finishInstall: connects([installation({ status })]) });
    const answer = await site.show("/oauth/callback/slack?state=s", { headers: { cookie: "ots-n-s=browser-of-s" } });
    expect(parseStrictHtml(answer.text).text).toContain(`Slack, ${remark}`);
  });

  test("shows an organization without a name by its id", async () => {
    const site = await startSite({ finishInstall: connects([installation({ externalOrgName: "" })]) });
    const answer = await site.show("/oauth/callback/slack?state=s", { headers: { cookie: "ots-n-s=browser-of-s" } });
    expect(parseStrictHtml(answer.text).text).toContain("T1\nSlack");
  });

  test("says what happened, and what to do next, in words of its own for each failure", () => {
    const texts = Object.values(failureTexts);
    expect(new Set(texts.map(({ title }) => title)).size).toBe(texts.length);
    for (const { title, whatThePersonCanDo } of texts) {
      expect(title).toMatch(/^[A-Z{].*[^.]$/);
      expect(whatThePersonCanDo).toMatch(/^[A-Z].*\.$/);
      expect(whatThePersonCanDo, title).toMatch(
        /(?:^|\. )[^.]*\b(?:start|connect|wait|check|open|go back|ask|tell|verify|install|uninstall|sign in|send|close|add|shows)\b/i,
      );
    }
  });

  test("names the reference that the log has", async () => {
    const site = await startSite({ startInstall: () => Promise.reject(new Error("bug")) });
    const answer = await site.ask("/oauth/install/slack");
    const reference = String(answer.headers["x-request-id"]);
    expect(reference).toMatch(/^[0-9a-f]{16}$/);
    expect(parseStrictHtml(answer.text).text).toContain(`Reference: ${reference}`);
    expect(site.world.lines.filter((line) => line.includes(reference))).not.toEqual([]);
  });

  test("names the platform where it can, at the beginning of a sentence too", async () => {
    const titleFor = async (failure: InstallFailure, platform: string) => {
      const finishInstall = async () => ({ kind: "failed", failure, platform }) as const;
      const site = await startSite({ finishInstall });
      const answer = await site.ask("/oauth/callback/x?state=s", { headers: { accept: "application/json" } });
      return JSON.parse(answer.text).error.message;
    };
    expect(await titleFor("provider_unavailable", "github-oauth")).toBe("GitHub did not answer");
    expect(await titleFor("provider_unavailable", "declared-later")).toBe("The platform did not answer");
  });
});

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
