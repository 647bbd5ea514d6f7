import postgres from "postgres";

export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement on a connection of its own. */
export async function runSql(url: string, statement: string): Promise<readonly Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe<Row[]>(statement);
  } finally {
    await sql.end();
  }
}
