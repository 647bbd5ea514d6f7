import { describe, expect, test } from "vitest";
import type { Attempt } from "../../src/domain/connecting/attempt.ts";
import { Secret } from "../../src/secret.ts";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What browser round trips rest on, whatever the database. */
export function describeAttempts({ storage, clock, raw }: OpenedStorage): void {
  const { attempts } = storage;

  async function begin(changes: Partial<Attempt> = {}) {
    const keys = { stateHash: unique("state"), browserHash: unique("browser") };
    const attempt: Attempt = {
      id: crypto.randomUUID(),
      platform: "jira",
      owner: "acme",
      returnTo: "https://portal.example/done",
      codeVerifier: new Secret(`verifier-${keys.stateHash}`),
      hint: undefined,
      expiresAt: new Date(clock.now().getTime() + 600_000),
      ageMs: 0,
      ...changes,
    };
    await attempts.create(attempt, keys);
    return { attempt, ...keys, expected: { platform: "jira", browserHash: keys.browserHash, now: clock.now() } };
  }

  const anyAge: unknown = expect.any(Number);

  describe("an attempt", () => {
    test("is as old as its first leg, by the database's clock", async () => {
      const ageOf = async (ageMs: number) => {
        const { stateHash, expected } = await begin({ ageMs });
        clock.advance(3_600_000);
        const outcome = await attempts.consume(stateHash, { ...expected, now: new Date(0) });
        if (outcome.kind !== "consumed") throw new Error(outcome.why);
        return outcome.attempt.ageMs;
      };
      const [first, second] = [await ageOf(0), await ageOf(90_000)];
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first).toBeLessThan(60_000);
      expect(second).toBeGreaterThanOrEqual(90_000 - 1);
      expect(second).toBeLessThan(150_000);
    });

    test("comes back whole", async () => {
      const { attempt, stateHash, expected } = await begin({ hint: "42", flow: "ab".repeat(32) });
      const outcome = await attempts.consume(stateHash, expected);
      if (outcome.kind !== "consumed") throw new Error(outcome.why);
      const { codeVerifier, ...rest } = outcome.attempt;
      expect({ ...rest, codeVerifier: undefined }).toEqual({ ...attempt, codeVerifier: undefined, ageMs: anyAge });
      expect(codeVerifier?.reveal()).toBe(attempt.codeVerifier?.reveal());
    });

    test("without owner, return address and verifier comes back without them", async () => {
      const { attempt, stateHash, expected } = await begin({
        owner: undefined,
        returnTo: undefined,
        codeVerifier: undefined,
      });
      const whole = { ...attempt, ageMs: anyAge };
      expect(await attempts.consume(stateHash, expected)).toEqual({ kind: "consumed", attempt: whole });
    });

    test("of a link comes back with what the link said, and tells a refusal of it", async () => {
      const link = {
        ...{ caller: "portal", policyHash: "ab12", product: "confluence", scopes: ["read:me"] },
        ...{ installationId: crypto.randomUUID(), awaitsOwner: true },
      };
      const { stateHash, expected } = await begin({ link });
      const refused = await attempts.consume(stateHash, { ...expected, browserHash: "other" });
      expect(refused).toEqual({ kind: "refused", why: "other_browser", of: { owner: "acme", link } });
      expect(await attempts.consume(stateHash, expected)).toMatchObject({ kind: "consumed", attempt: { link } });
    });

    test("of an owner who is offboarded is forgotten, and no other", async () => {
      const owner = unique("owner");
      const theirs = await begin({ owner });
      const other = await begin();
      await storage.links.forgetOwner(owner);
      expect(await attempts.consume(theirs.stateHash, theirs.expected)).toMatchObject({ why: "unknown" });
      expect(await attempts.consume(other.stateHash, other.expected)).toMatchObject({ kind: "consumed" });
    });

    test("is spent by one of fifty who come at once", async () => {
      const { stateHash, expected } = await begin();
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => attempts.consume(stateHash, expected)));
      expect(outcomes.filter(({ kind }) => kind === "consumed")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome.kind === "refused" && outcome.why === "already_used")).toHaveLength(
        49,
      );
    });

    test("is refused for what is wrong, and a refusal spends nothing", async () => {
      const { stateHash, expected } = await begin();
      const why = async (state: string, changes: Partial<typeof expected> | { browserHash: undefined }) =>
        attempts.consume(state, { ...expected, ...changes });
      const refused = { kind: "refused", of: { owner: "acme" } };
      expect(await why(unique("state"), {})).toEqual({ kind: "refused", why: "unknown" });
      expect(await why(stateHash, { platform: "slack" })).toEqual({ ...refused, why: "other_platform" });
      expect(await why(stateHash, { browserHash: "other" })).toEqual({ ...refused, why: "other_browser" });
      expect(await why(stateHash, { browserHash: undefined })).toEqual({ ...refused, why: "other_browser" });
      const late = new Date(clock.now().getTime() + 600_001);
      expect(await why(stateHash, { now: late })).toEqual({ ...refused, why: "expired" });
      expect(await why(stateHash, {})).toMatchObject({ kind: "consumed" });
      expect(await why(stateHash, {})).toEqual({ ...refused, why: "already_used" });
    });

    test("is found open by its browser alone, the latest first", async () => {
      const later = new Date(clock.now().getTime() + 700_000);
      const [first, second] = [
        await begin({ owner: undefined, returnTo: undefined }),
        await begin({ expiresAt: later }),
      ];
      const [spent, ended] = [await begin(), await begin({ expiresAt: clock.now() })];
      const elsewhere = await begin({ platform: "slack" });
      await begin();
      await attempts.consume(spent.stateHash, spent.expected);
      const all = [first, second, spent, ended, elsewhere].map(({ browserHash }) => browserHash);
      const open = (browserHashes: readonly string[]) =>
        attempts.open({ platform: "jira", browserHashes, now: clock.now() });
      expect(await open([...all, unique("browser")])).toEqual([
        { stateHash: second.stateHash, owner: "acme", returnTo: "https://portal.example/done", link: undefined },
        { stateHash: first.stateHash, owner: undefined, returnTo: undefined, link: undefined },
      ]);
      expect(await open([])).toEqual([]);
      expect(await attempts.consume(first.stateHash, first.expected)).toMatchObject({ kind: "consumed" });
    });

    test("is forgotten after its end, and not before", async () => {
      const ended = await begin({ expiresAt: new Date("2020-01-01T00:00:00Z") });
      const open = await begin();
      await attempts.prune(new Date("2020-01-02T00:00:00Z"));
      expect(await attempts.consume(ended.stateHash, ended.expected)).toEqual({ kind: "refused", why: "unknown" });
      expect(await attempts.consume(open.stateHash, open.expected)).toMatchObject({ kind: "consumed" });
      expect(await raw("select id from attempts where id = $1", [ended.attempt.id])).toEqual([]);
    });
  });
}
