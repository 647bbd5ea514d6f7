import { describeError } from "../../described-error.ts";
import { createPool } from "../../work/pool.ts";
import type { Log } from "../../world.ts";
import type { Platform } from "../model/platform.ts";
import type { PlatformEvent } from "../model/platform-event.ts";
import { notConfigured, type Platforms } from "../model/platforms.ts";
import { type Leased, leasedFrom, leaseMs } from "./delivery-lease.ts";
import type { DeliveryRepository, TakenDelivery } from "./delivery-repository.ts";
import type { Forwarder } from "./forwarder.ts";

/** Gives deliveries their effect, after they were answered, and hands them on to who wants to hear of them. */
export interface DeliveryWorker {
  /** How many more it would take. */
  readonly room: number;
  /** One that was just kept under a lease. */
  add(delivery: TakenDelivery): void;
  /** What is due: what a process left that has ended, what there was no room for, what was put off. */
  takeDue(): Promise<void>;
  /** Ends when what is under way has; what waits is left to others. */
  close(): Promise<void>;
}

/** How long one may take. */
const takesMs = 2_000;
/** Of what this process was sent itself, and of what was left lying: that is begun as soon as it counts as tried. */
const own = { atOnce: 8, waiting: 256 };
const left = { atOnce: 8, waiting: 0 };
const leftBytes = 16 * 1024 * 1024;
/** Between attempts, growing fourfold; after the last one somebody has to look, and reconciliation finds the rest. */
const firstDelayMs = 2_000;
const mostAttempts = 8;

export function createDeliveryWorker(parts: {
  readonly deliveries: DeliveryRepository;
  readonly forwarder: Forwarder;
  readonly platforms: Platforms;
  readonly applyEvent: (event: PlatformEvent, platform: Platform) => Promise<void>;
  readonly log: Log;
}): DeliveryWorker {
  const { deliveries, forwarder, platforms, applyEvent, log } = parts;
  const ownPool = createPool(own, workInTime);
  const leftPool = createPool(left, workInTime);
  let isClosed = false;

  async function workInTime({ delivery, untilMs }: Leased): Promise<void> {
    // Once its lease is over it is another's, or will be.
    if (isClosed || performance.now() > untilMs) return;
    try {
      await work(delivery);
    } catch (error) {
      log.warn({ platform: delivery.platform, delivery: delivery.id, error: describeError(error) }, "delivery.left");
    }
  }

  async function work(delivery: TakenDelivery): Promise<void> {
    const { id, type, platform, content, attempts } = delivery;
    const about = { delivery: id, type, attempts };
    try {
      // More often only if this process, or another, ended each time.
      if (attempts > mostAttempts) log.error(about, "delivery.given_up");
      else if (content.kind === "event") await applyEvent(content.event, configured(platform));
    } catch (error) {
      const known = { ...about, error: describeError(error) };
      if (attempts < mostAttempts) {
        log.warn(known, "delivery.put_off");
        return deliveries.failed(delivery, { error: "not_applied", delayMs: firstDelayMs * 4 ** (attempts - 1) });
      }
      log.error(known, "delivery.given_up");
    }
    await handOn(delivery);
  }

  async function handOn(delivery: TakenDelivery): Promise<void> {
    const { content } = delivery;
    // What is large was left on disk.
    const isWhole = content.kind === "message" || content.payload !== undefined;
    const leased = forwarder.room > 0 && isWhole;
    const next = { task: forwarder.wanted ? "forward" : "done", leaseMs: leased ? leaseMs : 0 } as const;
    const isOurs = await deliveries.applied(delivery, next);
    if (leased && isOurs) forwarder.add({ ...delivery, attempts: 1 });
  }

  function configured(name: string): Platform {
    const platform = platforms.byName(name);
    if (platform === undefined) throw notConfigured(name);
    return platform;
  }

  return {
    get room() {
      return ownPool.room;
    },
    add: (delivery) => void ownPool.add(leasedFrom(performance.now(), delivery, takesMs)),
    async takeDue() {
      while (!isClosed) {
        const most = leftPool.room;
        const takenMs = performance.now();
        const taken = await deliveries.take("apply", { rows: most, bytes: leftBytes }, leaseMs);
        for (const delivery of taken) leftPool.add(leasedFrom(takenMs, delivery, takesMs));
        await leftPool.idle();
        if (taken.length === 0) return;
      }
    },
    async close() {
      isClosed = true;
      await Promise.all([ownPool.idle(), leftPool.idle()]);
    },
  };
}
