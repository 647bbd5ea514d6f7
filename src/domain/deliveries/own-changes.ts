import type { InstallationChange, InstallationChanges } from "../watching/installation-changes.ts";
import type { DeliveryRepository, NewDelivery } from "./delivery-repository.ts";
import { changeMessage, typeOfChange } from "./forward-message.ts";

/** How far changes of ours were sent on, for all replicas. All @throw ServiceError SERVICE_UNAVAILABLE. */
export interface ChangeCursor {
  /** Undefined: never. */
  read(): Promise<number | undefined>;
  /** Never moves back. */
  moveTo(sequence: number): Promise<void>;
}

/** Read at once. */
const readRows = 200;

/** Has our own changes sent on as what platforms tell is: each once, whichever replica sees it first. */
export function createForwardChanges(parts: {
  readonly changes: Pick<InstallationChanges, "after" | "latest">;
  readonly deliveries: Pick<DeliveryRepository, "keep">;
  readonly cursor: ChangeCursor;
}): () => Promise<void> {
  const { changes, deliveries, cursor } = parts;

  return async () => {
    let sequence = await cursor.read();
    if (sequence === undefined) {
      // What was before anybody wanted to hear of it is asked for by ListInstallations.
      await cursor.moveTo(await changes.latest());
      return;
    }
    for (;;) {
      const further: readonly InstallationChange[] = await changes.after(sequence, readRows);
      const last = further.at(-1);
      if (last === undefined) return;
      await deliveries.keep(further.map(deliveryOf), 0);
      await cursor.moveTo(last.sequence);
      sequence = last.sequence;
    }
  };
}

/** Beside the platforms' names, so that no delivery of theirs is ever taken for one. */
export const ownName = "installation";

function deliveryOf(change: InstallationChange): NewDelivery {
  return {
    platform: ownName,
    deliveryId: String(change.sequence),
    type: typeOfChange(change),
    content: { kind: "message", body: changeMessage(change) },
    task: "forward",
    leased: false,
  };
}
