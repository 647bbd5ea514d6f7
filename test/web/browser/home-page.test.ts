import { describe, expect, test } from "vitest";
import { onlyPlatforms, scriptedPlatform } from "../../support/scripted-platform.ts";
import { expectHarmless } from "../support/harmless-page.ts";
import { startSite } from "../support/site.ts";
import { parseStrictHtml } from "../support/strict-html.ts";

const atlassian = scriptedPlatform({ name: "jira", products: ["jira", "confluence"] });
const githubs = [scriptedPlatform({ name: "github" }), scriptedPlatform({ name: "github-oauth" })];
const platforms = onlyPlatforms(atlassian, ...githubs);

const linksOf = (page: string) =>
  parseStrictHtml(page).elements.flatMap(({ name, attributes }) =>
    name === "a" ? [(attributes.get("href") ?? "").replace(/:\d+/, "")] : [],
  );

describe("who opens the bare address", () => {
  test("is told what this is, and connects what is configured where anyone may", async () => {
    const site = await startSite({ platforms });
    const { status, text } = await site.ask("/");
    expect(status).toBe(200);
    expect(linksOf(text)).toEqual([
      ...["jira", "confluence", "github", "github-oauth"].map((name) => `http://localhost/oauth/install/${name}`),
      "http://localhost/link",
    ]);
    const shown = expectHarmless(text);
    expect(shown).toContain("accounts at Jira, Confluence, or GitHub");
    expect(shown).toContain("Connect JiraConnect Confluence");
    expect(shown, "two ways to the same platform are told apart").toContain("Connect GitHub (github-oauth)");
  });

  test("is sent to the product where a link is needed", async () => {
    const installPageUrl = new URL("https://portal.example/connect?from=<b>");
    const site = await startSite({ platforms, installMode: "link", installPageUrl });
    const { text } = await site.ask("/");
    expect(linksOf(text)).toEqual([installPageUrl.href, "http://localhost/link"]);
    expect(expectHarmless(text)).toContain("start in the tool that will use it");
    const without = await startSite({ platforms, installMode: "link" });
    expect(linksOf((await without.ask("/")).text)).toEqual(["http://localhost/link"]);
  });

  test("is told who can help where nothing is configured", async () => {
    const site = await startSite();
    const { text } = await site.ask("/");
    expect(linksOf(text)).toEqual(["http://localhost/link"]);
    expect(parseStrictHtml(text).text).toContain("the people who run this service have to configure a platform first");
  });

  test.each(["", "/", "?x=1", "/?x=1"])("of a base URL with a path, also as its path and %j", async (rest) => {
    const site = await startSite({ platforms, baseUrl: new URL("https://apps.example/tokens") });
    const { status, text } = await site.ask(`/tokens${rest}`);
    expect([status, linksOf(text).at(-1)]).toEqual([200, "https://apps.example/tokens/link"]);
  });
});
