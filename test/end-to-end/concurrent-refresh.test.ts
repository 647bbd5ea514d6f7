import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import type { Caller } from "./support/caller.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

const hourMs = 3_600_000;
const rotating = [
  { platform: "jira", lifeMs: hourMs, endpoint: "atlassian" },
  { platform: "slack", lifeMs: 12 * hourMs, endpoint: "slack" },
  { platform: "github-oauth", lifeMs: 8 * hourMs, endpoint: "github" },
] as const;

/** The same request from every caller in turn, all at once. */
function all(count: number, request: Record<string, unknown>): ReturnType<Caller["getToken"]>[] {
  const { callers } = shared;
  return Array.from({ length: count }, (_, n) => callers[n % callers.length]!.getToken(request));
}

test.each(rotating)(
  "200 calls over two replicas for an expired $platform credential cause one refresh, and all are answered",
  async ({ platform, lifeMs, endpoint }) => {
    const { service } = shared;
    const { controls } = service.sandbox[endpoint];
    const { installation_id } = await service.connect(platform);
    const old = await shared.caller.token({ installation_id });
    service.clock.advance(lifeMs + 1_000);
    expect(await isAccepted(platform, old)).toBe(false);
    controls.delayMs = 300;
    const before = controls.refreshCalls;
    const answers = await Promise.all(all(200, { installation_id }));
    expect(answers.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
    expect(controls.refreshCalls - before).toBe(1);
    expect(controls.maxConcurrentUsesOfOneRefreshToken).toBe(1);
    expect(controls.deadTokenReuses).toBe(0);
    expect(new Set(answers.map(({ token }) => token?.token_id)).size).toBe(1);
    const fresh = answers[0]!.token!;
    expect(fresh.token_id).not.toBe(old.token_id);
    expect(await isAccepted(platform, fresh)).toBe(true);
  },
);

test("200 calls over two replicas for a GitHub installation without a token mint one", async () => {
  const { service } = shared;
  const { controls } = service.sandbox.github;
  const { installation_id } = await service.connect("github");
  controls.delayMs = 300;
  const before = controls.tokenCalls;
  const answers = await Promise.all(all(200, { installation_id }));
  expect(answers.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
  expect(controls.tokenCalls - before).toBe(1);
  expect(await isAccepted("github", answers[0]!.token!)).toBe(true);
});

test("bot and user of one workspace are refreshed beside each other", async () => {
  const { service } = shared;
  const { controls } = service.sandbox.slack;
  const { installation_id } = await service.connect("slack");
  service.clock.advance(12 * hourMs + 1_000);
  controls.delayMs = 100;
  const before = controls.refreshCalls;
  const answers = await Promise.all([
    ...all(20, { installation_id, actor: "ACTOR_APP" }),
    ...all(20, { installation_id, actor: "ACTOR_USER" }),
  ]);
  expect(answers.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
  expect(controls.refreshCalls - before).toBe(2);
  expect(new Set(answers.map(({ token }) => token?.token_id)).size).toBe(2);
});

test("every site of one Atlassian grant gets the token of its one refresh", async () => {
  const { service } = shared;
  const { controls } = service.sandbox.atlassian;
  const { installations } = await service.connect("jira");
  service.clock.advance(hourMs + 1_000);
  controls.delayMs = 100;
  const before = controls.refreshCalls;
  const answers = await Promise.all(installations.flatMap(({ id }) => all(20, { installation_id: id })));
  expect(controls.refreshCalls - before).toBe(1);
  expect(new Set(answers.map(({ token }) => token?.token_id)).size).toBe(1);
});

test("past half of its life a token is still handed out at once, and replaced behind the answer", async () => {
  const { service, caller } = shared;
  const { controls } = service.sandbox.atlassian;
  const { installation_id } = await service.connect("jira");
  const old = await caller.token({ installation_id });
  service.clock.advance(0.6 * hourMs);
  controls.delayMs = 100;
  const before = controls.refreshCalls;
  const answers = await Promise.all(all(50, { installation_id }));
  expect(new Set(answers.map(({ token }) => token?.token_id))).toEqual(new Set([old.token_id]));
  const next = async () => (await caller.token({ installation_id })).token_id !== old.token_id;
  await until(next, "the token is replaced");
  expect(controls.refreshCalls - before).toBe(1);
});

test("a caller that hangs up does not take the refresh with it", async () => {
  const { service, caller } = shared;
  const { controls } = service.sandbox.slack;
  const { installation_id } = await service.connect("slack");
  service.clock.advance(12 * hourMs + 1_000);
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  controls.beforeTokenAnswer = () => mayAnswer;
  const before = controls.refreshCalls;
  const { error } = await caller.call("GetToken", { installation_id }, { deadlineMs: 150 });
  expect(["DEADLINE_EXCEEDED", "UNAVAILABLE"]).toContain(error && codeName(error.code));
  answer();
  const token = await caller.token({ installation_id });
  expect(await isAccepted("slack", token)).toBe(true);
  expect(controls.refreshCalls - before).toBe(1);
});

function codeName(code: number): string {
  return { 4: "DEADLINE_EXCEEDED", 14: "UNAVAILABLE" }[code] ?? String(code);
}
