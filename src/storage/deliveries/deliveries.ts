import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type {
  DeliveryClaim,
  DeliveryContent,
  DeliveryRepository,
  NewDelivery,
} from "../../domain/deliveries/delivery-repository.ts";
import { ServiceError } from "../../errors.ts";
import { perObject } from "../../work/per-object.ts";
import type { Database, Queries } from "../database.ts";
import { databaseNow, dueNow, inMs, msAgo } from "../database-clock.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import { webhookDeliveries } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { findEventOwner } from "./event-owner.ts";
import { openDelivery, sealDelivery } from "./sealed-delivery.ts";

const emptied = { content: null, keyId: null };

export function createDeliveryRepository(tools: {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly newId: () => string;
}): DeliveryRepository {
  const { database, sealer } = tools;
  const keys = sealer.keyIds.join();

  return {
    keep: (deliveries, leaseMs) => database.write((db) => keepDeliveries(db, tools, deliveries, leaseMs)),

    async take(task, { rows: limit, bytes }, leaseMs) {
      if (limit < 1) return [];
      const rows = await database.write((db) => takeDue(db).execute({ task, limit, bytes, leaseMs, keys }));
      return rows.flatMap(({ content: sealed, ...row }) => {
        const content = sealed === null ? undefined : opened(sealer, row.id, sealed);
        return content === undefined ? [] : { ...row, content };
      });
    },

    async applied(delivery, { task, leaseMs }) {
      const attempts = leaseMs > 0 ? 1 : 0;
      const next = { status: task, attempts, dueAt: inMs(leaseMs), lastError: null };
      const changed = await database.write((db) =>
        db
          .update(webhookDeliveries)
          .set(task === "done" ? { ...next, ...emptied } : next)
          .where(and(isStill(delivery), eq(webhookDeliveries.status, "apply")))
          .returning({ id: webhookDeliveries.id }),
      );
      return changed.length > 0;
    },

    async forwarded(ids) {
      const are = inArray(webhookDeliveries.id, [...ids]);
      await database.write((db) =>
        db
          .update(webhookDeliveries)
          .set({ status: "forwarded", ...emptied, lastError: null })
          .where(are),
      );
    },

    async failed(delivery, { error, delayMs }) {
      const next = delayMs === undefined ? { status: "dead" as const } : { dueAt: inMs(delayMs) };
      await database.write((db) =>
        db
          .update(webhookDeliveries)
          .set({ ...next, lastError: error })
          .where(isStill(delivery)),
      );
    },

    whose: (platform, about) => database.read((db) => findEventOwner(db, platform, about)),

    async prune(olderThanMs) {
      const { id, receivedAt } = webhookDeliveries;
      const old = sql`${receivedAt} <= ${msAgo(olderThanMs)}`;
      await deleteInParts(database, webhookDeliveries, id, { by: receivedAt, where: old });
    },
  };
}

/** See DeliveryRepository.keep. One statement, also of a transaction that tells of what it does. */
export async function keepDeliveries(
  db: Queries,
  { sealer, newId }: { readonly sealer: Sealer; readonly newId: () => string },
  deliveries: readonly NewDelivery[],
  leaseMs: number,
): Promise<Awaited<ReturnType<DeliveryRepository["keep"]>>> {
  const rows = deliveries.map(({ platform, deliveryId, type, content, task, leased }) => {
    const id = newId();
    const sealed = task === "done" ? undefined : sealDelivery(sealer, id, content);
    return {
      ...{ platform, deliveryId, id, type, status: task },
      content: sealed?.text,
      keyId: sealed?.keyId,
      attempts: leased ? 1 : 0,
      leased,
    };
  });
  // In one order, whoever inserts them: two that wait for each other's rows would never end.
  const ordered = rows.toSorted((a, b) => order(keyOf(a), keyOf(b)));
  const kept = await insertInto(db).execute({ rows: JSON.stringify(ordered), leaseMs });
  const known = new Map(kept.map((row) => [row.id, row]));
  return rows.map(({ id }) => known.get(id));
}

/** Nobody took it up after who claims it. */
function isStill({ id, attempts }: DeliveryClaim): SQL | undefined {
  const isOpen = inArray(webhookDeliveries.status, ["apply", "forward", "alert"]);
  return and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.attempts, attempts), isOpen);
}

/** What is broken stays where it is, for who mends it. */
function opened(sealer: Sealer, id: string, content: string): DeliveryContent | undefined {
  try {
    return openDelivery(sealer, id, content);
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return undefined;
    throw error;
  }
}

function keyOf({ platform, deliveryId }: { readonly platform: string; readonly deliveryId: string }): string {
  return `${platform} ${deliveryId}`;
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The same statement text for any number of rows, so that it stays prepared. */
const insertInto = perObject((db: Queries) => {
  const each = sql`json_to_recordset(${sql.placeholder("rows")}::json) as delivery(
    platform text, "deliveryId" text, id uuid, type text, status text, content text, "keyId" text, attempts integer,
    leased boolean)`;
  const due = sql`case when leased then ${inMs(sql.placeholder("leaseMs"))} else ${databaseNow} end`;
  return db
    .insert(webhookDeliveries)
    .select(
      sql`select platform, "deliveryId", id, type, status, content, "keyId", attempts, ${due}, ${databaseNow}, null from ${each}`,
    )
    .onConflictDoNothing()
    .returning({ id: webhookDeliveries.id, receivedAt: webhookDeliveries.receivedAt })
    .prepare("keep_deliveries");
});

/** The first is taken however large it is. What only others have the key of is left to them, and no attempt is counted. */
const takeDue = perObject((db: Queries) => {
  const { id, status, dueAt, content, keyId } = webhookDeliveries;
  // Key by key, so that what others have the key of is not in the way; in the words of the index.
  const due = sql`select id, due_at, size
    from unnest(string_to_array(${sql.placeholder("keys")}, ',')) as own(key) cross join lateral (
      select ${id} as id, ${dueAt} as due_at, octet_length(${content}) as size from ${webhookDeliveries}
      where ${status} = ${sql.placeholder("task")} and ${status} in ('apply', 'forward', 'alert', 'dead')
        and ${keyId} = own.key and ${dueAt} <= ${dueNow}
      order by ${dueAt} limit ${sql.placeholder("limit")} for update skip locked
    ) as of_key
    order by due_at limit ${sql.placeholder("limit")}`;
  const before = sql`sum(size) over (order by due_at, id) - size`;
  const fitting = sql`select id from (select id, ${before} as before from (${due}) as due) as sized
    where before < ${sql.placeholder("bytes")}`;
  return (
    db
      .update(webhookDeliveries)
      .set({ attempts: sql`${webhookDeliveries.attempts} + 1`, dueAt: inMs(sql.placeholder("leaseMs")) })
      // As an array it is read once: joined, it might be read again, and lock more than it names.
      .where(sql`${id} = any(array(${fitting}))`)
      .returning({
        id,
        platform: webhookDeliveries.platform,
        type: webhookDeliveries.type,
        content,
        receivedAt: webhookDeliveries.receivedAt,
        attempts: webhookDeliveries.attempts,
      })
      .prepare("take_deliveries")
  );
});
