import { and, arrayContains, arrayOverlaps, eq, gt, inArray, isNotNull, ne, type SQL, sql } from "drizzle-orm";
import type { PendingInstall, PendingInstallRepository } from "../../domain/connecting/pending-install.ts";
import type { Installation } from "../../domain/model/installation.ts";
import type { Database, Queries } from "../database.ts";
import { connect } from "../installations/connect.ts";
import { toInstallation, viewInstallations } from "../installations/rows.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { installations, pendingInstalls, type StoredQuestion } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { keepApart } from "./keep-apart.ts";
import { isOpen, type PendingRow, toPending } from "./pending-rows.ts";
import { beginExpired, beginUndo } from "./pending-undo.ts";
import { openConnection } from "./sealed-connection.ts";

export interface PendingInstallTools {
  readonly database: Database;
  readonly recorded: RecordedTransaction;
  readonly sealer: Sealer;
  readonly random: (bytes: number) => Buffer;
  readonly newId: () => string;
}

export function createPendingInstallRepository(tools: PendingInstallTools): PendingInstallRepository {
  const { database, recorded, sealer } = tools;
  const find = async (condition: SQL | undefined): Promise<readonly PendingInstall[]> => {
    const rows = await database.read((db) => db.select().from(pendingInstalls).where(and(condition, isOpen)));
    return rows.map(toPending);
  };

  return {
    keep: (connection, context, completion, record) =>
      recorded(async (tx) => {
        const ids = await keepApart(tx, connection, context, completion, tools);
        const rows = await viewInstallations(tx).where(inArray(installations.id, [...ids]));
        const found = new Map(rows.map((row) => [row.installation.id, toInstallation(row)]));
        return ids.flatMap((id) => found.get(id) ?? []);
      }, record),

    async find(codeHash, now) {
      const [found] = await find(and(eq(pendingInstalls.codeHash, codeHash), gt(pendingInstalls.expiresAt, now)));
      return found;
    },

    async findByInstallation(id) {
      if (!isUuid(id)) return undefined;
      const [found] = await find(arrayContains(pendingInstalls.installationIds, [id]));
      return found;
    },

    complete: (id, context, record) =>
      recorded(async (tx) => {
        const open = and(eq(pendingInstalls.id, id), isOpen, gt(pendingInstalls.expiresAt, context.now));
        const [row] = await tx.select().from(pendingInstalls).where(open).for("update");
        if (row === undefined) return undefined;
        const connection = openConnection(sealer, id, row.connection);
        const idOf = new Map(connection.installations.map((one, index) => [one, row.installationIds[index]]));
        const wasTold = await isTold(tx, row);
        await remove(tx, row);
        const made = await connect(tx, connection, context, {
          ...tools,
          idOf: (installation) => idOf.get(installation),
        });
        if (wasTold) await askAbout(tx, made, tools.newId());
        return made;
      }, record),

    beginUndo: (id, reason, now) => database.write((db) => beginUndo(db, { id, reason, now }, sealer)),
    beginExpired: (now, limit) => database.write((db) => beginExpired(db, { now, limit }, sealer)),

    async recordUndo(id, record) {
      const news = (rows: readonly unknown[]) => (rows.length > 0 ? record() : []);
      const notRecorded = and(eq(pendingInstalls.id, id), eq(pendingInstalls.recorded, false));
      await recorded(
        (tx) =>
          tx.update(pendingInstalls).set({ recorded: true }).where(notRecorded).returning({ id: pendingInstalls.id }),
        news,
      );
    },

    async finishUndo(id) {
      await database.transaction(async (tx) => {
        const [row] = await tx.select().from(pendingInstalls).where(eq(pendingInstalls.id, id)).for("update");
        if (row !== undefined) await remove(tx, row);
      });
    },

    async openSubjects(platform, subjects, except) {
      const others = except === undefined ? undefined : ne(pendingInstalls.id, except);
      const rows = await database.read((db) =>
        db
          .select({ subjects: pendingInstalls.subjects })
          .from(pendingInstalls)
          .where(
            and(
              eq(pendingInstalls.platform, platform),
              arrayOverlaps(pendingInstalls.subjects, [...subjects]),
              others,
              isOpen,
            ),
          ),
      );
      const open = new Set(rows.flatMap((row) => row.subjects));
      return subjects.filter((subject) => open.has(subject));
    },
  };
}

async function remove(tx: Queries, { id, installationIds }: PendingRow): Promise<void> {
  const pending = and(inArray(installations.id, installationIds), eq(installations.status, "pending"));
  await tx.delete(installations).where(pending);
  await tx.delete(pendingInstalls).where(eq(pendingInstalls.id, id));
}

/** Whether the platform told something of it since its callback. */
async function isTold(tx: Queries, { installationIds }: PendingRow): Promise<boolean> {
  const told = and(inArray(installations.id, installationIds), isNotNull(installations.question));
  return (await tx.select({ id: installations.id }).from(installations).where(told)).length > 0;
}

/** What was told of what was pending is asked of what came of it. */
async function askAbout(tx: Queries, made: readonly Installation[], questionId: string): Promise<void> {
  const question: StoredQuestion = { id: questionId, about: "changed", tries: 0, contradicted: false };
  await tx
    .update(installations)
    .set({ question, askAfter: sql`clock_timestamp()` })
    .where(
      inArray(
        installations.id,
        made.map(({ id }) => id),
      ),
    );
}
