import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { atlassian } from "../../src/platforms/atlassian/module.ts";
import { githubApp as appModule, githubOauth } from "../../src/platforms/github/modules.ts";
import { sentry } from "../../src/platforms/sentry/module.ts";
import { slack } from "../../src/platforms/slack/module.ts";
import {
  atlassianApp,
  errorOf,
  githubApp,
  load,
  pkcs1,
  pkcs8,
  readPlatform,
  sentryApp,
  slackApp,
  warningsOf,
} from "../config/load.ts";

describe("the GitHub App", () => {
  test("has github.com for its home", () => {
    const github = readPlatform(appModule, githubApp);
    expect(github).toMatchObject({
      appId: "123",
      slug: "acme-bot",
      clientId: "Iv1.abc",
      webUrl: "https://github.com",
      apiUrl: "https://api.github.com",
      installPath: "/apps",
      issuer: "https://github.com/login/oauth",
    });
    expect(github?.clientSecret.reveal()).toBe("github-secret");
  });

  test("takes no events that could never have room", () => {
    expect(readPlatform(appModule, { ...githubApp, WEBHOOK_MAX_BYTES: "67108864" })?.webhookMaxBytes).toBe(67_108_864);
    expect(errorOf({ ...githubApp, WEBHOOK_MAX_BYTES: "67108865" })).toContain("WEBHOOK_MAX_BYTES");
  });

  test("asks who connects what was there to administer it, and warns where seeing it is to be enough", () => {
    expect(readPlatform(appModule, githubApp)?.claimProof).toBe("administers");
    expect(warningsOf({ ...githubApp, GITHUB_CLAIM_PROOF: "administers" })).toEqual([]);
    const sees = { ...githubApp, GITHUB_CLAIM_PROOF: "sees" };
    expect(readPlatform(appModule, sees)?.claimProof).toBe("sees");
    expect(warningsOf(sees)).toEqual([expect.stringContaining("GITHUB_CLAIM_PROOF=sees: whoever can read one repo")]);
    expect(errorOf({ ...githubApp, GITHUB_CLAIM_PROOF: "no" })).toContain("set administers or sees");
  });

  test.each(Object.keys(githubApp))("does not start without %s", (name) => {
    const message = errorOf({ ...githubApp, [name]: "" });
    expect(message.split("\n")).toHaveLength(2);
    expect(message).toContain(name);
    expect(message).toContain("is missing");
  });

  test.each(["GITHUB_APP_ID", "GITHUB_WEBHOOK_SECRET"] as const)("is half configured by %s alone", (name) => {
    expect(errorOf({ [name]: "1" })).toContain("GITHUB_CLIENT_ID: is missing");
  });

  test("takes its key in every form GitHub and shells give it", () => {
    const pasted = [`"${pkcs1}"`, pkcs8.replaceAll("\n", "\n  "), Buffer.from(pkcs1).toString("base64")];
    for (const pem of [pkcs1, pkcs8, pkcs1.replaceAll("\n", "\\n"), `\n${pkcs8}\n`, ...pasted]) {
      expect(readPlatform(appModule, { ...githubApp, GITHUB_PRIVATE_KEY: pem })?.privateKey.reveal()).toMatch(
        /^-----BEGIN .*-----$/s,
      );
    }
    const byPath = { ...githubApp, GITHUB_PRIVATE_KEY: "", GITHUB_PRIVATE_KEY_PATH: "/key.pem" };
    for (const text of [pkcs1, ...pasted.slice(2)]) {
      expect(readPlatform(appModule, byPath, { "/key.pem": text })?.privateKey.reveal()).toBe(pkcs1.trim());
    }
    expect(errorOf(byPath)).toContain("GITHUB_PRIVATE_KEY_PATH: the file /key.pem cannot be read (ENOENT)");
  });

  test("refuses what is not an RSA key of enough bits, without repeating it", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" })
      .privateKey.export({ type: "pkcs8", format: "pem" })
      .toString();
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 })
      .privateKey.export({ type: "pkcs1", format: "pem" })
      .toString();
    for (const pem of [ec, short, "canary", pkcs1.slice(0, 400)]) {
      const message = errorOf({ ...githubApp, GITHUB_PRIVATE_KEY: pem });
      expect(message).toContain("GITHUB_PRIVATE_KEY: this is not an RSA private key");
      expect(message).not.toMatch(/canary|BEGIN|MII/);
    }
  });

  test("refuses two sources of its key", () => {
    for (const other of ["GITHUB_PRIVATE_KEY_PATH", "GITHUB_PRIVATE_KEY_FILE"]) {
      expect(errorOf({ ...githubApp, [other]: "/key.pem" }, { "/key.pem": pkcs1 })).toContain("set one of them");
    }
  });

  test("lives on an Enterprise Server when both of its addresses are given", () => {
    const enterprise = {
      GITHUB_URL: "https://ghe.example/",
      GITHUB_API_URL: "https://ghe.example/api/v3/",
      GITHUB_INSTALL_PATH: "/github-apps",
    };
    expect(readPlatform(appModule, { ...githubApp, ...enterprise })).toMatchObject({
      webUrl: "https://ghe.example",
      apiUrl: "https://ghe.example/api/v3",
      installPath: "/github-apps",
      issuer: "https://github.com/login/oauth",
    });
    expect(errorOf({ ...githubApp, GITHUB_URL: "https://ghe.example" })).toContain(
      "GITHUB_API_URL: names the public host",
    );
  });

  test("takes two webhook secrets while one is being rotated", () => {
    const github = readPlatform(appModule, { ...githubApp, GITHUB_WEBHOOK_SECRET: "new, old" });
    expect(github?.webhookSecrets.map((secret) => secret.reveal())).toEqual(["new", "old"]);
    expect(errorOf({ ...githubApp, GITHUB_WEBHOOK_SECRET: "a,b,c" })).toContain("GITHUB_WEBHOOK_SECRET: has 3 values");
  });
});

