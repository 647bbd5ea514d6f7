import type { PGlite } from "@electric-sql/pglite";

/** So much of the log is read again, at most, when the database is opened after a crash; it is on the disk as well. */
const logBytes = 64 * 1024 * 1024;

/** Postgres leaves checkpoints to a process of its own, which PGlite has not: its log would grow for as long as it runs. */
export interface Checkpoints {
  /** Makes one if the log has grown enough since the last, and no copy is being made. Nothing else runs meanwhile. */
  keepUp(): Promise<void>;
  /** Passes on what a copy is made of; until it has ended there is no checkpoint but its own. */
  during<T>(copy: AsyncIterable<T>): AsyncIterable<T>;
}

export function createCheckpoints(client: () => PGlite, mostBytes = logBytes): Checkpoints {
  let copies = 0;
  return {
    async keepUp() {
      const { rows } = await client().query<{ grown: number }>(
        "select (pg_current_wal_insert_lsn() - redo_lsn)::float8 as grown from pg_control_checkpoint()",
      );
      // The database takes one thing after the other: a copy that begins now makes its own after this one.
      if ((rows[0]?.grown ?? 0) >= mostBytes && copies === 0) await client().exec("checkpoint");
    },
    async *during(copy) {
      copies += 1;
      try {
        yield* copy;
      } finally {
        copies -= 1;
      }
    },
  };
}
