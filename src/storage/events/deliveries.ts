import { and, eq, ne, sql } from "drizzle-orm";
import type { DeliveryRepository, NewDelivery, TakenDelivery } from "../../domain/events/delivery-repository.ts";
import type { PlatformEvent } from "../../domain/model/platform-event.ts";
import { ServiceError } from "../../errors.ts";
import { perObject } from "../../work/per-object.ts";
import type { Database, Queries } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import { webhookDeliveries } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { openDelivery, sealDelivery } from "./sealed-delivery.ts";

const now = sql`clock_timestamp()`;
const inMs = (ms: unknown) => sql`${now} + ${ms}::float8 * interval '1 millisecond'`;

export function createDeliveryRepository(tools: {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly newId: () => string;
}): DeliveryRepository {
  const { database, sealer, newId } = tools;
  const isStill = ({ id, attempts }: Pick<TakenDelivery, "id" | "attempts">) =>
    and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.attempts, attempts), ne(webhookDeliveries.status, "done"));

  function rowOf({ platform, event, task, leased }: NewDelivery) {
    const id = newId();
    const sealed = task === "done" ? undefined : sealDelivery(sealer, id, event);
    return {
      platform,
      deliveryId: event.deliveryId,
      id,
      type: typeOf(platform, event),
      status: task,
      content: sealed?.text,
      keyId: sealed?.keyId,
      attempts: leased ? 1 : 0,
      leased,
    };
  }

  return {
    async keep(deliveries, leaseMs) {
      const rows = deliveries.map(rowOf);
      // In one order, whoever inserts them: two that wait for each other's rows would never end.
      const ordered = rows.toSorted((a, b) => order(keyOf(a), keyOf(b)));
      const kept = await database.write((db) => insertInto(db).execute({ rows: JSON.stringify(ordered), leaseMs }));
      const ids = new Set(kept.map(({ id }) => id));
      return rows.map(({ id }) => (ids.has(id) ? id : undefined));
    },

    async take(limit, leaseMs) {
      if (limit < 1) return [];
      const rows = await database.write((db) => takeDue(db).execute({ limit, leaseMs }));
      return rows.flatMap(({ content, ...row }) => {
        const event = content === null ? undefined : opened(sealer, row.id, content);
        return event === undefined ? [] : { ...row, event };
      });
    },

    async finish(delivery) {
      await database.write((db) =>
        db.update(webhookDeliveries).set({ status: "done", content: null, keyId: null }).where(isStill(delivery)),
      );
    },

    async putOff(delivery, delayMs) {
      await database.write((db) =>
        db
          .update(webhookDeliveries)
          .set({ dueAt: inMs(delayMs) })
          .where(isStill(delivery)),
      );
    },

    async prune(olderThanMs) {
      const old = sql`${webhookDeliveries.receivedAt} <= ${inMs(-olderThanMs)}`;
      await deleteInParts(database, webhookDeliveries, webhookDeliveries.id, old);
    },
  };
}

/** What no key opens stays where it is, for who adds the key. */
function opened(sealer: Sealer, id: string, content: string): PlatformEvent | undefined {
  try {
    return openDelivery(sealer, id, content);
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return undefined;
    throw error;
  }
}

function typeOf(platform: string, { event, action }: PlatformEvent): string {
  return [platform, event, ...(action === undefined ? [] : [action])].join(".");
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
  const due = sql`case when leased then ${inMs(sql.placeholder("leaseMs"))} else ${now} end`;
  return db
    .insert(webhookDeliveries)
    .select(
      sql`select platform, "deliveryId", id, type, status, content, "keyId", attempts, ${due}, ${now} from ${each}`,
    )
    .onConflictDoNothing()
    .returning({ id: webhookDeliveries.id })
    .prepare("keep_deliveries");
});

const takeDue = perObject((db: Queries) => {
  const due = db
    .select({ id: webhookDeliveries.id })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.status, "apply"), sql`${webhookDeliveries.dueAt} <= ${now}`))
    .orderBy(webhookDeliveries.dueAt)
    .limit(sql.placeholder("limit"))
    .for("update", { skipLocked: true });
  return (
    db
      .update(webhookDeliveries)
      .set({ attempts: sql`${webhookDeliveries.attempts} + 1`, dueAt: inMs(sql.placeholder("leaseMs")) })
      // As an array it is read once: joined, it might be read again, and lock more than it names.
      .where(sql`${webhookDeliveries.id} = any(array(${due}))`)
      .returning({
        id: webhookDeliveries.id,
        platform: webhookDeliveries.platform,
        content: webhookDeliveries.content,
        attempts: webhookDeliveries.attempts,
      })
      .prepare("take_deliveries")
  );
});
