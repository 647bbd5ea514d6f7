import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { NewDelivery, TakenDelivery } from "../../src/domain/deliveries/delivery-repository.ts";
import type { PlatformEvent } from "../../src/domain/model/platform-event.ts";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What the queue of platforms' deliveries rests on, whatever the database. */
export function describeDeliveries({ storage, raw }: OpenedStorage): void {
  const { deliveries } = storage;
  const leaseMs = 60_000;
  const limit = { rows: 1_000, bytes: 1e9 };

  function made({ event: changed, ...changes }: Partial<NewDelivery> & { event?: Partial<PlatformEvent> } = {}) {
    const deliveryId = changes.deliveryId ?? unique("delivery");
    const event: PlatformEvent = {
      ...{ deliveryId, event: "installation", action: "deleted", news: { kind: "ended" } },
      ...{ about: { externalInstallId: "7" }, happenedAt: new Date("2026-03-01T12:00:00.123Z") },
      ...changed,
    };
    const delivery: NewDelivery = {
      ...{ platform: "github", type: "github.installation.deleted", task: "apply", leased: true, deliveryId },
      content: { kind: "event", event, payload: '{"a": 1.0}' },
      ...changes,
    };
    return delivery;
  }

  const keep = async (delivery: NewDelivery) => (await deliveries.keep([delivery], leaseMs))[0]?.id ?? "";
  const row = async (id: string) => (await raw("select * from webhook_deliveries where id = $1", [id]))[0];
  const endLease = (id: string) =>
    raw("update webhook_deliveries set due_at = now() - interval '1 second' where id = $1", [id]);
  async function taken(id: string, task: "apply" | "forward" = "apply"): Promise<TakenDelivery | undefined> {
    return (await deliveries.take(task, limit, leaseMs)).find((one) => one.id === id);
  }

  describe("a delivery", () => {
    test("is kept once, however often and by how many it is brought at once", async () => {
      // So many that two who insert them in another order meet in the middle.
      const several = Array.from({ length: 150 }, () => made({ task: "done", leased: false }));
      const orders = [several, several.toReversed()];
      const kept = await Promise.all(
        Array.from({ length: 20 }, (_, i) => deliveries.keep(orders[i % 2] ?? [], leaseMs)),
      );
      const ids = kept.flat().filter((id) => id !== undefined);
      expect([ids.length, new Set(ids).size]).toEqual([150, 150]);
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
      const { platform, type, content } = delivery;
      const receivedAt = expect.any(Date);
      expect(await taken(id)).toEqual({ id, platform, type, content, attempts: 2, receivedAt });
      for (const other of [
        made({ leased: false, event: { action: undefined, news: undefined, happenedAt: undefined } }),
        made({ leased: false, content: { kind: "message", body: "ü".repeat(5_000) } }),
      ]) {
        expect(await taken(await keep(other))).toMatchObject({ content: other.content, attempts: 1 });
      }
    });

    test("is taken up by one of many who look at once", async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, () => keep(made({ leased: false }))));
      const found = await Promise.all(
        Array.from({ length: 8 }, () => deliveries.take("apply", { rows: 5, bytes: 1e9 }, leaseMs)),
      );
      const mine = found.flat().flatMap(({ id }) => (ids.includes(id) ? [id] : []));
      expect([mine.length, new Set(mine).size]).toEqual([10, 10]);
    });

    test("goes on, or is put off, by who took it up last alone", async () => {
      const id = await keep(made({ leased: false }));
      const first = await taken(id);
      await endLease(id);
      const second = await taken(id);
      if (first === undefined || second === undefined) throw new Error("it was not taken up");
      const done = { task: "done", leaseMs: 0 } as const;
      expect(await deliveries.applied(first, done)).toBe(false);
      await deliveries.failed(first, { error: "first", delayMs: -1_000 });
      expect(await row(id)).toMatchObject({ status: "apply", attempts: 2, last_error: null });
      expect(await taken(id)).toBeUndefined();
      await deliveries.failed(second, { error: "second", delayMs: -1_000 });
      expect(await row(id)).toMatchObject({ status: "apply", last_error: "second" });
      const third = await taken(id);
      expect(await deliveries.applied(third ?? second, done)).toBe(true);
      expect(await row(id)).toMatchObject({ status: "done", content: null, key_id: null });
      await endLease(id);
      expect(await taken(id)).toBeUndefined();
    });

    test("goes from its effect to who wants to hear of it, and keeps its content until it arrived", async () => {
      const delivery = made({ leased: false });
      const id = await keep(delivery);
      const applied = await taken(id);
      await deliveries.applied(applied ?? { id, attempts: 0 }, { task: "forward", leaseMs });
      expect(await row(id)).toMatchObject({ status: "forward", attempts: 1 });
      expect([await taken(id, "forward"), await taken(id)]).toEqual([undefined, undefined]);
      await endLease(id);
      const forward = await taken(id, "forward");
      expect(forward).toMatchObject({ content: delivery.content, attempts: 2 });
      await deliveries.failed({ id, attempts: 2 }, { error: "http_500", delayMs: undefined });
      expect(await row(id)).toMatchObject({ status: "dead", last_error: "http_500", content: expect.any(String) });
      await endLease(id);
      expect(await taken(id, "forward")).toBeUndefined();
      // Whoever brought it: it arrived.
      await deliveries.forwarded([id]);
      expect(await row(id)).toMatchObject({ status: "forwarded", content: null, key_id: null, last_error: null });
    });

    test("is taken up with others until there are so many bytes, the first whatever its size", async () => {
      const body = randomBytes(3_000).toString("base64");
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) {
        ids.push(await keep(made({ task: "forward", leased: false, content: { kind: "message", body } })));
        await raw(
          "update webhook_deliveries set due_at = now() - interval '1 year' + $2 * interval '1 s' where id = $1",
          [ids[i], i],
        );
      }
      const take = async (bytes: number) =>
        (await deliveries.take("forward", { rows: 3, bytes }, leaseMs)).map(({ id }) => ids.indexOf(id)).toSorted();
      expect(await take(1)).toEqual([0]);
      expect(await take(10_000)).toEqual([1, 2]);
    });

    test("belongs to the installation that it names, also to one that has ended", async () => {
      const platform = unique("platform");
      const org = async (id: string, install: string | null, status: string) => {
        const [made] = await raw(
          `insert into installations (id, platform, products, status, owner, external_org_id, external_org_name,
             external_install_id, scopes, permissions, metadata, created_at, updated_at, revoked_at, revoke_reason)
           values (gen_random_uuid(), $1, '{}', $4::text, 'acme', $2, 'Acme', $3, '{}', '{}', '{}', now(), now(),
             case when $4::text = 'revoked' then now() end, case when $4::text = 'revoked' then 'test' end) returning id`,
          [platform, id, install, status],
        );
        return String(made?.id);
      };
      const [live, ended] = [await org("o1", "i1", "active"), await org("o1", "i0", "revoked")];
      const whose = async (about: Parameters<typeof deliveries.whose>[1]) =>
        (await deliveries.whose(platform, about))?.id;
      expect(await deliveries.whose(platform, { externalInstallId: "i1", externalOrgId: "o1" })).toEqual({
        ...{ id: live, owner: "acme", externalOrgId: "o1", externalInstallId: "i1" },
      });
      expect(await whose({ externalOrgId: "o1" })).toBe(live);
      expect(await whose({ externalInstallId: "i0" })).toBe(ended);
      expect(await whose({ externalInstallId: "i1", externalOrgId: "o2" })).toBeUndefined();
      expect([await whose({}), await whose({ webhookIds: ["1"] })]).toEqual([undefined, undefined]);
      const either = { externalOrgId: "o0", orExternalOrgId: "o1" };
      expect([await whose(either), await whose({ ...either, externalOrgId: "o1", orExternalOrgId: "o0" })]).toEqual([
        live,
        live,
      ]);
      await org("o1", null, "active");
      expect(await whose({ externalOrgId: "o1" })).toBeUndefined();
      // Ids of webhooks are each site's own.
      await raw(
        `insert into webhooks (subject, platform, installation_id, external_ids, site_host)
         values ($1::uuid::text, $2, $1::uuid, '{7,8}', 'acme.example')`,
        [live, platform],
      );
      expect(await whose({ webhookIds: ["8", "9"], siteHost: "acme.example" })).toBe(live);
      expect(await whose({ webhookIds: ["8"], siteHost: "other.example" })).toBeUndefined();
      expect(await whose({ webhookIds: ["9"], siteHost: "acme.example" })).toBeUndefined();
    });

    test("is left to whoever has its key, and counts no attempt meanwhile", async () => {
      const id = await keep(made({ leased: false }));
      const keyId = (await row(id))?.key_id;
      const seal = (key: unknown) => raw("update webhook_deliveries set key_id = $2 where id = $1", [id, key]);
      await seal("0123456789abcdef");
      for (let look = 0; look < 3; look++) expect(await taken(id)).toBeUndefined();
      expect(await row(id)).toMatchObject({ status: "apply", attempts: 0 });
      await seal(keyId);
      expect(await taken(id)).toMatchObject({ attempts: 1 });
    });

    test("is passed over where no key opens it, and the others are not", async () => {
      const [bad, good] = await Promise.all([keep(made({ leased: false })), keep(made({ leased: false }))]);
      await raw(
        "update webhook_deliveries set content = (select content from webhook_deliveries where id = $2) where id = $1",
        [bad, good],
      );
      const ids = (await deliveries.take("apply", limit, leaseMs)).map(({ id }) => id);
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

  describe("forwarding", () => {
    test("is turned off for one address, and its place in our changes never moves back", async () => {
      const { forwardingSwitch, changeCursor } = storage;
      const [one, other] = ["https://one.example/?key=secret", "https://other.example"];
      expect(await forwardingSwitch.isOff(one)).toBe(false);
      await forwardingSwitch.turnOff(one);
      expect([await forwardingSwitch.isOff(one), await forwardingSwitch.isOff(other)]).toEqual([true, false]);
      expect(JSON.stringify(await raw("select * from meta"))).not.toContain("one.example");
      expect(await changeCursor.read()).toBeUndefined();
      await Promise.all([7, 9, 8].map((sequence) => changeCursor.moveTo(sequence)));
      expect(await changeCursor.read()).toBe(9);
    });
  });
}
