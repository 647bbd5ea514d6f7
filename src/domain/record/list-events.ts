import type { Visibility } from "../access/access.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { Position } from "../model/installation.ts";
import type { Platforms } from "../model/platforms.ts";

/** A part of the record. All that are given must match. */
export interface AuditFilter {
  readonly installationId?: string | undefined;
  readonly caller?: string | undefined;
  readonly kind?: string | undefined;
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}

/** An event as it stands in the record. */
export interface RecordedEvent extends AuditEvent {
  readonly id: string;
}

/** One page of the record, newest first; `next` is undefined on the last. */
export type ListAuditEvents = (
  filter: AuditFilter,
  page: { readonly size: number; readonly after: Position | undefined },
  call: Call,
) => Promise<{ readonly events: readonly RecordedEvent[]; readonly next: Position | undefined }>;

/** Rows of these products and owners. A row without one is seen by those alone who see all of them. */
export interface AuditSight {
  /** What rows name that this sees all of: products, and platforms with every product of theirs. */
  readonly platforms: "all" | readonly string[];
  /** Seen of platforms that have more: rows about installations with one of these products. */
  readonly partly: readonly string[];
  readonly owners: "all" | readonly string[];
}

export interface RecordReader {
  /** Newest first, strictly after `after`, at most `limit`, of what at least one of `sights` shows. */
  list(
    filter: AuditFilter,
    sights: readonly AuditSight[],
    after: Position | undefined,
    limit: number,
  ): Promise<readonly RecordedEvent[]>;
}

/** The use case behind ListAuditEvents: one page, newest first. A limited caller sees rows about its own alone. */
export function createListAuditEvents(reader: RecordReader, platforms: Platforms): ListAuditEvents {
  return async (filter, page, { access }) => {
    const sights = sightsOf(access.visible(undefined), platforms);
    // One more than asked for tells whether there is a next page.
    const found = await reader.list(filter, sights, page.after, page.size + 1);
    const events = found.slice(0, page.size);
    const last = events.at(-1);
    const more = found.length > page.size && last !== undefined;
    return { events, next: more ? { createdAt: last.at, id: last.id } : undefined };
  };
}

/** Rows carry the platform, or a product of it where one is known; rules name products. */
function sightsOf({ rules }: Visibility, platforms: Platforms): readonly AuditSight[] {
  return rules.map(({ products, owners }) => {
    if (products === "all") return { platforms: "all", partly: [], owners };
    const seesWhole = (product: string) =>
      platforms.byProduct(product)?.products.every((each) => products.includes(each)) ?? true;
    const whole = products.filter(seesWhole);
    const names = whole.flatMap((product) => [product, platforms.byProduct(product)?.name ?? product]);
    return { platforms: [...new Set(names)], partly: products.filter((product) => !seesWhole(product)), owners };
  });
}