describe("the GitHub OAuth App", () => {
  const app = { GITHUB_OAUTH_CLIENT_ID: "id", GITHUB_OAUTH_CLIENT_SECRET: "secret" };

  test("asks for who a person is, unless told otherwise", () => {
    expect(readPlatform(githubOauth, app)).toMatchObject({
      clientId: "id",
      scopes: ["read:user"],
      apiUrl: "https://api.github.com",
    });
    expect(readPlatform(githubOauth, { ...app, GITHUB_OAUTH_SCOPES: "repo, gist repo" })?.scopes).toEqual([
      "repo",
      "gist",
    ]);
  });

  test("is independent of the GitHub App", () => {
    expect(readPlatform(appModule, app)).toBeUndefined();
    expect(errorOf({ GITHUB_OAUTH_CLIENT_ID: "id" })).toContain(
      "GITHUB_OAUTH_CLIENT_SECRET: is missing, while GITHUB_OAUTH_CLIENT_ID is set",
    );
  });
});

describe("the Atlassian app", () => {
  test("asks for what Jira needs, and for a refresh token", () => {
    expect(readPlatform(atlassian, atlassianApp)).toMatchObject({
      scopes: ["read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook", "offline_access"],
      pkce: true,
      authUrl: "https://auth.atlassian.com",
      apiUrl: "https://api.atlassian.com",
    });
  });

  test("asks for both products' scopes in one consent", () => {
    const env = {
      ...atlassianApp,
      JIRA_SCOPES: "read:jira-work offline_access",
      CONFLUENCE_SCOPES: "read:page:confluence",
    };
    expect(readPlatform(atlassian, env)?.scopes).toEqual(["read:jira-work", "offline_access", "read:page:confluence"]);
  });

  test("sends no PKCE challenge when told so, and knows no third answer", () => {
    expect(readPlatform(atlassian, { ...atlassianApp, JIRA_PKCE: "off" })?.pkce).toBe(false);
    expect(errorOf({ ...atlassianApp, JIRA_PKCE: "maybe" })).toContain("JIRA_PKCE: maybe is unknown; set on or off");
  });

  test("is two products of the start-up line", () => {
    expect(load(atlassianApp).notConfigured).toEqual(["github", "github-oauth", "slack", "sentry"]);
  });
});

