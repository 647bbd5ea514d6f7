import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** What both drivers offer: drizzle's query builders. Results of `execute` differ between them, so it is not used. */
export type Queries = PgDatabase<PgQueryResultHKT>;

/**
 * The way of every repository to the database.
 * @throws ServiceError SERVICE_UNAVAILABLE if it cannot be reached or does not answer in time; ServiceErrors of `work`
 * pass; anything else is a bug and shows neither SQL nor values in its message.
 */
export interface Database {
  /** One statement that changes nothing; short deadline. */
  read<T>(work: (db: Queries) => Promise<T>): Promise<T>;
  /** One statement that changes something. After SERVICE_UNAVAILABLE it may or may not have happened. */
  write<T>(work: (db: Queries) => Promise<T>): Promise<T>;
  /** All statements of `work` or none. After SERVICE_UNAVAILABLE they may or may not have happened. */
  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T>;
}
