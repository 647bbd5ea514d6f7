import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { startInternal } from "./support/internal.ts";
import { connects, installation, startSite } from "./support/site.ts";

const lineOf = async (lines: readonly string[]) => {
  await until(() => lines.length > 0, "a line in the log");
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? "");
};

test.each([
  ["/oauth/install/slack", "GET", { level: "info", route: "/oauth/install/:platform", status: 302 }],
  [
    "/oauth/callback/x",
    "GET",
    { level: "info", route: "/oauth/callback/:platform", status: 303, failure: "state_other_browser" },
  ],
  [
    "/oauth/install/slack",
    "PUT",
    { level: "info", route: "/oauth/install/:platform", status: 405, failure: "method_not_allowed" },
  ],
  ["/secret-path", "GET", { level: "info", route: "unmatched", status: 404, failure: "not_found" }],
  ["/health", "GET", { level: "debug", route: "/health", status: 200 }],
  ["/v1/healthz", "HEAD", { level: "debug", route: "/v1/healthz", status: 200 }],
])("%s by %s leaves one line", async (path, method, expected) => {
  const site = await startSite();
  const { headers } = await site.ask(`${path}?q=secret-query`, { method });
  const requestId = headers["x-request-id"];
  const line = await lineOf(site.world.lines);
  expect(line).toEqual({
    ...expected,
    event: "http.request",
    method,
    requestId,
    address: "127.0.0.1",
    ms: expect.any(Number),
  });
  expect(JSON.stringify(line)).not.toContain("secret");
});

test("a request that is given up leaves a line that says so", async () => {
  const left = new AbortController();
  const site = await startSite({
    startInstall: () => {
      left.abort();
      return new Promise(() => {});
    },
  });
  await expect(fetch(`http://localhost:${site.port}/oauth/install/slack`, { signal: left.signal })).rejects.toThrow();
  expect(await lineOf(site.world.lines)).toMatchObject({ aborted: true });
});

test("no code, state, cookie or error text of a flow is in a log line, a page or a header of our own", async () => {
  const canaries = [
    "canary-code",
    "canary-state",
    "canary-binding",
    "canary-description",
    "canary-owner",
    "canary-unknown",
  ];
  const site = await startSite({
    finishInstall: async (request) => {
      if (request.query.get("state") === "boom")
        throw new Error("canary-code canary-state", { cause: new Error("canary-binding") });
      return connects([installation()])(request);
    },
  });
  const cookie = "ots-n-canary-state=canary-binding";
  const paths = [
    "/oauth/callback/slack?code=canary-code&state=canary-state",
    "/oauth/callback/slack?code=canary-code&state=boom",
    "/oauth/callback/slack?code=canary-code&code=canary-code&state=canary-state",
    "/oauth/callback/slack?error=access_denied&error_description=canary-description&state=canary-state",
    "/oauth/callback/slack?code=canary-code&state=%E0canary-state",
    "/oauth/callback/%E0canary-unknown?code=canary-code&state=canary-state",
    "/oauth/install/slack?owner=canary-owner&return_to=https://canary-unknown.example",
    "/canary-unknown?code=canary-code",
  ];
  let seen = "";
  for (const path of paths) {
    for (const accept of ["text/html", "application/json"]) {
      for (const method of ["GET", "POST", "HEAD"]) {
        const answer = await site.ask(path, { method, headers: { cookie, accept } });
        const shown = answer.status === 303 ? (await site.show(path, { headers: { cookie, accept } })).text : "";
        seen += shown + answer.text + answer.rawHeaders.filter((part) => !part.includes("Max-Age=")).join("\n");
      }
    }
  }
  seen += site.world.lines.join("\n");
  for (const canary of canaries) expect(seen).not.toContain(canary);
  expect(seen).toContain('"event":"http.unexpected","error":{"name":"Error","stack":');
});

test("a caller inside may name its request, in printable ASCII", async () => {
  const internal = await startInternal();
  const named = await internal.ask("/oauth/installations", { headers: { "x-request-id": "job-7/step:2" } });
  expect(named.headers["x-request-id"]).toBe("job-7/step:2");
  expect(internal.calls[0]?.context).toMatchObject({ address: "127.0.0.1", requestId: "job-7/step:2" });
  for (const name of ["with space", "é", "x".repeat(129)]) {
    const answer = await internal.ask("/oauth/installations", { headers: { "x-request-id": name } });
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f]{16}$/);
  }
  const site = await startSite();
  const outside = await site.ask("/health", { headers: { "x-request-id": "chosen" } });
  expect(outside.headers["x-request-id"]).not.toBe("chosen");
});

test("an RPC leaves its own lines, and here one at debug", async () => {
  const internal = await startInternal();
  await internal.ask("/oauth.token.v1.TokenService/GetToken", { method: "POST", body: "{}" });
  expect(await lineOf(internal.world.lines)).toMatchObject({
    level: "debug",
    route: "/oauth.token.v1.TokenService/:method",
  });
});

test.each([
  ["/oauth/token/slack", { level: "debug", status: 200 }],
  ["/oauth/token/slack?ownr=acme", { level: "info", status: 400, failure: "INVALID_REQUEST" }],
])(
  "a token by plain HTTP leaves its own lines, and here one at debug, unless it comes to no call: %s",
  async (path, line) => {
    const internal = await startInternal();
    await internal.ask(path);
    expect(await lineOf(internal.world.lines)).toMatchObject({ ...line, route: "/oauth/token/:platform" });
  },
);
