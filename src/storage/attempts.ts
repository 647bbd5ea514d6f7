import { and, eq, getTableColumns, gt, type InferSelectModel, isNull, lt, sql } from "drizzle-orm";
import type { Attempt, AttemptRefusal, AttemptRepository } from "../domain/attempt.ts";
import type { Database } from "./database.ts";
import { toFacts } from "./link-facts.ts";
import { attempts } from "./schema.ts";
import type { Sealer } from "./seal/sealer.ts";

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
      owner: row.owner ?? undefined,
      returnTo: row.returnTo ?? undefined,
      codeVerifier: row.codeVerifier === null ? undefined : sealer.open(verifierOf(row.id), row.codeVerifier),
      hint: row.hint ?? undefined,
      expiresAt: row.expiresAt,
      ageMs: row.ageMs,
      link: row.link === null ? undefined : toFacts(row.link),
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
      const of = row && { owner: row.owner ?? undefined, link: row.link === null ? undefined : toFacts(row.link) };
      return { kind: "refused", why: refusal(row, platform, now), of };
    },

    async prune(before) {
      await database.write((db) => db.delete(attempts).where(lt(attempts.expiresAt, before)));
    },
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
