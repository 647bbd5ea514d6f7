import { describeError } from "../../described-error.ts";
import { createPool } from "../../work/pool.ts";
import type { Log } from "../../world.ts";
import type { Platform } from "../model/platform.ts";
import type { PlatformEvent } from "../model/platform-event.ts";
import { notConfigured, type Platforms } from "../model/platforms.ts";
import type { DeliveryRepository, TakenDelivery } from "./delivery-repository.ts";

/** Does what deliveries ask for, after they were answered. */
export interface DeliveryWorker {
  /** How many more it would take. */
  readonly room: number;
  /** One that was just kept under a lease. */
  add(delivery: TakenDelivery): void;
  /** What is due: what a process left that has ended, what there was no room for, what was put off. */
  takeDue(): Promise<void>;
  /** Until what was begun has ended. */
  idle(): Promise<void>;
}

/** For so long what a process took up is left to it: with how often others look, less than 15 s. */
export const leaseMs = 11_000;
/** How long before the end of its lease nothing is begun any more. */
const marginMs = 2_000;
/** Of what this process was sent itself, and of what was left lying. */
const own = { atOnce: 8, waiting: 256 };
const left = { atOnce: 4, waiting: 28 };
/** Between attempts, growing fourfold; after the last one somebody has to look, and reconciliation finds the rest. */
const firstDelayMs = 2_000;
const mostAttempts = 8;

export function createDeliveryWorker(parts: {
  readonly deliveries: DeliveryRepository;
  readonly platforms: Platforms;
  readonly applyEvent: (event: PlatformEvent, platform: Platform) => Promise<void>;
  readonly log: Log;
}): DeliveryWorker {
  const { deliveries, platforms, applyEvent, log } = parts;
  const ownPool = createPool(own, workInTime);
  const leftPool = createPool(left, workInTime);

  async function workInTime({ delivery, untilMs }: Leased): Promise<void> {
    // Once its lease is over it is another's, or will be.
    if (performance.now() > untilMs) return;
    try {
      await work(delivery);
    } catch (error) {
      log.warn({ platform: delivery.platform, delivery: delivery.id, error: describeError(error) }, "delivery.left");
    }
  }

  async function work(delivery: TakenDelivery): Promise<void> {
    const { id, event, attempts } = delivery;
    const about = { platform: delivery.platform, delivery: id, event: event.event, action: event.action, attempts };
    try {
      // More often only if this process, or another, ended each time.
      if (attempts <= mostAttempts) await applyEvent(event, configured(delivery.platform));
      else log.error(about, "delivery.given_up");
    } catch (error) {
      const known = { ...about, error: describeError(error) };
      if (attempts < mostAttempts) {
        log.warn(known, "delivery.put_off");
        return deliveries.putOff(delivery, firstDelayMs * 4 ** (attempts - 1));
      }
      log.error(known, "delivery.given_up");
    }
    await deliveries.finish(delivery);
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
    add: (delivery) => void ownPool.add(leasedFrom(performance.now(), delivery)),
    async takeDue() {
      for (;;) {
        const most = leftPool.room;
        const takenMs = performance.now();
        const taken = await deliveries.take(most, leaseMs);
        for (const delivery of taken) leftPool.add(leasedFrom(takenMs, delivery));
        await leftPool.idle();
        if (taken.length < most) return;
      }
    },
    idle: async () => void (await Promise.all([ownPool.idle(), leftPool.idle()])),
  };
}

interface Leased {
  readonly delivery: TakenDelivery;
  /** By this process's own count of time. */
  readonly untilMs: number;
}

function leasedFrom(takenMs: number, delivery: TakenDelivery): Leased {
  return { delivery, untilMs: takenMs + leaseMs - marginMs };
}
