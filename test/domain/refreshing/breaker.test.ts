import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CredentialSecrets, MintOutcome } from "../../../src/domain/model/platform.ts";
import { withBreaker } from "../../../src/domain/refreshing/breaker.ts";
import { minted, scriptedPlatform } from "../../support/scripted-platform.ts";

function credential(subject: string): CredentialSecrets {
  const none = { registration: undefined, externalUserId: undefined, accessToken: undefined, refreshToken: undefined };
  return { kind: "app_installation", actor: "app", subject, ...none };
}

const down: MintOutcome = {
  kind: "unavailable",
  retryAfterMs: undefined,
  mayHaveBeenProcessed: true,
  cause: "http_503",
};
const wrongSecret: MintOutcome = { kind: "misconfigured", code: "bad_client_secret" };

/** A platform that answers each credential as the test says, and remembers whom it was asked for. */
function guardedPlatform() {
  const platform = scriptedPlatform();
  const asked: string[] = [];
  const answers = new Map<string, MintOutcome>();
  let otherwise: MintOutcome | undefined;
  platform.answer = ({ subject }) => {
    asked.push(subject);
    return answers.get(subject) ?? otherwise ?? minted();
  };
  const guarded = withBreaker(platform);
  return {
    guarded,
    asked,
    answer: (subject: string, outcome: MintOutcome) => void answers.set(subject, outcome),
    answerAll(outcome: MintOutcome | undefined) {
      otherwise = outcome;
    },
    async ask(subject: string, times = 1): Promise<string[]> {
      const kinds: string[] = [];
      for (let i = 0; i < times; i++) kinds.push((await guarded.mint(credential(subject))).kind);
      return kinds;
    },
  };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

describe.each([
  ["unavailable", down],
  ["misconfigured", wrongSecret],
] as const)("a platform that is %s", (kind, answer) => {
  test("to one credential is asked for that one now and then, and for its neighbours as ever", async () => {
    const { ask, asked, ...platform } = guardedPlatform();
    platform.answer("loud", answer);
    expect(new Set(await ask("loud", 50))).toEqual(new Set([kind]));
    expect(asked).toHaveLength(5);
    expect(await ask("neighbour", 100)).toEqual(Array(100).fill("minted"));
    vi.advanceTimersByTime(3_001);
    await ask("loud", 50);
    expect(asked).toHaveLength(106);
    expect(platform.guarded.leftAlone?.()).toBe(false);
  });

  test("to several, five times in a row, is left alone, and says the same meanwhile", async () => {
    const { ask, asked, ...platform } = guardedPlatform();
    platform.answerAll(answer);
    for (const subject of ["a", "b", "c", "a", "b"]) await ask(subject);
    expect(await ask("a", 50)).toEqual(Array(50).fill(kind));
    expect(asked).toHaveLength(5);
    await ask("d");
    expect(platform.guarded.leftAlone?.()).toBe(true);
    vi.advanceTimersByTime(3_001);
    expect(platform.guarded.leftAlone?.()).toBe(false);
  });
});

/** Met by several: the platform is left alone from here on. */
async function inOutage() {
  const platform = guardedPlatform();
  platform.answerAll(down);
  for (const subject of ["a", "b", "c", "a", "b"]) await platform.ask(subject);
  platform.asked.length = 0;
  return platform;
}

describe("in an outage", () => {
  test("what was not sent is never called unclear", async () => {
    const { guarded } = await inOutage();
    expect(await guarded.mint(credential("a"))).toMatchObject({ cause: "left_alone", mayHaveBeenProcessed: false });
  });

  test("one call gets through every three seconds, and all of them after its success", async () => {
    const { asked, guarded, ask, answerAll } = await inOutage();
    vi.advanceTimersByTime(3_001);
    await Promise.all(Array.from({ length: 10 }, () => guarded.mint(credential("a"))));
    expect(asked).toHaveLength(1);
    answerAll(undefined);
    vi.advanceTimersByTime(3_001);
    await ask("a", 10);
    await ask("c", 10);
    expect(asked).toHaveLength(21);
  });

  test("who was not in trouble is not kept waiting by those who are", async () => {
    const { ask, answer, asked } = await inOutage();
    answer("healthy", minted());
    await ask("a", 20);
    expect(await ask("healthy")).toEqual(["minted"]);
    expect(asked).toEqual(["healthy"]);
  });

  test("one tenant's loop does not use up the turns of the others", async () => {
    const { ask, answer, asked } = await inOutage();
    answer("a", minted());
    // Two of one tenant's that ask without a pause, and a neighbour who comes back when it was told to.
    for (let turn = 0; turn < 3; turn++) {
      vi.advanceTimersByTime(3_001);
      await ask("b", 5);
      await ask("c", 5);
    }
    const before = asked.length;
    expect(await ask("a")).toEqual(["unavailable"]);
    vi.advanceTimersByTime(3_001);
    await ask("b", 5);
    await ask("c", 5);
    expect(await ask("a")).toEqual(["minted"]);
    expect(asked.slice(before)).toEqual(["a"]);
  });

  test("a turn that nobody else takes is not lost", async () => {
    const { ask, asked } = await inOutage();
    vi.advanceTimersByTime(3_001);
    await ask("a");
    await ask("b");
    vi.advanceTimersByTime(4_002);
    await ask("a");
    expect(asked).toEqual(["a", "a"]);
  });

  test("the only one that asks has every turn", async () => {
    const { ask, asked } = await inOutage();
    for (let turn = 0; turn < 4; turn++) {
      vi.advanceTimersByTime(3_001);
      await ask("a");
    }
    expect(asked).toHaveLength(4);
  });
});

test.each([
  ["a refusal of one grant", { kind: "rejected", code: "invalid_refresh_token" }],
  ["a refusal of one installation", { kind: "refused", code: "ip_allow_list" }],
  ["a rate limit", { kind: "rate_limited", retryAfterMs: 1_000 }],
  ["a success", minted()],
] as const)("%s between troubles shows that the platform answers", async (_what, between) => {
  const { ask, answer, answerAll, asked, guarded } = guardedPlatform();
  answerAll(down);
  answer("other", between);
  for (let i = 0; i < 5; i++) {
    for (const subject of ["a", "b", "c", "d"]) await ask(`${subject}${i}`);
    await ask("other");
  }
  expect(asked).toHaveLength(25);
  expect(guarded.leftAlone?.()).toBe(false);
});

test("what is about one installation alone opens nothing, however often", async () => {
  const { ask, answerAll, asked, guarded } = guardedPlatform();
  answerAll({ kind: "refused", code: "ip_allow_list" });
  for (const subject of ["a", "b", "c", "d"]) await ask(subject, 10);
  expect(asked).toHaveLength(40);
  expect(guarded.leftAlone?.()).toBe(false);
});
