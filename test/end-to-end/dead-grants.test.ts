import { describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const hourMs = 3_600_000;

const persons = [
  { platform: "jira", lifeMs: hourMs, endpoint: "atlassian" },
  { platform: "slack", lifeMs: 12 * hourMs, endpoint: "slack" },
  { platform: "github-oauth", lifeMs: 8 * hourMs, endpoint: "github" },
] as const;

test.each(persons)(
  "a grant of $platform that was ended there asks for reauthorization, and connecting again heals it under its id",
  async ({ platform, lifeMs, endpoint }) => {
    const { service, callers } = shared;
    const { controls } = service.sandbox[endpoint];
    const { installation_id } = await service.connect(platform);
    await callers[0]!.token({ installation_id });
    controls.revokeEverything();
    service.clock.advance(lifeMs + 1_000);
    for (const caller of callers) {
      expect(await caller.refusal({ installation_id })).toMatchObject({
        code: "FAILED_PRECONDITION",
        reason: "REAUTHORIZATION_REQUIRED",
        metadata: { install_url: `${service.replicas[0]!.publicUrl}/oauth/install/${platform}` },
        retryAfterMs: undefined,
      });
    }
    const { status, last_error } = await callers[1]!.installation(installation_id);
    expect(status).toBe("INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED");
    expect(last_error).not.toBe("");
    const before = controls.tokenCalls;
    await callers[0]!.refusal({ installation_id });
    expect(controls.tokenCalls).toBe(before);

    const again = await service.connect(platform);
    expect(again.installation_id).toBe(installation_id);
    const token = await callers[1]!.token({ platform, installation_id });
    expect(await isAccepted(platform, token)).toBe(true);
    expect(await callers[0]!.installation(installation_id)).toMatchObject({
      status: "INSTALLATION_STATUS_ACTIVE",
      last_error: "",
    });
  },
);

test("install_url names the owner that the installation belongs to", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack", { query: "?owner=team%20a" });
  service.sandbox.slack.controls.revokeEverything();
  service.clock.advance(12 * hourMs + 1_000);
  const { metadata } = await caller.refusal({ platform: "slack", owner: "team a" });
  const url = new URL(metadata.install_url ?? "");
  expect([url.pathname, url.searchParams.get("owner")]).toEqual(["/oauth/install/slack", "team a"]);
  const healed = await service.connect("slack", { query: url.search });
  expect(healed.installation_id).toBe(installation_id);
});

test("one person's dead Slack token does not take the workspace's bot away", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack");
  const user = await caller.token({ installation_id, actor: "ACTOR_USER" });
  await fetch(`${user.api_base_url}/auth.revoke`, { method: "POST", headers: bearer(user.access_token) });
  const [refreshToken] = shared.secrets.all.filter((secret) => secret.startsWith("xoxe-1-")).slice(-1);
  await fetch(`${user.api_base_url}/auth.revoke`, { method: "POST", headers: bearer(refreshToken ?? "") });
  const rejected = { installation_id, actor: "ACTOR_USER", rejected_token_id: user.token_id };
  expect(await caller.refusal(rejected)).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
  expect(await isAccepted("slack", await caller.token({ installation_id }))).toBe(true);
  expect((await caller.installation(installation_id)).status).toBe("INSTALLATION_STATUS_ACTIVE");
});

describe("a GitHub installation", () => {
  test("that is suspended is INSTALLATION_SUSPENDED, and works again when that is lifted", async () => {
    const { service, callers, sql } = shared;
    const { controls } = service.sandbox.github;
    const { installation_id, installations } = await service.connect("github");
    const githubId = String(installations[0]?.external_install_id);
    const old = await callers[0]!.token({ installation_id });
    controls.suspend(githubId);
    expect(await isAccepted("github", old)).toBe(false);
    for (const caller of callers) {
      const refusal = await caller.refusal({ installation_id, rejected_token_id: old.token_id });
      expect(refusal).toMatchObject({ code: "FAILED_PRECONDITION", reason: "INSTALLATION_SUSPENDED" });
    }
    // Known now: the token that is stored is not handed out either.
    expect(await callers[1]!.refusalSoon({ platform: "github" })).toMatchObject({ reason: "INSTALLATION_SUSPENDED" });
    expect(await callers[0]!.refusal({ installation_id, repositories: ["api"] })).toMatchObject({
      reason: "INSTALLATION_SUSPENDED",
    });
    expect(await callers[0]!.installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_SUSPENDED" });

    controls.unsuspend(githubId);
    // What a minute of the database's clock does.
    await sql`update credentials set lease_until = clock_timestamp()`;
    const token = await callers[1]!.token({ installation_id });
    expect(await isAccepted("github", token)).toBe(true);
    expect(await callers[0]!.installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });
  });

  test("that was uninstalled asks for reauthorization, and installing again serves the organization again", async () => {
    const { service, callers } = shared;
    const { controls } = service.sandbox.github;
    const { installation_id, installations } = await service.connect("github");
    const [{ external_install_id, external_org_id } = {}] = installations;
    const old = await callers[0]!.token({ installation_id });
    controls.uninstall(String(external_install_id));
    const rejected = { installation_id, rejected_token_id: old.token_id };
    expect(await callers[1]!.refusal(rejected)).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "REAUTHORIZATION_REQUIRED",
      metadata: { install_url: `${service.replicas[0]!.publicUrl}/oauth/install/github` },
    });
    expect(await callers[0]!.installation(installation_id)).toMatchObject({
      status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
      last_error: "installation_removed",
    });

    const again = await service.connect("github");
    expect(again.installation_id).toBe(installation_id);
    for (const request of [{ platform: "github" }, { platform: "github", external_org_id }, { installation_id }]) {
      for (const caller of callers) {
        const served = async () => (await caller.getToken(request)).token !== undefined;
        await until(served, "the change has arrived everywhere", 5_000);
        expect(await isAccepted("github", await caller.token(request))).toBe(true);
      }
    }
    expect(await callers[0]!.installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });
  });
});

test("a refusal is not believed while an answer that was lost may have spent the token", async () => {
  const { service, caller, sql } = shared;
  const { controls } = service.sandbox.github;
  const { installation_id } = await service.connect("github-oauth");
  service.clock.advance(8 * hourMs + 1_000);
  controls.fail("lost");
  expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
  const again = controls.deadTokenReuses + 1;
  await until(async () => {
    expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
    return controls.deadTokenReuses === again;
  }, "the spent token is refused");
  expect(await caller.installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });

  service.clock.advance(60_000);
  await sql`update credentials set lease_until = clock_timestamp()`;
  expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
  expect(await caller.installation(installation_id)).toMatchObject({ last_error: "rotation_lost" });
});

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}
