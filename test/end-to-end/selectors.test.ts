import { describe, expect, test } from "vitest";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();

const unknownId = "01890000-0000-7000-8000-000000000000";

test("every selector that names an installation finds it, alone and with all others", async () => {
  const { service, caller } = shared;
  const { installation_id, installations } = await service.connect("github", { query: "?owner=team-a" });
  const { external_org_id, external_install_id } = installations[0] ?? {};
  const platform = "github";
  for (const request of [
    { installation_id },
    { platform },
    { platform, external_org_id },
    { platform, external_install_id },
    { platform, owner: "team-a" },
    { platform, installation_id, external_org_id, external_install_id, owner: "team-a", actor: "ACTOR_APP" },
  ]) {
    expect((await caller.token(request)).installation_id).toBe(installation_id);
  }
});

test("selectors that contradict each other match nothing", async () => {
  const { service, caller } = shared;
  const { installation_id, installations } = await service.connect("github", { query: "?owner=team-a" });
  await service.connect("slack");
  for (const request of [
    { platform: "slack", installation_id },
    { installation_id, owner: "team-b" },
    { installation_id, external_org_id: "0" },
    { platform: "github", external_org_id: installations[0]?.external_org_id, external_install_id: "1" },
    { platform: "github", owner: "team-b" },
    { platform: "slack", external_user_id: "W0BOB0001", actor: "ACTOR_USER" },
    { installation_id: unknownId },
  ]) {
    expect(await caller.refusal(request)).toMatchObject({ code: "NOT_FOUND", reason: "INSTALLATION_NOT_FOUND" });
  }
});

test("a selector that several installations match names them all", async () => {
  const { service, caller } = shared;
  const { installations } = await service.connect("jira");
  const refusal = await caller.refusal({ platform: "jira" });
  expect(refusal).toMatchObject({ code: "FAILED_PRECONDITION", reason: "INSTALLATION_AMBIGUOUS" });
  const named = Object.values(refusal.metadata).join(",");
  for (const { id } of installations) expect(named).toContain(String(id));
  await caller.revoke(String(installations[0]?.id));
  expect((await caller.token({ platform: "jira" })).installation_id).toBe(installations[1]?.id);
});

test("two owners of one person's grant are told apart by owner", async () => {
  const { service, caller } = shared;
  const a = await service.connect("github-oauth", { query: "?owner=a" });
  const b = await service.connect("github-oauth", { query: "?owner=b" });
  expect(await caller.refusal({ platform: "github-oauth" })).toMatchObject({ reason: "INSTALLATION_AMBIGUOUS" });
  expect((await caller.token({ platform: "github-oauth", owner: "a" })).installation_id).toBe(a.installation_id);
  expect((await caller.token({ platform: "github-oauth", owner: "b" })).installation_id).toBe(b.installation_id);
});

test("two people of one Slack workspace are told apart by external_user_id", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack");
  service.sandbox.slack.controls.signIn("W0BOB0001");
  await service.connect("slack");
  const user = { platform: "slack", actor: "ACTOR_USER" };
  expect(await caller.refusal(user)).toMatchObject({
    reason: "INSTALLATION_AMBIGUOUS",
    metadata: { external_user_ids: expect.stringContaining("U0ALICE01") },
  });
  const alice = await caller.token({ ...user, external_user_id: "U0ALICE01" });
  const bob = await caller.token({ ...user, external_user_id: "W0BOB0001" });
  expect(alice.token_id).not.toBe(bob.token_id);
  expect([alice.installation_id, bob.installation_id]).toEqual([installation_id, installation_id]);
});

test("an organization that belongs to an owner is not given to another one", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack", { query: "?owner=team-a" });
  await caller.token({ installation_id });
  const taken = await service.connect("slack", { query: "?owner=team-b" });
  expect(taken).toMatchObject({ success: false, error: { code: "installation_taken" } });
  expect((await caller.list()).installations).toMatchObject([{ id: installation_id, owner: "team-a" }]);
  // At Slack the other consent has spent its refresh token: it goes on with a token set of its own.
  expect(await isAccepted("slack", await caller.token({ installation_id }))).toBe(true);
});

