import { describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import type { TokenFailure } from "../../sandbox/token-endpoint.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

const platforms = [
  { platform: "jira", lifeMs: 3_600_000, endpoint: "atlassian" },
  { platform: "slack", lifeMs: 12 * 3_600_000, endpoint: "slack" },
  { platform: "github-oauth", lifeMs: 8 * 3_600_000, endpoint: "github" },
  { platform: "github", lifeMs: 3_600_000, endpoint: "github" },
  { platform: "sentry", lifeMs: 8 * 3_600_000, endpoint: "sentry" },
] as const;

const troubles: readonly { readonly trouble: string; readonly failure: TokenFailure }[] = [
  { trouble: "answers 500", failure: { status: 500, body: { message: "boom" } } },
  { trouble: "answers a page of somebody else", failure: { status: 200, body: "<html>hello</html>" } },
  { trouble: "hangs up", failure: "reset" },
];

/** More than any test asks for. */
const untilRecovered = 100;

describe.each(platforms)("while $platform is in trouble", ({ platform, lifeMs, endpoint }) => {
  test.each(troubles)("that $trouble, a token that is still valid is served", async ({ failure }) => {
    const { service, callers } = shared;
    const { controls } = service.sandbox[endpoint];
    const { installation_id } = await service.connect(platform);
    const token = await callers[0]!.token({ installation_id });
    service.clock.advance(lifeMs - 30_000);
    controls.fail(failure, untilRecovered);
    const served = await callers[0]!.token({ installation_id });
    expect(served.token_id).toBe(token.token_id);
    expect(await isAccepted(platform, served)).toBe(true);
    expect((await callers[1]!.token({ installation_id })).token_id).toBe(token.token_id);
  });

  test("the caller's own min_ttl rules the valid token out", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect(platform);
    const { token_id } = await caller.token({ installation_id });
    service.clock.advance(lifeMs - 30_000);
    const { controls } = service.sandbox[endpoint];
    controls.fail("reset", untilRecovered);
    const refusal = await caller.refusal({ installation_id, min_ttl: { seconds: 60 } });
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "PROVIDER_UNAVAILABLE", metadata: { platform } });
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    expect((await caller.token({ installation_id, min_ttl: { seconds: 20 } })).token_id).toBe(token_id);
    controls.recover();
    const next = async () => (await caller.getToken({ installation_id, min_ttl: { seconds: 60 } })).token;
    await until(async () => (await next()) !== undefined, "a token that lives long enough", 10_000);
  });

  test("an expired token is PROVIDER_UNAVAILABLE, and the first success comes within 10 s of its end", async () => {
    const { service, callers } = shared;
    const { installation_id } = await service.connect(platform);
    await callers[0]!.token({ installation_id });
    service.clock.advance(lifeMs + 1_000);
    const { controls } = service.sandbox[endpoint];
    controls.fail({ status: 503, body: "down" }, untilRecovered);
    for (const caller of callers) {
      const refusal = await caller.refusal({ installation_id });
      expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "PROVIDER_UNAVAILABLE" });
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
      expect(JSON.stringify(refusal)).not.toContain("down");
    }
    expect(await callers[0]!.installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });
    controls.recover();
    const recovered = async () => (await callers[1]!.getToken({ installation_id })).token !== undefined;
    await until(recovered, "the service recovers by itself", 10_000);
    const token = await callers[0]!.token({ installation_id });
    expect(await isAccepted(platform, token)).toBe(true);
    expect(await callers[0]!.installation(installation_id)).toMatchObject({ last_error: "" });
  });
});

describe("an answer that was lost on the way", () => {
  test.each(platforms.filter(({ platform }) => ["jira", "slack", "sentry"].includes(platform)))(
    "costs no grant of $platform",
    async ({ platform, lifeMs, endpoint }) => {
      const { service, caller } = shared;
      const { installation_id } = await service.connect(platform);
      service.clock.advance(lifeMs + 1_000);
      service.sandbox[endpoint].controls.fail("lost");
      expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
      const recovered = async () => (await caller.getToken({ installation_id })).token !== undefined;
      await until(recovered, "the spent token, or the app's own word, is accepted", 10_000);
      expect(await isAccepted(platform, await caller.token({ installation_id }))).toBe(true);
    },
  );
});

test("a platform that limits our calls is PROVIDER_RATE_LIMITED with its own time to retry", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack");
  service.clock.advance(12 * 3_600_000 + 1_000);
  service.sandbox.slack.controls.fail({ status: 429, headers: { "retry-after": "60" }, body: "" });
  const before = service.sandbox.slack.controls.tokenCalls;
  for (const _ of [1, 2, 3]) {
    const refusal = await caller.refusal({ installation_id });
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "PROVIDER_RATE_LIMITED" });
    expect(refusal.retryAfterMs).toBeGreaterThan(30_000);
    expect(refusal.retryAfterMs).toBeLessThanOrEqual(60_000);
  }
  expect(service.sandbox.slack.controls.tokenCalls - before).toBe(1);
});

test("a caller with little time gets the valid token although the platform is silent", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("jira");
  const { token_id } = await caller.token({ installation_id });
  service.clock.advance(3_600_000 - 30_000);
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  service.sandbox.atlassian.controls.beforeTokenAnswer = () => mayAnswer;
  expect((await caller.token({ installation_id }, { deadlineMs: 400 })).token_id).toBe(token_id);
  answer();
  expect((await caller.token({ installation_id, min_ttl: { seconds: 600 } })).token_id).not.toBe(token_id);
});
