import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import { describe, expect, test } from "vitest";
import * as schema from "../../src/storage/schema.ts";
import type { OpenedStorage } from "./harness.ts";

/** That the queries are written for the tables there are. */
export function describeSchema({ raw }: OpenedStorage): void {
  const tables: readonly PgTable[] = Object.values(schema);

  describe("the schema", () => {
    test.each(tables.map((table) => getTableConfig(table)))("of $name is what the migrations make", async (table) => {
      const found = await raw(
        `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull"
         from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attname`,
        [table.name],
      );
      const expected = table.columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().replace("timestamp (3)", "timestamp(3)"),
        notNull: column.notNull,
      }));
      expect(found).toEqual(expected.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
    });

    test("has no table that the queries do not know", async () => {
      const found = await raw("select tablename from pg_tables where schemaname = 'public' order by tablename");
      expect(found.map(({ tablename }) => tablename)).toEqual(tables.map((table) => getTableConfig(table).name).sort());
    });
  });
}
