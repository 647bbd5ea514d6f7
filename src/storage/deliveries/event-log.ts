import { and, desc, eq, gt, gte, inArray, isNotNull, or, type SQL, sql } from "drizzle-orm";
import { alertName } from "../../domain/health/alert-message.ts";
import type { Database } from "../database.ts";
import { type DeliveryStatus, webhookDeliveries } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { turnForwardingOn } from "./forwarding-switch.ts";

/** An event as an operator sees it: never what it holds. */
export interface ListedEvent {
  readonly id: string;
  readonly platform: string;
  readonly type: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly receivedAt: Date;
  readonly dueAt: Date;
  readonly lastError: string | undefined;
}

/** The latest first, at most `limit`. @throws ServiceError SERVICE_UNAVAILABLE. */
export async function listEvents(
  database: Database,
  deadOnly: boolean,
  limit: number,
): Promise<readonly ListedEvent[]> {
  const { id, platform, type, status, attempts, receivedAt, dueAt, lastError } = webhookDeliveries;
  const rows = await database.read((db) =>
    db
      .select({ id, platform, type, status, attempts, receivedAt, dueAt, lastError })
      .from(webhookDeliveries)
      .where(deadOnly ? eq(status, "dead") : undefined)
      .orderBy(desc(receivedAt), desc(id))
      .limit(limit),
  );
  return rows.map((row) => ({ ...row, lastError: row.lastError ?? undefined }));
}

/** Which events are to be sent again. */
export type ReplayedEvents =
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "dead" }
  /** What came since then and did not arrive yet. */
  | { readonly kind: "since"; readonly since: Date };

/** Rows of one statement. */
const partRows = 500;

/**
 * Has events sent again, at once and as often as new ones; those whose content is gone are passed over. Turns forwarding
 * on where the receiver turned it off. Returns the ids.
 * @throws ServiceError SERVICE_UNAVAILABLE; what was begun stays so, and it can be run again.
 */
export async function replayEvents(database: Database, which: ReplayedEvents): Promise<readonly string[]> {
  const { id, status, content } = webhookDeliveries;
  const before = sql`clock_timestamp()`;
  await turnForwardingOn(database);
  const replayed: string[] = [];
  for (;;) {
    const part = await database.write((db) => {
      const wanted = and(conditionOf(which), isNotNull(content));
      const some = db.select({ id }).from(webhookDeliveries).where(wanted).limit(rowsOf(which)).for("update");
      return db
        .update(webhookDeliveries)
        .set({ status: asBefore, attempts: 0, dueAt: before, lastError: null })
        .where(and(sql`${id} = any(array(${some}))`, inArray(status, unsent)))
        .returning({ id });
    });
    replayed.push(...part.map((row) => row.id));
    if (part.length < partRows || which.kind === "ids") return replayed;
  }
}

const unsent: DeliveryStatus[] = ["forward", "alert", "dead"];
/** An alert goes where alerts go. */
const asBefore = sql`case when ${webhookDeliveries.platform} = ${alertName} then 'alert' else 'forward' end`;

/** Those that are named are few enough for a command line. */
function rowsOf(which: ReplayedEvents): number {
  return which.kind === "ids" ? which.ids.length : partRows;
}

function conditionOf(which: ReplayedEvents): SQL | undefined {
  const { id, status, attempts, receivedAt } = webhookDeliveries;
  switch (which.kind) {
    case "ids":
      return and(inArray(id, which.ids.filter(isUuid)), inArray(status, unsent));
    case "dead":
      return eq(status, "dead");
    case "since":
      // Those of the part before are due already.
      return and(
        gte(receivedAt, which.since),
        or(eq(status, "dead"), and(inArray(status, ["forward", "alert"]), gt(attempts, 0))),
      );
  }
}
