import { expect, test, vi } from "vitest";
import { withBreaker } from "../../src/domain/breaker.ts";
import type { CredentialSecrets, MintOutcome } from "../../src/domain/platform.ts";
import { minted, scriptedPlatform } from "../support/scripted-platform.ts";

const credential: CredentialSecrets = {
  kind: "rotating",
  actor: "app",
  subject: "T1:bot",
  externalUserId: undefined,
  registration: undefined,
  accessToken: undefined,
  refreshToken: undefined,
};
const down: MintOutcome = {
  kind: "unavailable",
  retryAfterMs: undefined,
  mayHaveBeenProcessed: true,
  cause: "http_503",
};
const wrongSecret: MintOutcome = { kind: "misconfigured", code: "bad_client_secret" };

async function ask(platform: ReturnType<typeof withBreaker>, times: number): Promise<MintOutcome[]> {
  const outcomes: MintOutcome[] = [];
  for (let i = 0; i < times; i++) outcomes.push(await platform.mint(credential));
  return outcomes;
}

test.each([
  ["unavailable", down],
  ["misconfigured", wrongSecret],
])("leaves a platform alone that was %s five times in a row, and says the same meanwhile", async (kind, answer) => {
  const platform = scriptedPlatform();
  platform.answer = () => answer;
  const outcomes = await ask(withBreaker(platform), 50);
  expect(platform.spent.length).toBe(5);
  expect(outcomes.every((outcome) => outcome.kind === kind)).toBe(true);
});

test("what it did not send is never called unclear", async () => {
  const platform = scriptedPlatform();
  platform.answer = () => down;
  const outcomes = await ask(withBreaker(platform), 6);
  expect(outcomes.at(-1)).toMatchObject({ mayHaveBeenProcessed: false });
});

test("lets one call through every three seconds, and all of them after its success", async () => {
  const platform = scriptedPlatform();
  platform.answer = () => down;
  const guarded = withBreaker(platform);
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    await ask(guarded, 10);
    vi.advanceTimersByTime(3_001);
    await Promise.all(Array.from({ length: 10 }, () => guarded.mint(credential)));
    expect(platform.spent.length).toBe(6);
    platform.answer = () => minted();
    vi.advanceTimersByTime(3_001);
    await ask(guarded, 10);
    expect(platform.spent.length).toBe(16);
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ["a refusal of one grant", { kind: "rejected", code: "invalid_refresh_token" }],
  ["a rate limit", { kind: "rate_limited", retryAfterMs: 1_000 }],
  ["a success", minted()],
] as const)("%s between failures begins the count anew", async (_what, between) => {
  const platform = scriptedPlatform();
  const guarded = withBreaker(platform);
  for (let i = 0; i < 5; i++) {
    platform.answer = () => down;
    await ask(guarded, 4);
    platform.answer = () => between;
    await ask(guarded, 1);
  }
  expect(platform.spent.length).toBe(25);
});
