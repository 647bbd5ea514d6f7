import { describe, expect, test } from "vitest";
import type { Token } from "./support/caller.ts";
import { repositoriesOf } from "./support/platform-api.ts";
import { dump, useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

const spellings = [
  { spelling: "at the top level", narrow: (fields: Record<string, unknown>) => fields },
  { spelling: "nested in github", narrow: (fields: Record<string, unknown>) => ({ github: fields }) },
];

describe.each(spellings)("a GitHub token narrowed $spelling", ({ narrow }) => {
  test("by repositories reaches those and no others", async () => {
    const { service, caller } = shared;
    await service.connect("github");
    const whole = await caller.token({ platform: "github" });
    expect(await repositoriesOf(whole)).toEqual(["api", "docs", "web"]);
    const named = await caller.token({ platform: "github", ...narrow({ repositories: ["api", "docs"] }) });
    expect(await repositoriesOf(named)).toEqual(["api", "docs"]);
    const numbered = await caller.token({ platform: "github", ...narrow({ repository_ids: [3002] }) });
    expect(await repositoriesOf(numbered)).toEqual(["web"]);
  });

  test("by permissions has those and reading metadata", async () => {
    const { service, caller } = shared;
    await service.connect("github");
    const token = await caller.token({ platform: "github", ...narrow({ permissions: { contents: "read" } }) });
    expect(token.permissions).toEqual({ contents: "read", metadata: "read" });
    const both = await caller.token({
      platform: "github",
      ...narrow({ repositories: ["web"], permissions: { issues: "write" } }),
    });
    expect(both.permissions).toEqual({ issues: "write", metadata: "read" });
    expect(await repositoriesOf(both)).toEqual(["web"]);
  });

  test.each([
    ["a level above the granted one", { permissions: { contents: "admin" } }],
    ["a permission that was not granted", { permissions: { administration: "read" } }],
    ["a repository that does not exist", { repositories: ["api", "secret"] }],
    ["somebody else's repository", { repository_ids: [3005] }],
    ["a repository id beyond every number", { repository_ids: ["9223372036854775807"] }],
  ])("never has more than was granted: %s", async (_what, fields) => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("github");
    expect(await caller.refusal({ platform: "github", ...narrow(fields) })).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "SCOPE_NOT_GRANTED",
    });
    expect(await caller.installation(installation_id)).toMatchObject({
      status: "INSTALLATION_STATUS_ACTIVE",
      last_error: "",
    });
  });
});

describe("over REST a GitHub token", () => {
  const ask = async (query: string) => {
    const response = await fetch(`${shared.service.replicas[0]!.internalUrl}/oauth/token/github${query}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test("is narrowed by repositories, their ids and permissions", async () => {
    await shared.service.connect("github");
    const both = await ask("?repositories=web,api&permissions=contents:read,issues:write");
    expect(both).toMatchObject({
      status: 200,
      body: { permissions: { contents: "read", issues: "write", metadata: "read" } },
    });
    expect(await repositoriesOf(both.body as unknown as Token)).toEqual(["api", "web"]);
    const numbered = await ask("?repository_ids=3002");
    expect(await repositoriesOf(numbered.body as unknown as Token)).toEqual(["web"]);
  });

  test.each([
    ...["?repositories=", "?repositories=web,", "?repositories=acme/web", "?repositores=web", "?repository_ids="],
    ...["?repository_ids=0", "?repositories=web&repository_ids=3002", "?permissions=", "?permissions=contents:all"],
    ...["?permissions=__proto__:read", "?permissions=contents:read&permissions=issues:read", "?owner=acme&Owner=b"],
  ])("is never the whole one where %s was asked for", async (query) => {
    await shared.service.connect("github");
    expect(await ask(query)).toMatchObject({ status: 400, body: { error: { reason: "INVALID_REQUEST" } } });
  });
});

test("a shape is minted once for many callers at once, however they order and spell it", async () => {
  const { service, callers } = shared;
  const { controls } = service.sandbox.github;
  await service.connect("github");
  controls.delayMs = 100;
  const before = controls.tokenCalls;
  const shapes = [
    { repositories: ["api", "web"], permissions: { contents: "read", issues: "read" } },
    { repositories: ["web", "api"], permissions: { issues: "read", contents: "read" } },
    { github: { repositories: ["api", "web"], permissions: { issues: "read", contents: "read" } } },
  ];
  const tokens = await Promise.all(
    Array.from({ length: 60 }, (_, n) => callers[0]!.token({ platform: "github", ...shapes[n % shapes.length] })),
  );
  expect(controls.tokenCalls - before).toBe(1);
  expect(new Set(tokens.map(({ token_id }) => token_id)).size).toBe(1);
  // Memory of one replica is not the other's.
  await Promise.all(Array.from({ length: 20 }, () => callers[1]!.token({ platform: "github", ...shapes[0] })));
  expect(controls.tokenCalls - before).toBe(2);
});

test("different shapes never share a token", async () => {
  const { service, caller } = shared;
  await service.connect("github");
  const shapes = [
    {},
    { repositories: ["api"] },
    { repositories: ["web"] },
    { repository_ids: [3001] },
    { repositories: ["api"], permissions: { contents: "read" } },
    { permissions: { contents: "read" } },
    { permissions: { contents: "write" } },
  ];
  const tokens = await Promise.all(shapes.map((shape) => caller.token({ platform: "github", ...shape })));
  expect(new Set(tokens.map(({ token_id }) => token_id)).size).toBe(shapes.length);
});

test("a narrowed token is not stored, in the clear or sealed, and leaves the stored one alone", async () => {
  const { service, caller, sql } = shared;
  await service.connect("github");
  await caller.token({ platform: "github" });
  const rows = () => sql`select to_jsonb(c) as row from credentials c`;
  const before = await rows();
  const token = await caller.token({ platform: "github", repositories: ["api"] });
  expect(await rows()).toEqual(before);
  expect(await dump(sql)).not.toContain(token.access_token);
});

test("a narrowed token is minted anew shortly before it ends", async () => {
  const { service, caller } = shared;
  await service.connect("github");
  const request = { platform: "github", repositories: ["api"] };
  const first = await caller.token(request);
  service.clock.advance(3_600_000 - 90_000);
  expect((await caller.token(request)).token_id).toBe(first.token_id);
  service.clock.advance(60_000);
  const second = await caller.token(request);
  expect(second.token_id).not.toBe(first.token_id);
  expect(await repositoriesOf(second)).toEqual(["api"]);
});

test("a narrowed token that is still valid outlives GitHub's trouble", async () => {
  const { service, caller } = shared;
  await service.connect("github");
  const request = { platform: "github", repositories: ["api"] };
  const { token_id } = await caller.token(request);
  service.clock.advance(3_600_000 - 30_000);
  service.sandbox.github.controls.fail({ status: 502, body: "" }, 2);
  expect((await caller.token(request)).token_id).toBe(token_id);
  expect(await caller.refusal({ ...request, min_ttl: { seconds: 60 } })).toMatchObject({
    reason: "PROVIDER_UNAVAILABLE",
  });
});

test.each(["jira", "confluence", "slack", "github-oauth"])("a token of %s cannot be narrowed", async (platform) => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect(platform);
  for (const shape of [{ repositories: ["api"] }, { github: { permissions: { contents: "read" } } }]) {
    expect(await caller.refusal({ platform, installation_id, ...shape })).toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "INVALID_REQUEST",
      fields: ["github"],
    });
  }
});