describe("the Slack app", () => {
  test("asks for the bot's scopes and, when told, for a person's", () => {
    expect(readPlatform(slack, slackApp)).toMatchObject({
      scopes: ["chat:write", "channels:read", "app_mentions:read", "users:read", "reactions:write"],
      userScopes: [],
      slackUrl: "https://slack.com",
    });
    expect(readPlatform(slack, { ...slackApp, SLACK_USER_SCOPES: "search:read" })?.userScopes).toEqual(["search:read"]);
  });

  test.each(["", "none", " NONE "])("asks for a person's scopes alone where its own are %j", (SLACK_SCOPES) => {
    expect(readPlatform(slack, { ...slackApp, SLACK_SCOPES, SLACK_USER_SCOPES: "search:read" })).toMatchObject({
      scopes: [],
      userScopes: ["search:read"],
    });
  });

  test("asks for something", () => {
    expect(errorOf({ ...slackApp, SLACK_SCOPES: "none" })).toContain("SLACK_SCOPES: is none, and so is");
    expect(errorOf({ ...slackApp, SLACK_SCOPES: "none,chat:write" })).toContain("has none beside other scopes");
    expect(readPlatform(slack, { ...slackApp, SLACK_SCOPES: "" })?.scopes).toContain("chat:write");
    expect(errorOf({ ...atlassianApp, JIRA_SCOPES: "none" })).toContain("JIRA_SCOPES: is none, and so is");
    expect(
      readPlatform(atlassian, { ...atlassianApp, JIRA_SCOPES: "none", CONFLUENCE_SCOPES: "read:page:confluence" })
        ?.scopes,
    ).toEqual(["read:page:confluence", "offline_access"]);
  });

  test("is half configured by its signing secret alone, and not at all by what is no longer needed", () => {
    expect(errorOf({ SLACK_SIGNING_SECRET: "x" })).toContain("SLACK_CLIENT_ID: is missing");
    expect(readPlatform(slack, { SLACK_STATE_SECRET: "x" })).toBeUndefined();
    expect(warningsOf({ SLACK_STATE_SECRET: "x" })).toEqual([
      "SLACK_STATE_SECRET is not needed: every state is random",
    ]);
  });

  test("may live on a test host on loopback, but on no other one without TLS", () => {
    expect(readPlatform(slack, { ...slackApp, SLACK_URL: "http://127.0.0.1:9/" })?.slackUrl).toBe("http://127.0.0.1:9");
    expect(errorOf({ ...slackApp, SLACK_URL: "http://slack.example" })).toContain(
      "SLACK_URL: http:// is for loopback only",
    );
  });
});

describe("the Sentry integration", () => {
  test("has sentry.io for its home, and may have another one", () => {
    expect(readPlatform(sentry, sentryApp)).toMatchObject({ slug: "acme-bot", sentryUrl: "https://sentry.io" });
    const own = { ...sentryApp, SENTRY_URL: "https://sentry.example/" };
    expect(readPlatform(sentry, own)?.sentryUrl).toBe("https://sentry.example");
    expect([...load(own).ownHosts]).toEqual(["sentry.example"]);
    expect([...load(sentryApp).ownHosts]).toEqual([]);
  });

  test("sends the first of two client secrets, and verifies with both", () => {
    const rotating = readPlatform(sentry, { ...sentryApp, SENTRY_CLIENT_SECRET: "new, old" });
    expect(rotating?.clientSecret.reveal()).toBe("new");
    expect(rotating?.signingSecrets.map((secret) => secret.reveal())).toEqual(["new", "old"]);
    expect(errorOf({ ...sentryApp, SENTRY_CLIENT_SECRET: "a,b,c" })).toContain("SENTRY_CLIENT_SECRET: has 3 values");
  });

  test.each(Object.keys(sentryApp))("does not start without %s", (name) => {
    const message = errorOf({ ...sentryApp, [name]: "" });
    expect(message.split("\n")).toHaveLength(2);
    expect(message).toContain(`${name}: is missing`);
  });

  test("knows an address from a slug", () => {
    const slug = "https://sentry.io/sentry-apps/acme-bot";
    expect(errorOf({ ...sentryApp, SENTRY_INTEGRATION_SLUG: slug })).toContain("SENTRY_INTEGRATION_SLUG: is no slug");
  });
});
