import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createAtlassian } from "../../src/platforms/atlassian/atlassian.ts";
import { createRegistry } from "../../src/platforms/create-registry.ts";
import { createPlatforms } from "../../src/platforms/platforms.ts";
import { slack as slackModule } from "../../src/platforms/slack/module.ts";
import { createSlack } from "../../src/platforms/slack/slack.ts";
import { Secret } from "../../src/secret.ts";
import { createSettingReader } from "../../src/settings/setting-reader.ts";

const jira = createAtlassian({
  webhookSecrets: [],
  clientId: "client",
  clientSecret: new Secret("secret"),
  scopes: ["read:jira-work"],
  pkce: true,
  authUrl: "https://auth.atlassian.com",
  apiUrl: "https://api.atlassian.com",
  fetch,
  now: () => new Date(),
});
const slackConfig = {
  clientId: "1.2",
  clientSecret: new Secret("secret"),
  scopes: ["chat:write"],
  userScopes: [],
  slackUrl: "https://slack.com",
};
const slack = createSlack({ ...slackConfig, signingSecrets: [], fetch, now: () => new Date() });

describe("the platforms of a process", () => {
  const platforms = createPlatforms([jira, slack], ["jira", "confluence", "slack", "pager"]);

  it("are found by the name installations are stored under", () => {
    expect(platforms.byName("jira")).toBe(jira);
    expect(platforms.byName("slack")).toBe(slack);
    expect(platforms.byName("confluence")).toBeUndefined();
  });

  it("are found by every product they serve", () => {
    expect(platforms.byProduct("jira")).toBe(jira);
    expect(platforms.byProduct("confluence")).toBe(jira);
    expect(platforms.byProduct("slack")).toBe(slack);
  });

  it("do not contain what is known but not configured", () => {
    expect(platforms.byProduct("github")).toBeUndefined();
    expect(platforms.all).toEqual([jira, slack]);
    expect(platforms.known).toEqual(["jira", "confluence", "slack", "pager"]);
  });

  it("have no names that every object has", () => {
    expect(platforms.byName("constructor")).toBeUndefined();
    expect(platforms.byProduct("toString")).toBeUndefined();
  });

  it("know the products of a platform that no list names", () => {
    const pager = { ...slackModule, products: [{ name: "pager", label: "Pager" }] };
    const { products } = createRegistry([slackModule, pager]);
    expect(products.map(({ name }) => name)).toEqual(["slack", "pager"]);
  });

  it("narrow tokens where their modules say so", () => {
    const slackThat = (narrowing: boolean) => {
      const module = { ...slackModule, narrowing, read: () => slackConfig };
      const [configured] = createRegistry([module]).read(createSettingReader([], {}, () => ""));
      return configured?.create({ fetch, now: () => new Date(), random: randomBytes });
    };
    expect(slackThat(false)?.narrowing).toBe(false);
    expect(() => slackThat(true)).toThrow("the module of slack and its platform do not agree");
  });

  it("refuse to share a name or a product", () => {
    expect(() => createPlatforms([slack, slack], [])).toThrow("two platforms are called slack");
    expect(() => createPlatforms([jira, { ...slack, products: ["confluence"] }], [])).toThrow(
      "two platforms are called confluence",
    );
    expect(() => createRegistry([slackModule, slackModule])).toThrow("two products are called slack");
  });
});
