import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import type { Caller } from "./support/caller.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();
const hourMs = 3_600_000;

/** Each of them makes what the service is configured with wrong, and gives the settings that are right again. */
const registrations = [
  {
    platform: "jira",
    lifeMs: hourMs,
    change: () => ({ JIRA_CLIENT_SECRET: shared.service.sandbox.atlassian.controls.rotateClientSecret() }),
  },
  {
    platform: "slack",
    lifeMs: 12 * hourMs,
    change: () => ({ SLACK_CLIENT_SECRET: shared.service.sandbox.slack.controls.rotateClientSecret() }),
  },
  {
    platform: "github-oauth",
    lifeMs: 8 * hourMs,
    change: () => ({
      GITHUB_OAUTH_CLIENT_SECRET: shared.service.sandbox.github.controls.rotateClientSecret("oauth"),
    }),
  },
  {
    platform: "github",
    lifeMs: hourMs,
    change: () => ({ GITHUB_PRIVATE_KEY: shared.service.sandbox.github.controls.rotatePrivateKey() }),
  },
];

/** The replica that is configured as the platforms are registered now. */
let right: Caller | undefined;
let settings: Record<string, string> = {};

test.each(registrations)(
  "our own wrong registration at $platform is PROVIDER_MISCONFIGURED, harms nothing, and is over with the right one",
  async ({ platform, lifeMs, change }) => {
    const { service } = shared;
    const wrong = right ?? shared.caller;
    const { installation_id } = await service.connect(platform);
    const old = await wrong.token({ installation_id });
    settings = { ...settings, ...change() };
    service.clock.advance(lifeMs - 30_000);
    expect((await wrong.token({ installation_id })).token_id).toBe(old.token_id);

    service.clock.advance(60_000);
    const refusal = await wrong.refusal({ installation_id });
    expect(refusal).toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "PROVIDER_MISCONFIGURED",
      metadata: { platform },
      retryAfterMs: undefined,
    });
    const { status, last_error } = await wrong.installation(installation_id);
    expect([status, last_error]).toEqual(["INSTALLATION_STATUS_ACTIVE", "misconfigured"]);
    expect(service.world.lines.some((line) => line.includes('"platform.misconfigured"'))).toBe(true);

    right = await shared.startReplica(settings);
    const caller = right;
    const recovered = async () => (await caller.getToken({ installation_id })).token !== undefined;
    await until(recovered, "the replica with the right registration gets a token", 10_000);
    const token = await wrong.token({ installation_id });
    expect(await isAccepted(platform, token)).toBe(true);
    expect((await wrong.installation(installation_id)).last_error).toBe("");
  },
);

test("a person who connects meanwhile is told that it is the operator's to repair", async () => {
  const { service } = shared;
  service.sandbox.slack.controls.rotateClientSecret();
  const answer = await service.connect("slack");
  expect(answer).toMatchObject({ success: false, error: { code: "provider_misconfigured" } });
});
