import { and, asc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import type { Installation } from "../../domain/model/installation.ts";
import type { InstallationRepository } from "../../domain/model/installation-repository.ts";
import type { Database, Queries } from "../database.ts";
import type { RecordedTransaction } from "../record/recorded-transaction.ts";
import { installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { connect } from "./connect.ts";
import { listInstallations } from "./list.ts";
import { moveOrganization } from "./move.ts";
import { beginRevocation, finishRevocation, forgetRevoked, notRevokedOf } from "./revoke.ts";
import { toInstallation, viewInstallations } from "./rows.ts";
import { searchInstallations } from "./search.ts";
import { createSelectInstallations, namesIdAlone } from "./select.ts";
import { createSelectById } from "./select-by-id.ts";

export interface InstallationTools {
  readonly database: Database;
  readonly recorded: RecordedTransaction;
  readonly sealer: Sealer;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
  readonly newId: () => string;
}

export function createInstallationRepository(tools: InstallationTools): InstallationRepository {
  const { database, recorded, sealer, now } = tools;
  const select = createSelectInstallations(sealer);
  const selectById = createSelectById(database, sealer);

  return {
    select: (selector, visible, limit) =>
      namesIdAlone(selector)
        ? selectById(selector.installationId, visible)
        : database.read((db) => select(db, selector, visible, limit)),
    find: (id) => database.read((db) => findInstallation(db, id)),
    async findAll(ids) {
      const rows = await database.read((db) =>
        viewInstallations(db).where(inArray(installations.id, ids.filter(isUuid))),
      );
      const found = new Map(rows.map((row) => [row.installation.id, toInstallation(row)]));
      return ids.flatMap((id) => found.get(id) ?? []);
    },
    list: (filter, visible, after, limit) =>
      database.read((db) => listInstallations(db, { filter, visible, after }, limit)),
    search: (text, filter, visible, after, limit) =>
      searchInstallations(database, text, { filter, visible, after }, limit),
    connect: (connection, context, record) => recorded((tx) => connect(tx, connection, context, tools), record),
    beginRevocation: (id, reason, at, by, only) =>
      database.transaction((tx) => beginRevocation(tx, id, { reason, at, by, only }, sealer)),
    finishRevocation: (id, result, record) => recorded((tx) => finishRevocation(tx, id, result, now()), record),
    notRevokedOf: (owner) => database.read((db) => notRevokedOf(db, owner)),
    move: (id, owner, at, record) => recorded((tx) => moveOrganization(tx, id, owner, at), record),
    forgetRevoked: (before) => forgetRevoked(database, before),
    unfinishedRevocations: (before) => database.read((db) => unfinishedRevocations(db, before)),
    async setPermissions(id, permissions) {
      await database.write((db) =>
        db.update(installations).set({ permissions, updatedAt: now() }).where(eq(installations.id, id)),
      );
    },
    async recordUse(uses) {
      if (uses.size > 0) await database.write((db) => recordUse(db, uses));
    },
  };
}

async function findInstallation(db: Queries, id: string): Promise<Installation | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await viewInstallations(db).where(eq(installations.id, id)).prepare("find_installation").execute();
  return row === undefined ? undefined : toInstallation(row);
}

/** In one round; the next has more. */
const mostUnfinished = 200;

async function unfinishedRevocations(db: Queries, before: Date): Promise<readonly string[]> {
  const rows = await db
    .select({ id: installations.id })
    .from(installations)
    .where(
      and(
        eq(installations.status, "revoked"),
        isNull(installations.providerRevocation),
        lt(installations.revokedAt, before),
      ),
    )
    .orderBy(asc(installations.revokedAt))
    .limit(mostUnfinished);
  return rows.map((row) => row.id);
}

async function recordUse(db: Queries, uses: ReadonlyMap<string, Date>): Promise<void> {
  const used = JSON.stringify([...uses].map(([id, at]) => ({ id, at })));
  const each = sql`jsonb_to_recordset(${used}::jsonb) as used(id uuid, at timestamptz(3))`;
  // Locked in one order, so that replicas that flush at once do not wait for each other in a circle.
  const locked = db
    .select({ id: installations.id, at: sql<Date>`used.at`.as("used_at") })
    .from(installations)
    .innerJoin(each, sql`used.id = ${installations.id}`)
    .orderBy(installations.id)
    .for("no key update", { of: installations })
    .as("locked");
  await db
    .update(installations)
    .set({ lastUsedAt: sql`locked.used_at` })
    .from(locked)
    .where(
      and(
        eq(installations.id, locked.id),
        or(isNull(installations.lastUsedAt), sql`${installations.lastUsedAt} < locked.used_at`),
      ),
    );
}
