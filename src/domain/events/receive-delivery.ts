import { inTurn } from "../../work/in-turn.ts";
import type { Platform } from "../model/platform.ts";
import type { PlatformEvent } from "../model/platform-event.ts";
import type { DeliveryRequest } from "../model/platform-webhooks.ts";
import type { DeliveryResult, Telemetry } from "../model/telemetry.ts";
import type { DeliveryRepository, NewDelivery } from "./delivery-repository.ts";
import type { HeardOf } from "./heard-of.ts";
import { type DeliveryWorker, leaseMs } from "./work-off-deliveries.ts";

/** How a request is answered: `code` is a fixed word. */
export type Reception =
  /** On disk, or known already, or of no interest: it need not be sent again. */
  | { readonly kind: "accepted" }
  | { readonly kind: "challenge"; readonly answer: string }
  | { readonly kind: "refused"; readonly code: string };

/**
 * Believes a delivery, or does not, and keeps what it tells of. No work is done before the answer.
 * @throws ServiceError SERVICE_UNAVAILABLE if it could not be kept.
 */
export type ReceiveDelivery = (platform: Platform, request: DeliveryRequest) => Promise<Reception>;

/** How many are kept by one statement. */
const batchRows = 200;

export function createReceiveDelivery(parts: {
  readonly deliveries: DeliveryRepository;
  readonly worker: DeliveryWorker;
  readonly heardOf: HeardOf;
  readonly telemetry: Pick<Telemetry, "deliveryReceived">;
}): ReceiveDelivery {
  const { deliveries, worker, heardOf, telemetry } = parts;

  /** What arrives while the database is busy shares its next commit. */
  const keep = inTurn<{ readonly platform: string; readonly event: PlatformEvent }>(async (events) => {
    for (let at = 0; at < events.length; at += batchRows) await keepBatch(events.slice(at, at + batchRows));
  });

  async function keepBatch(events: readonly { readonly platform: string; readonly event: PlatformEvent }[]) {
    let room = worker.room;
    const batch = events.map(({ platform, event }): NewDelivery => {
      const task = event.news === undefined ? "done" : "apply";
      return { platform, event, task, leased: task === "apply" && room-- > 0 };
    });
    const ids = await deliveries.keep(batch, leaseMs);
    batch.forEach(({ platform, event, leased }, index) => {
      const id = ids[index];
      if (leased && id !== undefined) worker.add({ id, platform, event, attempts: 1 });
      if (id !== undefined) heardOf(platform, event);
      telemetry.deliveryReceived(platform, id === undefined ? "seen" : "accepted");
    });
  }

  return async (platform, request) => {
    const count = (result: DeliveryResult) => telemetry.deliveryReceived(platform.name, result);
    const verdict = platform.webhooks?.verify(request) ?? { kind: "refused", code: "no_webhooks" };
    if (verdict.kind === "refused") {
      count("refused");
      return verdict;
    }
    const read = platform.webhooks?.read(request) ?? { kind: "ignored", code: "no_webhooks" };
    switch (read.kind) {
      case "challenge":
        count("challenge");
        return read;
      case "ignored":
        count("ignored");
        return { kind: "accepted" };
      case "event":
        try {
          await keep([{ platform: platform.name, event: read.event }]);
        } catch (error) {
          count("unavailable");
          throw error;
        }
        return { kind: "accepted" };
    }
  };
}
