import { describe, expect, test } from "vitest";
import type { NewDelivery, TakenDelivery } from "../../src/domain/events/delivery-repository.ts";
import type { PlatformEvent } from "../../src/domain/model/platform-event.ts";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What the queue of platforms' deliveries rests on, whatever the database. */
export function describeDeliveries({ storage, raw }: OpenedStorage): void {
  const { deliveries } = storage;
  const leaseMs = 60_000;
  const limit = 1_000;

  function made(changes: Partial<Omit<NewDelivery, "event">> & { event?: Partial<PlatformEvent> } = {}): NewDelivery {
    const { event, ...rest } = changes;
    return {
      ...{ platform: "github", task: "apply", leased: true },
      ...rest,
      event: {
        ...{ deliveryId: unique("delivery"), event: "installation", action: "deleted", news: { kind: "ended" } },
        ...{ about: { externalInstallId: "7" }, happenedAt: new Date("2026-03-01T12:00:00.123Z") },
        ...event,
      },
    };
  }

  const keep = async (delivery: NewDelivery) => (await deliveries.keep([delivery], leaseMs))[0] ?? "";
  const row = async (id: string) => (await raw("select * from webhook_deliveries where id = $1", [id]))[0];
  const endLease = (id: string) =>
    raw("update webhook_deliveries set due_at = now() - interval '1 second' where id = $1", [id]);
  async function taken(id: string): Promise<TakenDelivery | undefined> {
    return (await deliveries.take(limit, leaseMs)).find((one) => one.id === id);
  }

  describe("a delivery", () => {
    test("is kept once, however often and by how many it is brought at once", async () => {
      const several = [made(), made(), made({ task: "done", leased: false })];
      const orders = [several, several.toReversed()];
      const kept = await Promise.all(
        Array.from({ length: 20 }, (_, i) => deliveries.keep(orders[i % 2] ?? [], leaseMs)),
      );
      const ids = kept.flat().filter((id) => id !== undefined);
      expect([ids.length, new Set(ids).size]).toEqual([3, 3]);
      // Also twice in one batch; and another platform's may have the same id.
      const again = made();
      expect((await deliveries.keep([again, again], leaseMs)).filter((id) => id !== undefined)).toHaveLength(1);
      expect(await keep({ ...again, platform: "slack" })).not.toBe("");
    });

    test("comes back as it was, sealed meanwhile, and only once its lease has ended", async () => {
      const delivery = made();
      const id = await keep(delivery);
      expect(await row(id)).toMatchObject({ type: "github.installation.deleted", status: "apply", attempts: 1 });
      expect(JSON.stringify(await row(id))).not.toContain("externalInstallId");
      expect(await taken(id)).toBeUndefined();
      await endLease(id);
      expect(await taken(id)).toEqual({ id, platform: "github", event: delivery.event, attempts: 2 });
      const bare = made({ leased: false, event: { action: undefined, news: undefined, happenedAt: undefined } });
      const bareId = await keep(bare);
      expect(await taken(bareId)).toEqual({ id: bareId, platform: "github", event: bare.event, attempts: 1 });
    });

    test("is taken up by one of many who look at once", async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, () => keep(made({ leased: false }))));
      const found = await Promise.all(Array.from({ length: 8 }, () => deliveries.take(5, leaseMs)));
      const mine = found.flat().flatMap(({ id }) => (ids.includes(id) ? [id] : []));
      expect([mine.length, new Set(mine).size]).toEqual([10, 10]);
    });

    test("is finished or put off by who took it up last alone", async () => {
      const id = await keep(made({ leased: false }));
      const first = await taken(id);
      await endLease(id);
      const second = await taken(id);
      if (first === undefined || second === undefined) throw new Error("it was not taken up");
      await deliveries.finish(first);
      await deliveries.putOff(first, -1_000);
      expect(await row(id)).toMatchObject({ status: "apply", attempts: 2 });
      expect(await taken(id)).toBeUndefined();
      await deliveries.putOff(second, -1_000);
      const third = await taken(id);
      await deliveries.finish(third ?? second);
      expect(await row(id)).toMatchObject({ status: "done", content: null, key_id: null });
      await endLease(id);
      expect(await taken(id)).toBeUndefined();
    });

    test("is passed over where no key opens it, and the others are not", async () => {
      const [bad, good] = await Promise.all([keep(made({ leased: false })), keep(made({ leased: false }))]);
      await raw(
        "update webhook_deliveries set content = (select content from webhook_deliveries where id = $2) where id = $1",
        [bad, good],
      );
      const ids = (await deliveries.take(limit, leaseMs)).map(({ id }) => id);
      expect([ids.includes(bad), ids.includes(good)]).toEqual([false, true]);
      expect(await row(bad)).toMatchObject({ status: "apply" });
    });

    test("is known again for as long as it is kept, and forgotten then", async () => {
      const [old, young] = [made({ task: "done", leased: false }), made({ task: "done", leased: false })];
      const ids = [await keep(old), await keep(young)];
      await raw("update webhook_deliveries set received_at = now() - interval '8 days' where id = $1", [ids[0]]);
      await deliveries.prune(7 * 86_400_000);
      expect([await row(ids[0] ?? ""), (await row(ids[1] ?? ""))?.id]).toEqual([undefined, ids[1]]);
      expect(await keep(old)).not.toBe("");
      expect(await keep(young)).toBe("");
    });
  });
}
