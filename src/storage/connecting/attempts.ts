import { and, desc, eq, getTableColumns, gt, type InferSelectModel, inArray, isNull, lt, sql } from "drizzle-orm";
import type { Attempt, AttemptRefusal, AttemptRepository } from "../../domain/connecting/attempt.ts";
import type { Database } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import { attempts } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { toFacts } from "./link-facts.ts";

type AttemptRow = InferSelectModel<typeof attempts>;

const ageMs = sql`(extract(epoch from clock_timestamp() - ${attempts.begunAt}) * 1000)::float8`.mapWith(Number);
const begun = (age: number) => sql`clock_timestamp() - ${age}::float8 * interval '1 millisecond'`;

export function createAttemptRepository({
  database,
  sealer,
}: {
  readonly database: Database;
  readonly sealer: Sealer;
}): AttemptRepository {
  function toAttempt(row: AttemptRow & { readonly ageMs: number }): Attempt {
    return {
      id: row.id,
      platform: row.platform,
      ...errandOf(row),
      codeVerifier: row.codeVerifier === null ? undefined : sealer.open(verifierOf(row.id), row.codeVerifier),
      hint: row.hint ?? undefined,
      expiresAt: row.expiresAt,
      ageMs: row.ageMs,
    };
  }

  return {
    async create({ codeVerifier, link, ageMs: age, ...attempt }, keys) {
      const sealed = codeVerifier === undefined ? null : sealer.seal(verifierOf(attempt.id), codeVerifier).text;
      const row = { ...attempt, ...keys, codeVerifier: sealed, begunAt: begun(age), link: link ?? null };
      await database.write((db) => db.insert(attempts).values(row));
    },

    async consume(stateHash, { platform, browserHash, now }) {
      if (browserHash !== undefined) {
        const [spent] = await database.write((db) =>
          db
            .update(attempts)
            .set({ consumedAt: now })
            .where(
              and(
                eq(attempts.stateHash, stateHash),
                isNull(attempts.consumedAt),
                gt(attempts.expiresAt, now),
                eq(attempts.platform, platform),
                eq(attempts.browserHash, browserHash),
              ),
            )
            .returning({ ...getTableColumns(attempts), ageMs }),
        );
        if (spent !== undefined) return { kind: "consumed", attempt: toAttempt(spent) };
      }
      const [row] = await database.read((db) => db.select().from(attempts).where(eq(attempts.stateHash, stateHash)));
      const { owner, link } = row === undefined ? {} : errandOf(row);
      return { kind: "refused", why: refusal(row, platform, now), of: row && { owner, link } };
    },

    async open({ platform, browserHashes, now }) {
      if (browserHashes.length === 0) return [];
      const rows = await database.read((db) =>
        db
          .select()
          .from(attempts)
          .where(
            and(
              gt(attempts.expiresAt, now),
              isNull(attempts.consumedAt),
              eq(attempts.platform, platform),
              inArray(attempts.browserHash, [...browserHashes]),
            ),
          )
          .orderBy(desc(attempts.expiresAt), attempts.id),
      );
      return rows.map((row) => ({ ...errandOf(row), stateHash: row.stateHash }));
    },

    async prune(before) {
      await deleteInParts(database, attempts, attempts.id, {
        by: attempts.expiresAt,
        where: lt(attempts.expiresAt, before),
      });
    },
  };
}

/** For whom and what an attempt is. */
function errandOf({ owner, returnTo, link, flow }: AttemptRow): Pick<Attempt, "owner" | "returnTo" | "link" | "flow"> {
  return {
    owner: owner ?? undefined,
    returnTo: returnTo ?? undefined,
    link: link === null ? undefined : toFacts(link),
    flow: flow ?? undefined,
  };
}

function verifierOf(id: string) {
  return { table: "attempts", row: id, column: attempts.codeVerifier.name };
}

/** Why a state was not spent. With everything else in order it can only have been the browser. */
function refusal(row: AttemptRow | undefined, platform: string, now: Date): AttemptRefusal {
  if (row === undefined) return "unknown";
  if (row.consumedAt !== null) return "already_used";
  if (row.expiresAt <= now) return "expired";
  return row.platform === platform ? "other_browser" : "other_platform";
}