describe("a request is refused as INVALID_REQUEST, naming the field,", () => {
  test.each([
    [{}, ["platform"]],
    [{ platform: "gitlab" }, ["platform"]],
    [{ platform: "GitHub" }, ["platform"]],
    [{ owner: "team-a" }, ["platform"]],
    [{ installation_id: "1" }, ["installation_id"]],
    [{ installation_id: `${unknownId}x` }, ["installation_id"]],
    [{ platform: "github", actor: "ACTOR_USER" }, ["actor"]],
    [{ platform: "jira", actor: "ACTOR_APP" }, ["actor"]],
    [{ platform: "github", actor: 99 }, ["actor"]],
    [{ platform: "github", min_ttl: { seconds: -1 } }, ["min_ttl"]],
    [{ platform: "github", owner: "o".repeat(257) }, ["owner"]],
    [{ platform: "github", owner: "a\0b" }, ["owner"]],
    [{ platform: "github", repositories: ["acme/api"] }, ["repositories[0]"]],
    [{ platform: "github", repositories: ["api"], repository_ids: [1] }, ["repositories"]],
    [{ platform: "github", repositories: ["api"], github: { repositories: ["api"] } }, ["github"]],
    [{ platform: "github", permissions: { contents: "all" } }, ['permissions["contents"]']],
  ])("%j", async (request, fields) => {
    const before = shared.platformCalls();
    const refusal = await shared.caller.refusal(request);
    expect(refusal).toMatchObject({ code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", fields });
    expect(shared.platformCalls()).toBe(before);
  });

  test("ACTOR_USER for a GitHub installation by its id", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("github");
    expect(await caller.refusal({ installation_id, actor: "ACTOR_USER" })).toMatchObject({
      reason: "INVALID_REQUEST",
      fields: ["actor"],
    });
  });

  test.each(["GetInstallation", "RevokeInstallation"])("a malformed id in %s", async (method) => {
    for (const installation_id of ["", "1", "x".repeat(36), `${unknownId}\n`]) {
      const { error } = await shared.caller.call(method, { installation_id });
      expect(error?.code).toBe(3);
    }
    const { error } = await shared.caller.call(method, { installation_id: unknownId });
    expect(error?.code).toBe(5);
  });
});

test("a platform that has lost its settings is PLATFORM_NOT_CONFIGURED, and what was connected still listed", async () => {
  const { service } = shared;
  const { installation_id } = await service.connect("slack");
  const without = await shared.startReplica({
    SLACK_CLIENT_ID: "",
    SLACK_CLIENT_SECRET: "",
    SLACK_SIGNING_SECRET: "",
    SLACK_SCOPES: "",
    SLACK_USER_SCOPES: "",
  });
  for (const request of [{ platform: "slack" }, { installation_id }]) {
    expect(await without.refusal(request)).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "PLATFORM_NOT_CONFIGURED",
      metadata: { platform: "slack" },
    });
  }
  expect((await without.list({ platform: "slack" })).installations).toMatchObject([{ id: installation_id }]);
  expect((await shared.caller.token({ installation_id })).installation_id).toBe(installation_id);
});

test("a message of more than 64 KiB is refused at every door, and the next call is served", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("github");
  const reason = "x".repeat(100_000);
  const { error } = await caller.call("RevokeInstallation", { installation_id, reason });
  expect(error?.code).toBe(8);
  const { internalUrl } = service.replicas[0]!;
  const posted = await fetch(`${internalUrl}/oauth.token.v1.TokenService/RevokeInstallation`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ installation_id, reason }),
  });
  expect(posted.status).toBe(429);
  expect((await caller.installation(installation_id)).status).toBe("INSTALLATION_STATUS_ACTIVE");
  expect((await caller.token({ installation_id })).installation_id).toBe(installation_id);
});

test("a misspelt narrowing in JSON is refused and not ignored", async () => {
  const { service } = shared;
  await service.connect("github");
  const { internalUrl } = service.replicas[0]!;
  const answer = await fetch(`${internalUrl}/oauth.token.v1.TokenService/GetToken`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ platform: "github", repositorys: ["api"] }),
  });
  expect(answer.status).toBe(400);
});
