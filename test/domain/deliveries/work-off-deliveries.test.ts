import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import { createTestWorld } from "../../../rig/world.ts";
import { leaseMs } from "../../../src/domain/deliveries/delivery-lease.ts";
import type { NewDelivery } from "../../../src/domain/deliveries/delivery-repository.ts";
import { noForwarder } from "../../../src/domain/deliveries/forwarder.ts";
import { createDeliveryWorker } from "../../../src/domain/deliveries/work-off-deliveries.ts";
import type { PlatformEvent } from "../../../src/domain/model/platform-event.ts";
import { createPlatforms } from "../../../src/platforms/platforms.ts";
import { openTestStorage } from "../../support/domain.ts";
import { scriptedPlatform } from "../../support/scripted-platform.ts";

const world = createTestWorld();
const platforms = createPlatforms([scriptedPlatform()], []);
let opened: Awaited<ReturnType<typeof openTestStorage>>;
let sql: postgres.Sql;
beforeAll(async () => {
  opened = await openTestStorage(world);
  sql = postgres(opened.url, { max: 1 });
});
afterAll(async () => {
  await sql.end();
  await opened.close();
});
beforeEach(async () => {
  await sql`delete from webhook_deliveries`;
  world.lines.length = 0;
});

function workerOf(applyEvent: (event: PlatformEvent) => Promise<void>) {
  const { deliveries } = opened.storage;
  return createDeliveryWorker({ deliveries, forwarder: noForwarder, platforms, applyEvent, log: world.log });
}

let serial = 0;
async function keep(changes: Partial<NewDelivery> = {}) {
  const deliveryId = `d-${serial++}`;
  const news = { kind: "ended" } as const;
  const event: PlatformEvent = { deliveryId, event: "e", action: undefined, about: {}, news, happenedAt: undefined };
  const content = { kind: "event", event, payload: undefined } as const;
  const delivery = { platform: "slack", deliveryId, type: "slack.e", content, task: "apply", leased: false } as const;
  const [kept] = await opened.storage.deliveries.keep([{ ...delivery, ...changes }], leaseMs);
  if (kept === undefined) throw new Error("it was seen before");
  return { ...delivery, ...kept, attempts: 1 };
}

const row = async (id: string) => (await sql`select * from webhook_deliveries where id = ${id}`)[0];
const makeDue = () => sql`update webhook_deliveries set due_at = now() - interval '1 s'`;
const logged = (event: string) => world.lines.filter((line) => line.includes(`"${event}"`)).length;

describe("what could not be worked off", () => {
  test("is put off for longer each time, and given up in the end, with an error for somebody to see", async () => {
    const worker = workerOf(async () => {
      throw new Error("the text of a statement");
    });
    const { id } = await keep();
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      await worker.takeDue();
      const [{ s } = {}] = await sql`select extract(epoch from due_at - now()) as s from webhook_deliveries`;
      delays.push(Number(s));
      await makeDue();
    }
    for (const [index, delay] of delays.entries()) {
      expect([index, delay > 2 * 4 ** index - 2 && delay <= 2 * 4 ** index]).toEqual([index, true]);
    }
    expect(await row(id)).toMatchObject({ status: "apply", attempts: 7, last_error: "not_applied" });
    await worker.takeDue();
    expect(await row(id)).toMatchObject({ status: "done", content: null });
    expect([logged("delivery.put_off"), logged("delivery.given_up")]).toEqual([7, 1]);
    expect(world.lines.join()).not.toContain("the text of a statement");
  });

  test("is given up unasked once every process that took it up has ended", async () => {
    const applied: string[] = [];
    const worker = workerOf(async ({ deliveryId }) => void applied.push(deliveryId));
    const { id } = await keep();
    await sql`update webhook_deliveries set attempts = 8`;
    await worker.takeDue();
    expect([await row(id), applied]).toMatchObject([{ status: "done" }, []]);
    expect(logged("delivery.given_up")).toBe(1);
  });

  test("waits for its platform to be configured again, and holds up no other", async () => {
    const applied: string[] = [];
    const worker = workerOf(async ({ deliveryId }) => void applied.push(deliveryId));
    const foreign = await keep({ platform: "github" });
    const other = await keep();
    await worker.takeDue();
    expect(applied).toEqual([other.deliveryId]);
    expect([await row(foreign.id), await row(other.id)]).toMatchObject([{ status: "apply" }, { status: "done" }]);
  });
});

describe("a worker that ends", () => {
  test("finishes what is under way, and leaves the rest to others", async () => {
    const gate = createGate();
    const applied: string[] = [];
    const worker = workerOf(async ({ deliveryId }) => {
      applied.push(deliveryId);
      await gate.opened;
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => keep({ leased: true })));
    for (const delivery of all) worker.add(delivery);
    await until(() => applied.length > 0, "some are under way");
    const underWay = applied.length;
    const closing = worker.close();
    gate.open();
    await closing;
    const done = await sql`select id from webhook_deliveries where status = 'done'`;
    expect([applied.length, done.length]).toEqual([underWay, underWay]);
    expect(underWay).toBeLessThan(all.length);
    const next = workerOf(async ({ deliveryId }) => void applied.push(deliveryId));
    await next.takeDue();
    expect(applied.length).toBe(underWay);
    await makeDue();
    await next.takeDue();
    expect(new Set(applied).size).toBe(all.length);
  });
});
