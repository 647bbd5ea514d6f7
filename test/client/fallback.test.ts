import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { until } from "../../rig/gate.ts";
import { type ErrorReason, ServiceError } from "../../src/errors.ts";
import { doors, issue, openClient, openDoors } from "./support/doors.ts";

const variables = { GITHUB_TOKEN: "ghp_static", JIRA_API_TOKEN: "ATATT-static", SLACK_BOT_TOKEN: "xoxb-static" };

beforeEach(() => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
});
afterEach(() => void vi.unstubAllEnvs());

/** Nobody listens there. */
const nowhere = "127.0.0.1:9";

describe.each(doors)("by %s", (door) => {
  test("a service that stopped is stood in for, and is used again once it is back: a warning each", async () => {
    const opened = await openDoors({ getToken: async () => issue() });
    const client = openClient({ address: opened.address(door), fallback: true });
    const selector = { platform: "github" };
    const { tokenId } = await client.getToken(selector);
    await opened.close();
    // What is in memory needs no service.
    expect((await client.getToken(selector)).tokenId).toBe(tokenId);
    client.reject({ tokenId });
    for (let n = 0; n < 3; n++) {
      expect({ ...(await client.getToken(selector)) }).toEqual({
        ...{ accessToken: "ghp_static", tokenType: "Bearer", scopes: [], permissions: {}, source: "environment" },
        ...{ installationId: "", externalOrgId: "", tokenId: "", apiBaseUrl: "https://api.github.com" },
      });
    }
    expect(client.warnings).toEqual([
      [
        expect.objectContaining({ platform: "github", reason: "SERVICE_UNREACHABLE", code: "UNAVAILABLE" }),
        "falling back to the static token of GITHUB_TOKEN",
      ],
    ]);
    if (door === "connect") return;
    await openDoors({ getToken: async () => issue() }, opened.port.grpc);
    await until(async () => (await client.getToken(selector)).source === "service", "it is back", 10_000);
    await client.getToken(selector);
    expect(client.warnings.slice(1)).toEqual([
      [expect.objectContaining({ platform: "github" }), "the service answers for itself again"],
    ]);
    expect(JSON.stringify(client.warnings)).not.toContain("static_");
  });

  test("a service that says nothing is stood in for, and is not waited for again and again", async () => {
    const opened = await openDoors({ getToken: () => new Promise(() => undefined) });
    const client = openClient({ address: opened.address(door), fallback: true, timeoutMs: 1_500 });
    expect((await client.getToken({ platform: "slack" })).accessToken).toBe("xoxb-static");
    expect((await client.getToken({ platform: "slack" })).accessToken).toBe("xoxb-static");
    expect(client.warnings).toHaveLength(1);
  });
});

test("what no static token stands in for has its whole time meanwhile", async () => {
  const opened = await openDoors({
    async getToken({ narrowing }) {
      if (narrowing === undefined) opened.cut();
      return issue();
    },
  });
  const client = openClient({ address: opened.address("connect"), fallback: true });
  expect((await client.getToken({ platform: "github" })).source).toBe("environment");
  const { source } = await client.getToken({ platform: "github", permissions: { contents: "read" } });
  expect(source).toBe("service");
  expect(Number(opened.heard.at(-1)?.["connect-timeout-ms"])).toBeGreaterThan(5_000);
});

const standIn: ReadonlySet<ErrorReason> = new Set(["INSTALLATION_NOT_FOUND", "PLATFORM_NOT_CONFIGURED"]);
const reasons: readonly ErrorReason[] = [
  ...standIn,
  ...(["CALLER_UNAUTHENTICATED", "CALLER_NOT_ALLOWED", "INSTALLATION_REVOKED", "INSTALLATION_SUSPENDED"] as const),
  ...(["REAUTHORIZATION_REQUIRED", "INSTALLATION_AMBIGUOUS", "PROVIDER_MISCONFIGURED", "TOKEN_UNREADABLE"] as const),
];

test.each(reasons)("%s", async (reason) => {
  const { address } = await openDoors({ getToken: () => Promise.reject(new ServiceError(reason, "no")) });
  const client = openClient({ address: address("grpc"), fallback: true });
  const outcome = client.getToken({ platform: "jira" });
  if (standIn.has(reason)) expect(await outcome).toMatchObject({ accessToken: "ATATT-static", source: "environment" });
  else await expect(outcome).rejects.toMatchObject({ reason });
  expect(client.warnings).toHaveLength(standIn.has(reason) ? 1 : 0);
});

test("one owner without an installation does not make the log flap for the others", async () => {
  const { address } = await openDoors({
    getToken: async ({ selector }) => {
      if (selector.owner !== "acme") throw new ServiceError("INSTALLATION_NOT_FOUND", "none");
      return { ...issue(), expiresAt: new Date() };
    },
  });
  const client = openClient({ address: address("grpc"), fallback: true });
  for (let n = 0; n < 3; n++) {
    expect((await client.getToken({ platform: "github", owner: "acme" })).source).toBe("service");
    expect((await client.getToken({ platform: "github", owner: "other" })).source).toBe("environment");
  }
  expect(client.warnings).toHaveLength(1);
});

test.each([
  ["its variable is not set", { platform: "sentry" }, {}],
  ["its variable is empty", { platform: "github" }, { GITHUB_TOKEN: " " }],
  ["the platform is not named", { installationId: "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6f" }, {}],
  ["a person's token is asked for", { platform: "slack", actor: "ACTOR_USER" as const }, {}],
  ["less is asked for than a static token may do", { platform: "github", permissions: { contents: "read" } }, {}],
  ["its name is one that objects have", { platform: "constructor" }, {}],
])("there is no stand-in where %s", async (_, selector, env) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const client = openClient({ address: nowhere, fallback: true });
  await expect(client.getToken(selector)).rejects.toMatchObject({ reason: "SERVICE_UNREACHABLE" });
  expect(client.warnings).toEqual([]);
});

test("a static token of Enterprise Server is for its API", async () => {
  vi.stubEnv("GITHUB_API_URL", "https://ghe.example/api/v3");
  const { apiBaseUrl } = await openClient({ address: nowhere, fallback: true }).getToken({ platform: "github" });
  expect(apiBaseUrl).toBe("https://ghe.example/api/v3");
});

test("it is off by one switch", async () => {
  const client = openClient({ address: nowhere, fallback: false });
  await expect(client.getToken({ platform: "github" })).rejects.toMatchObject({ reason: "SERVICE_UNREACHABLE" });
});

test("without a log it is loud on the console, without the token", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const client = openClient({ address: nowhere, fallback: true, log: undefined as never });
  await client.getToken({ platform: "github" });
  expect(warn).toHaveBeenCalledOnce();
  expect(JSON.stringify(warn.mock.calls)).toContain("GITHUB_TOKEN");
  expect(JSON.stringify(warn.mock.calls)).not.toContain("ghp_static");
  warn.mockRestore();
});
