import { type InferSelectModel, isNull } from "drizzle-orm";
import type { PendingInstall } from "../../domain/connecting/pending-install.ts";
import { pendingInstalls } from "../schema.ts";
import { toFacts } from "./link-facts.ts";

export type PendingRow = InferSelectModel<typeof pendingInstalls>;

/** Neither completed, which deletes it, nor being undone. */
export const isOpen = isNull(pendingInstalls.undoReason);

export function toPending({ id, platform, owner, link, installationIds }: PendingRow): PendingInstall {
  return { id, platform, owner: owner ?? undefined, link: toFacts(link), installationIds };
}
