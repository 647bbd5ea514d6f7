import { inspect } from "node:util";
import { expect, test } from "vitest";
import { allSettings } from "../../src/config/all-settings.ts";
import { atlassian } from "../../src/platforms/atlassian/module.ts";
import { secretNames } from "../../src/settings/setting.ts";
import { atlassianApp, errorOf, fernetKey, githubApp, load, pkcs8, readPlatform, slackApp } from "./load.ts";

test("a secret is read from the file that its _FILE setting names, without the line break at its end", () => {
  const env = {
    JIRA_CLIENT_ID: "id",
    JIRA_CLIENT_SECRET_FILE: "/run/secrets/jira",
    TOKEN_ENCRYPTION_KEY_FILE: "/run/secrets/key",
  };
  const files = { "/run/secrets/jira": "from-file\n", "/run/secrets/key": `${fernetKey}\n` };
  expect(readPlatform(atlassian, env, files)?.clientSecret.reveal()).toBe("from-file");
  expect(load(env, files).encryption.keys?.reveal()).toBe(fernetKey);
});

test.each(secretNames(allSettings))("%s is refused beside its file", (name) => {
  const others = {
    POSTGRES_HOST: "h",
    POSTGRES_USER: "u",
    DATABASE_URL: "postgres://u@h/d",
    TOKEN_ENCRYPTION_KEY: fernetKey,
  };
  const env = {
    ...others,
    ...githubApp,
    ...atlassianApp,
    ...slackApp,
    GITHUB_OAUTH_CLIENT_ID: "x",
    [name]: "canary",
    [`${name}_FILE`]: "/f",
  };
  const message = errorOf(env, { "/f": "canary" });
  expect(message).toContain(`${name}: is given as well as ${name}_FILE; set one of them`);
  expect(message).not.toContain("canary");
});

test("a file that cannot be read is named, and so is an empty one", () => {
  expect(errorOf({ ...atlassianApp, JIRA_CLIENT_SECRET: "", JIRA_CLIENT_SECRET_FILE: "/nowhere" })).toContain(
    "JIRA_CLIENT_SECRET_FILE: the file /nowhere cannot be read (ENOENT)",
  );
  expect(errorOf({ JIRA_CLIENT_ID: "x", JIRA_CLIENT_SECRET_FILE: "/empty" }, { "/empty": "\n" })).toContain(
    "/empty is empty",
  );
});

test("no secret shows when the configuration is logged or inspected", () => {
  const config = load({
    ...githubApp,
    GITHUB_CLIENT_SECRET: "canary-1",
    GITHUB_PRIVATE_KEY: pkcs8,
    GITHUB_WEBHOOK_SECRET: "canary-2",
    JIRA_CLIENT_ID: "x",
    JIRA_CLIENT_SECRET: "canary-3",
    SLACK_CLIENT_ID: "x",
    SLACK_CLIENT_SECRET: "canary-4",
    SLACK_SIGNING_SECRET: "canary-5",
    DATABASE_URL: "postgres://u:canary-6@h/d",
    TOKEN_ENCRYPTION_KEY: fernetKey,
  });
  for (const shown of [JSON.stringify(config), inspect(config, { depth: 9 })]) {
    expect(shown).not.toMatch(/canary|PRIVATE KEY|MDEyMz/);
  }
});
