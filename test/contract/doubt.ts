import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { Lease } from "../../src/domain/model/credential-repository.ts";
import { slackContext, tokenSet, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What is kept of refusals, whatever the database. */
export function describeDoubt({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials } = storage;

  /** Workspaces of a platform of their own, whose answers are the only ones. */
  async function connected(count: number) {
    const platform = unique("platform");
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, team), { ...slackContext(clock.now()), platform });
      ids.push(made?.id ?? "");
    }
    return { platform, ids };
  }
  async function credentialOf(installationId: string) {
    const [found] = await installations.select({ installationId }, sightOfEverything, 2);
    if (found?.credential === undefined) throw new Error("not connected");
    return found.credential;
  }
  async function lease(installationId: string): Promise<Lease> {
    const { id, version } = await credentialOf(installationId);
    const taken = await credentials.acquire(id, version, unique("attempt"), 30_000);
    if (taken === undefined) throw new Error("not leased");
    return taken;
  }
  const statusOf = async (id: string) => (await installations.find(id))?.status;

  describe("what a platform calls dead", () => {
    test("is counted by grant, the latest first, for an hour", async () => {
      const { ids } = await connected(3);
      const [a, b, c] = ids as [string, string, string];
      const first = await lease(a);
      expect((await credentials.noteCalledDead(first, "organization")).calledDead).toEqual([true]);
      await credentials.condemn(first, "gone");
      clock.advance(1_000);
      await credentials.commit(await lease(b), tokenSet(unique("t")), undefined);
      clock.advance(1_000);
      expect((await credentials.noteCalledDead(await lease(c), "organization")).calledDead).toEqual([
        true,
        false,
        true,
      ]);
      clock.advance(3_600_000);
      expect((await credentials.noteCalledDead(await lease(b), "organization")).calledDead).toEqual([true]);
    });

    test("can be doubted afterwards, and believed at an operator's word", async () => {
      const { platform, ids } = await connected(2);
      const [a, b] = ids as [string, string];
      const condemned = await lease(a);
      await credentials.noteCalledDead(condemned, "organization");
      expect(await credentials.condemn(condemned, "gone")).toBe(true);
      expect(await statusOf(a)).toBe("reauthorization_required");
      expect((await credentials.reviveCalledDead(platform)).map(({ id }) => id)).toEqual([a]);
      expect(await credentialOf(a)).toMatchObject({ status: "active", lastError: "doubted:gone" });
      expect(await statusOf(a)).toBe("active");

      const doubted = await lease(b);
      await credentials.noteCalledDead(doubted, "organization");
      await credentials.release(doubted, { error: "doubted:gone", backoffMs: 0, unclear: false, doubted: true });
      const [found] = (await credentials.doubts()).filter((one) => one.platform === platform);
      expect(found).toMatchObject({ doubted: 2, since: expect.any(Date) });
      const ended = await credentials.confirmDeaths(platform);
      expect(new Set(ended.map(({ id }) => id))).toEqual(new Set(ids));
      expect(await credentialOf(b)).toMatchObject({ status: "dead", lastError: "gone" });
      // What is dead by his word, or after a day, is not revived.
      expect(await credentials.reviveCalledDead(platform)).toEqual([]);
    });

    test("is not a death any more after a success", async () => {
      const { platform, ids } = await connected(1);
      const [a] = ids as [string];
      const doubted = await lease(a);
      await credentials.release(doubted, { error: "doubted:gone", backoffMs: 0, unclear: false, doubted: true });
      await credentials.commit(await lease(a), tokenSet(unique("t")), undefined);
      expect((await credentials.doubts()).filter((one) => one.platform === platform)).toEqual([]);
    });
  });

  describe("who fails alone", () => {
    test("is told by another's success after the failures began", async () => {
      const { ids } = await connected(2);
      const [a, b] = ids as [string, string];
      const failure = { error: "misconfigured", backoffMs: 0, unclear: false };
      await credentials.commit(await lease(b), tokenSet(unique("t")), undefined);
      clock.advance(1_000);
      const began = clock.now();
      await credentials.release(await lease(a), failure);
      clock.advance(1_000);
      await credentials.release(await lease(a), failure);
      const failing = await lease(a);
      expect(await credentials.failsAlone(failing)).toBeUndefined();
      await credentials.commit(await lease(b), tokenSet(unique("t")), undefined);
      const since = await credentials.failsAlone(failing);
      expect(Math.abs((since?.getTime() ?? 0) - began.getTime())).toBeLessThan(500);
      await credentials.giveUp(failing, { ...failure, error: "refused_alone:misconfigured" });
      expect(await statusOf(a)).toBe("reauthorization_required");
      await credentials.commit(await lease(a), tokenSet(unique("t")), undefined);
      expect(await statusOf(a)).toBe("active");
      expect(await raw("select 1 from credentials where failing_since is not null and failures = 0")).toEqual([]);
    });
  });
}
