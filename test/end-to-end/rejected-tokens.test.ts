import { describe, expect, test } from "vitest";
import { createGate, until } from "../../rig/gate.ts";
import type { Token } from "./support/caller.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

const platforms = [
  { platform: "jira", endpoint: "atlassian" },
  { platform: "slack", endpoint: "slack" },
  { platform: "github-oauth", endpoint: "github" },
  { platform: "github", endpoint: "github" },
] as const;

describe.each(platforms)("a token of $platform that the platform refused", ({ platform, endpoint }) => {
  async function reject(): Promise<{ readonly token: Token; readonly request: Record<string, unknown> }> {
    const { installation_id } = await shared.service.connect(platform);
    const token = await shared.caller.token({ installation_id });
    return { token, request: { installation_id, rejected_token_id: token.token_id } };
  }

  test("is replaced once for 100 callers over two replicas that were refused at once", async () => {
    const { callers, service } = shared;
    const { controls } = service.sandbox[endpoint];
    const { token, request } = await reject();
    controls.delayMs = 100;
    const before = controls.tokenCalls;
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => callers[n % callers.length]!.getToken(request)),
    );
    expect(answers.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
    expect(controls.tokenCalls - before).toBe(1);
    const ids = new Set(answers.map((answer) => answer.token?.token_id));
    expect(ids.size).toBe(1);
    expect(ids).not.toContain(token.token_id);
    expect(await isAccepted(platform, answers[0]!.token!)).toBe(true);
  });

  test("and was replaced already leads to the current one, without a call", async () => {
    const { callers, service } = shared;
    const { request } = await reject();
    const current = await callers[0]!.token(request);
    const before = service.sandbox[endpoint].controls.tokenCalls;
    for (const caller of callers) expect((await caller.token(request)).token_id).toBe(current.token_id);
    const stale = { ...request, rejected_token_id: "0".repeat(64) };
    for (const caller of callers) expect((await caller.token(stale)).token_id).toBe(current.token_id);
    expect(service.sandbox[endpoint].controls.tokenCalls).toBe(before);
  });

  test("is never handed out again while the platform is down, but to who did not reject it", async () => {
    const { callers, service } = shared;
    const { controls } = service.sandbox[endpoint];
    const { token, request } = await reject();
    controls.fail({ status: 503, body: "" }, 100);
    for (const caller of callers) {
      const refusal = await caller.refusal(request);
      expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "PROVIDER_UNAVAILABLE" });
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
    }
    const { rejected_token_id: _, ...unaware } = request;
    expect((await callers[1]!.token(unaware)).token_id).toBe(token.token_id);
    controls.recover();
    const replaced = async () => (await callers[0]!.getToken(request)).token;
    await until(async () => (await replaced()) !== undefined, "the token is replaced", 10_000);
    expect((await callers[1]!.token(request)).token_id).not.toBe(token.token_id);
  });
});

test("a caller whose time runs out during the replacement is not given the rejected token", async () => {
  const { caller, service } = shared;
  const { installation_id } = await service.connect("jira");
  const { token_id } = await caller.token({ installation_id });
  const gate = createGate();
  service.sandbox.atlassian.controls.beforeTokenAnswer = () => gate.opened;
  const request = { installation_id, rejected_token_id: token_id };
  const { error } = await caller.call("GetToken", request, { deadlineMs: 300 });
  expect(error).toBeDefined();
  gate.open();
  expect((await caller.token(request)).token_id).not.toBe(token_id);
});

test("a narrowed token is replaced once in each replica", async () => {
  const { callers, service } = shared;
  const { controls } = service.sandbox.github;
  const { installation_id } = await service.connect("github");
  const shape = { installation_id, repositories: ["api"] };
  const tokens = await Promise.all(callers.map((caller) => caller.token(shape)));
  controls.delayMs = 100;
  const before = controls.tokenCalls;
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => {
      const replica = n % callers.length;
      return callers[replica]!.token({ ...shape, rejected_token_id: tokens[replica]!.token_id });
    }),
  );
  expect(controls.tokenCalls - before).toBe(callers.length);
  expect(new Set(answers.map(({ token_id }) => token_id)).size).toBe(callers.length);
  expect(answers.filter(({ token_id }) => tokens.some((token) => token.token_id === token_id))).toEqual([]);
});
