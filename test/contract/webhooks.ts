import { describe, expect, test } from "vitest";
import { connected, jiraContext, sites, slackContext, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

const url = "https://here.example/webhooks/x";
const confluence = connected("", { products: ["confluence"] });
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

    test("that a clock which jumped has lent for long is nobody's", async () => {
      const platform = unique("platform");
      await webhooks.takeOfPlatform(platform, lease());
      await raw("update webhooks set lease_until = now() + interval '1 day' where subject = $1", [platform]);
      expect(await webhooks.takeOfPlatform(platform, lease())).toBeDefined();
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

  describe("the webhook of an installation", () => {
    const address = unique("https://address.example/");
    const connect = async () => {
      const [made] = await installations.connect(sites(unique("p"), "t", [unique("site")]), jiraContext(now()));
      if (made === undefined) throw new Error("not connected");
      return made;
    };
    const registered = (ids: readonly string[], changes: Partial<ReturnType<typeof result>> = {}) => ({
      ...result(),
      webhook: { ...good, url: address, externalIds: ids, expiresAt: inDays(now(), 30) },
      siteHost: "acme.example",
      registeredSince: now(),
      ...changes,
    });
    const takeAll = async () => {
      const found = [];
      for (let held = await webhooks.takeDue("jira", "jira", lease()); held !== undefined; ) {
        found.push(held);
        held = await webhooks.takeDue("jira", "jira", lease());
      }
      return found;
    };

    test("is made due where there is none, and taken once by many", async () => {
      const made = [await connect(), await connect(), await connect()];
      const wanted = made.map(({ id }) => id).sort();
      await webhooks.wakeMissing("jira", "jira", now(), undefined);
      const taken = (await Promise.all([takeAll(), takeAll(), takeAll()])).flat();
      const ids = taken.map(({ installationId }) => installationId);
      expect(ids.filter((id) => wanted.includes(id ?? "")).sort()).toEqual(wanted);
      const found = registered(["1000"]);
      for (const held of taken) await webhooks.finish(held, found, now());
      expect(await takeAll()).toEqual([]);
      expect((await installations.find(made[0]?.id ?? ""))?.webhook).toEqual(found.webhook);
    });

    test("is not taken of who has no such product, or no token", async () => {
      const [without] = await installations.connect(
        { ...sites(unique("p"), "t", []), installations: [{ ...confluence, externalOrgId: unique("site") }] },
        jiraContext(now()),
      );
      const made = await connect();
      await webhooks.wakeMissing("jira", "jira", now(), undefined);
      await raw("update installations set status = 'reauthorization_required' where id = $1", [made.id]);
      // Its person connected it again, and chose another product.
      const lost = await connect();
      await webhooks.wakeMissing("jira", "jira", now(), undefined);
      await raw("update installations set products = '{confluence}' where id = $1", [lost.id]);
      const ids = (await takeAll()).map(({ installationId }) => installationId);
      expect(ids).not.toContain(made.id);
      expect(ids).not.toContain(lost.id);
      expect(ids).not.toContain(without?.id);
    });

    test("with another address is due at start at once, and to a running replica ten minutes later", async () => {
      const made = await connect();
      const held = await webhooks.takeOfInstallation("jira", made.id, lease());
      if (held !== undefined) await webhooks.finish(held, registered(["7"]), now());
      const other = unique("https://other.example/");
      const taken = async () => {
        await webhooks.wakeElsewhere("jira", other, now());
        return (await webhooks.takeDue("jira", "jira", lease()))?.installationId;
      };
      await raw("delete from webhooks where installation_id is not null and installation_id <> $1", [made.id]);
      expect(await taken()).toBeUndefined();
      clock.advance(601_000);
      expect(await taken()).toBe(made.id);
      await raw("update webhooks set lease_until = null, due_at = $2 where installation_id = $1", [
        made.id,
        inDays(now(), 1).toISOString(),
      ]);
      await webhooks.wake("jira", other, 0, now());
      expect(await taken()).toBe(made.id);
    });

    test("hears of its own events alone, and goes with its installation", async () => {
      const made = await connect();
      const held = await webhooks.takeOfInstallation("jira", made.id, lease());
      if (held !== undefined) {
        await webhooks.finish(held, registered(["8", "9"], { silentSince: now() } as object), now());
      }
      const heard = async () => {
        const [row] = await raw("select delivered_at, silent_since from webhooks where installation_id = $1", [
          made.id,
        ]);
        return row?.delivered_at != null && row.silent_since === null;
      };
      expect((await installations.find(made.id))?.lastError).toBe("webhook:silent");
      await webhooks.noteDelivery("jira", { siteHost: "acme.example", webhookIds: ["10"] }, now());
      await webhooks.noteDelivery("jira", { siteHost: "other.example", webhookIds: ["9"] }, now());
      await webhooks.noteDelivery("jira", { webhookIds: ["9"] }, now());
      expect(await heard()).toBe(false);
      await webhooks.noteDelivery("jira", { externalOrgId: made.externalOrgId, webhookIds: ["9"] }, now());
      expect(await heard()).toBe(true);
      await raw("delete from installations where id = $1", [made.id]);
      expect(await raw("select 1 from webhooks where subject = $1", [made.id])).toEqual([]);
    });
  });
}
