import { expect, test } from "vitest";
import { allSettings } from "../../src/config/all-settings.ts";
import { registry } from "../../src/platforms/registry.ts";
import { findNearNames } from "../../src/settings/near-names.ts";
import { knownNames } from "../../src/settings/setting.ts";

const known = knownNames(allSettings);

function meant(name: string): string | undefined {
  return findNearNames([name], known, registry.foreignNames)[0]?.meant;
}

test.each([
  ["GITHUB_APPID", "GITHUB_APP_ID"],
  ["GITHUB_CLEINT_SECRET", "GITHUB_CLIENT_SECRET"],
  ["GITHUB_APP_PRIVATE_KEY", "GITHUB_PRIVATE_KEY"],
  ["JIRA_SECRET_CLIENT", "JIRA_CLIENT_SECRET"],
  ["jira_client_id", "JIRA_CLIENT_ID"],
  ["SLACK_SIGNING_SECRETS", "SLACK_SIGNING_SECRET"],
  ["TOKEN_KEY", "TOKEN_ENCRYPTION_KEY"],
  ["TOKEN_ENCRYPTION_KEYS_FILE", "TOKEN_ENCRYPTION_KEY_FILE"],
  ["BASE_URI", "BASE_URL"],
  ["PROT", "PORT"],
])("%s is most likely meant to be %s", (given, known) => {
  expect(meant(given)).toBe(known);
});

test("names of other programs are nobody's misspelling", () => {
  const actions = [
    "GITHUB_TOKEN",
    "GITHUB_ACTIONS",
    "GITHUB_SHA",
    "GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY_ID",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_RUN_ID",
    "GITHUB_JOB",
    "GITHUB_ACTOR_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_EVENT_PATH",
    "GITHUB_WORKFLOW_REF",
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_ACTION_PATH",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "GITHUB_GRAPHQL_URL",
  ];
  const shell = [
    "HOME",
    "PATH",
    "HOSTNAME",
    "TERM",
    "PWD",
    "SHLVL",
    "LANG",
    "NODE_ENV",
    "NODE_VERSION",
    "HTTP_PROXY",
    "SSL_CERT_FILE",
    "http_proxy",
    "all_proxy",
    "PGHOST",
    "PGDATA",
    "POSTGRES_PORT_5432_TCP",
    "KUBERNETES_PORT",
    "INIT_CWD",
    "npm_config_loglevel",
    "SENTRY_DSN",
    "GRPC_HOST",
    "SLACK_BOT_TOKEN",
    "JIRA_API_TOKEN",
    "XDG_DATA_DIRS",
    "BASH_ENV",
    "NO_COLOR",
  ];
  expect([...actions, ...shell].filter((name) => meant(name) !== undefined)).toEqual([]);
});

test("every known name is its own", () => {
  expect(findNearNames([...known], known, [])).toEqual([]);
});
