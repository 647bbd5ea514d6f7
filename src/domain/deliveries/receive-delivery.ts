import { inTurn } from "../../work/in-turn.ts";
import type { Platform } from "../model/platform.ts";
import type { DeliveryRequest, ReadDelivery } from "../model/platform-webhooks.ts";
import type { DeliveryResult, Telemetry } from "../model/telemetry.ts";
import { leaseMs } from "./delivery-lease.ts";
import type { DeliveryContent, DeliveryRepository, DeliveryTask, NewDelivery } from "./delivery-repository.ts";
import { typeOfEvent } from "./forward-message.ts";
import type { Forwarder } from "./forwarder.ts";
import type { HeardOf } from "./heard-of.ts";
import type { DeliveryWorker } from "./work-off-deliveries.ts";

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

/** Each commit costs as much as keeping ten; who is sent a burst makes the burst wait for so long, and others less. */
const commitsApartMs = 10;
/** How many are kept by one statement, and with how much in them. */
const batchRows = 200;
const batchBytes = 4 * 1024 * 1024;
/** What is larger waits on disk for its turn, and not in memory. */
const smallBytes = 64 * 1024;

export function createReceiveDelivery(parts: {
  readonly deliveries: DeliveryRepository;
  readonly worker: DeliveryWorker;
  readonly forwarder: Forwarder;
  readonly heardOf: HeardOf;
  readonly telemetry: Pick<Telemetry, "deliveryReceived">;
}): ReceiveDelivery {
  const { deliveries, worker, forwarder, heardOf, telemetry } = parts;

  /** What arrives meanwhile shares the next commit. */
  const keep = inTurn<Arrived>(async (arrived) => {
    for (const batch of inBatches(arrived)) await keepBatch(batch);
  }, commitsApartMs);

  async function keepBatch(arrived: readonly Arrived[]): Promise<void> {
    const room: Record<DeliveryTask, number> = { apply: worker.room, forward: forwarder.room, alert: 0, done: 0 };
    const batch = arrived.map((one): NewDelivery => {
      const isWaiting = one.task === "forward" && sizeOf(one) > smallBytes;
      return { ...one, leased: !isWaiting && room[one.task]-- > 0 };
    });
    const kept = await deliveries.keep(batch, leaseMs);
    batch.forEach(({ platform, type, content, task, leased }, index) => {
      const known = kept[index];
      telemetry.deliveryReceived(platform, known === undefined ? "seen" : "accepted");
      if (known === undefined) return;
      if (content.kind === "event") heardOf(platform, content.event);
      if (!leased) return;
      const delivery = { ...known, platform, type, content: inMemory(content), attempts: 1 };
      if (task === "apply") worker.add(delivery);
      else forwarder.add(delivery);
    });
  }

  function arrivedOf(platform: string, { event, payload }: ReadEvent, body: Buffer): Arrived {
    const task = event.news !== undefined ? "apply" : forwarder.wanted ? "forward" : "done";
    const kept = forwarder.wanted ? (payload ?? body.toString("utf8")) : undefined;
    const content = { kind: "event", event, payload: kept } as const;
    return { platform, deliveryId: event.deliveryId, type: typeOfEvent(platform, event), content, task };
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
          await keep([arrivedOf(platform.name, read, request.body)]);
        } catch (error) {
          count("unavailable");
          throw error;
        }
        return { kind: "accepted" };
    }
  };
}

type ReadEvent = Extract<ReadDelivery, { kind: "event" }>;
type Arrived = Omit<NewDelivery, "leased">;

/** What it means is not to wait for its turn; what came with it may. */
function inMemory(content: DeliveryContent): DeliveryContent {
  const isLarge = content.kind === "event" && (content.payload?.length ?? 0) > smallBytes;
  return isLarge ? { ...content, payload: undefined } : content;
}

function sizeOf({ content }: Arrived): number {
  return content.kind === "event" ? (content.payload?.length ?? 0) : content.body.length;
}

function* inBatches(arrived: readonly Arrived[]): Iterable<readonly Arrived[]> {
  let batch: Arrived[] = [];
  let bytes = 0;
  for (const one of arrived) {
    if (batch.length > 0 && (batch.length >= batchRows || bytes + sizeOf(one) > batchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += sizeOf(one);
  }
  if (batch.length > 0) yield batch;
}
