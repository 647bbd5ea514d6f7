import { describe, expect, test } from "vitest";
import { slackContext, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

const url = "https://here.example/webhooks/x";
const inDays = (now: Date, days: number) => new Date(now.getTime() + days * 86_400_000);

/** What is kept of our webhooks at platforms, whatever the database. */
export function describeWebhooks({ storage, clock, raw }: OpenedStorage): void {
  const { webhooks, installations } = storage;
  const now = () => clock.now();
  const lease = (evenIfNotDue = false) => ({ id: unique("lease"), leaseMs: 60_000, now: now(), evenIfNotDue });
  const good = { registered: true, url, externalIds: [], error: undefined, expiresAt: undefined };
  const result = (changes: Partial<typeof good> = {}) => ({
    webhook: { ...good, ...changes },
    ...{ mark: "m", failures: 0, siteHost: undefined, registeredSince: undefined, silentSince: undefined },
    dueAt: inDays(now(), 1),
  });

  describe("the webhook of a platform", () => {
    test("is held by one at a time, and is due when it was said to be", async () => {
      const platform = unique("platform");
      const taken = await Promise.all(Array.from({ length: 8 }, () => webhooks.takeOfPlatform(platform, lease(true))));
      const [held, ...others] = taken.filter((one) => one !== undefined);
      if (held === undefined) throw new Error("nobody holds it");
      expect(others).toEqual([]);
      expect(held).toMatchObject({ mark: undefined, failures: 0, webhook: { registered: false } });
      expect(await webhooks.finish(held, result(), now())).toBe(true);
      expect(await webhooks.takeOfPlatform(platform, lease())).toBeUndefined();
      expect(await webhooks.takeOfPlatform(platform, lease(true))).toMatchObject({ mark: "m", webhook: good });
    });

    test("is taken over from who is gone, whose result is then nothing", async () => {
      const platform = unique("platform");
      const gone = await webhooks.takeOfPlatform(platform, lease());
      if (gone === undefined) throw new Error("not held");
      await raw("update webhooks set lease_until = now() - interval '1 second' where subject = $1", [platform]);
      const next = await webhooks.takeOfPlatform(platform, lease());
      expect(next).toBeDefined();
      expect(await webhooks.finish(gone, result(), now())).toBe(false);
    });

    test("remembers how often in a row it failed", async () => {
      const platform = unique("platform");
      for (const failures of [0, 1, 2]) {
        const held = await webhooks.takeOfPlatform(platform, lease(true));
        expect(held?.failures).toBe(failures);
        if (held !== undefined) {
          await webhooks.finish(held, { ...result(), failures: failures + 1 }, now());
        }
      }
      const held = await webhooks.takeOfPlatform(platform, lease(true));
      if (held !== undefined) await webhooks.finish(held, result(), now());
      expect(await webhooks.takeOfPlatform(platform, lease(true))).toMatchObject({ failures: 0 });
    });

    test("that is entered by hand is shown of every installation of it, and never due", async () => {
      await webhooks.noteByHand("slack", "https://before.example", "no_secret");
      await webhooks.noteByHand("slack", url, undefined);
      const [made] = await installations.connect(workspace(unique("T"), "t"), slackContext(now()));
      const shown = { registered: false, url, externalIds: [], error: undefined, expiresAt: undefined };
      expect((await installations.find(made?.id ?? ""))?.webhook).toEqual(shown);
      clock.advance(400 * 86_400_000);
      expect(await webhooks.takeOfPlatform("slack", lease())).toBeUndefined();
      clock.advance(-400 * 86_400_000);
      await raw("delete from webhooks where subject = 'slack'");
    });
  });
}
