import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();
const hourMs = 3_600_000;

/** Each names another client than the one that grants were given to, as a typing error or another environment's settings do. */
const registrations = [
  { platform: "jira", lifeMs: hourMs, wrong: { JIRA_CLIENT_ID: "another" } },
  { platform: "slack", lifeMs: 12 * hourMs, wrong: { SLACK_CLIENT_ID: "1.2" } },
  { platform: "github-oauth", lifeMs: 8 * hourMs, wrong: { GITHUB_OAUTH_CLIENT_ID: "Ov23another" } },
  { platform: "github", lifeMs: hourMs, wrong: { GITHUB_APP_ID: "999" } },
];

test.each(registrations)(
  "with another client at $platform nothing is sent, nothing is harmed, and the right client goes on",
  async ({ platform, lifeMs, wrong }) => {
    const { service, caller: right } = shared;
    const { installation_id, installations } = await service.connect(platform);
    const old = await right.token({ installation_id });
    const other = await shared.startReplica(wrong);
    const replica = service.replicas.at(-1)!;
    expect(service.world.lines.some((line) => line.includes('"registration.other"') && line.includes(platform))).toBe(
      true,
    );
    const calls = shared.platformCalls();
    // What lives is served.
    expect((await other.token({ installation_id })).token_id).toBe(old.token_id);

    service.clock.advance(lifeMs + 1_000);
    const refused = { code: "FAILED_PRECONDITION", reason: "PROVIDER_MISCONFIGURED", metadata: { platform } };
    expect(await other.refusal({ installation_id })).toMatchObject(refused);
    await replica.jobs.run("refresh what is due");
    expect(shared.platformCalls()).toBe(calls);
    const { status, last_error } = await right.installation(installation_id);
    expect([status, last_error]).toEqual(["INSTALLATION_STATUS_ACTIVE", "misconfigured"]);
    const health = (await (await fetch(`${replica.internalUrl}/health?full=1`)).json()) as {
      platforms: { other_registration: Record<string, number> };
    };
    expect(Object.keys(health.platforms.other_registration)).toEqual([platform]);

    const recovered = async () => (await right.getToken({ installation_id })).token !== undefined;
    await until(recovered, "the replica with the right client gets a token", 10_000);
    expect(await isAccepted(platform, await right.token({ installation_id }))).toBe(true);

    const before = shared.platformCalls();
    const ended = [];
    for (const { id } of installations) ended.push((await other.revoke(String(id))).provider_revocation);
    expect(ended.at(-1)).toBe("PROVIDER_REVOCATION_FAILED");
    expect(shared.platformCalls()).toBe(before);
  },
);

test("a narrowed GitHub token is not asked for in another app's name", async () => {
  const { service, caller: right } = shared;
  await service.connect("github");
  const other = await shared.startReplica({ GITHUB_APP_ID: "999" });
  const calls = shared.platformCalls();
  const request = { platform: "github", repositories: ["api"] };
  expect(await other.refusal(request)).toMatchObject({ reason: "PROVIDER_MISCONFIGURED" });
  expect(shared.platformCalls()).toBe(calls);
  expect((await right.token(request)).permissions).not.toEqual({});
});

test("a live token of another host is handed to nobody", async () => {
  const { service, caller: right } = shared;
  const { installation_id } = await service.connect("slack");
  await right.token({ installation_id });
  const other = await shared.startReplica({ SLACK_URL: "http://localhost:9" });
  expect(await other.refusal({ installation_id })).toMatchObject({ reason: "PROVIDER_MISCONFIGURED" });
  expect((await right.token({ installation_id })).installation_id).toBe(installation_id);
});
