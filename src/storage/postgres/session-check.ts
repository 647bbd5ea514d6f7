import { sql } from "drizzle-orm/sql";
import type { Database } from "../database.ts";
import { type AskedOfSession, preferred } from "./session.ts";

/**
 * Looks whether a session is as it was told to be: a proxy may leave out what it does not know. What the operator
 * `asked` for is in units and spellings of theirs, and not compared.
 * @throws Error that names every setting that is otherwise, or the encoding of a database that cannot keep all text.
 */
export async function checkSession(database: Database, wanted: AskedOfSession, asked: AskedOfSession): Promise<void> {
  const rows = await database.read((db) =>
    db.select({ name: sql<string>`lower(name)`, value: sql<string>`setting` }).from(sql`pg_catalog.pg_settings`),
  );
  const found = new Map(rows.map(({ name, value }) => [name, value]));
  requireAllLetters(found.get("server_encoding"));
  const others = Object.entries(wanted).flatMap(([name, value]) => {
    const is = found.get(name.toLowerCase());
    return name in asked || name in preferred || is?.toLowerCase() === value.toLowerCase()
      ? []
      : [`${name} is ${is}, not ${value}`];
  });
  for (const { name, fits, needs } of unstated) {
    const is = found.get(name);
    if (is !== undefined && !fits(is)) others.push(`${name} is ${is}, not ${needs}`);
  }
  if (others.length === 0) return;
  throw new Error(
    `the database's sessions are not as the service needs them (${others.join("; ")}): reset what ALTER ROLE, ` +
      "ALTER DATABASE or the server's configuration sets; if a pooler leaves out what it is told at the start of a " +
      "session, name a direct connection in DATABASE_DIRECT_URL",
  );
}

/** SQL_ASCII keeps bytes as they are. In any other, names of people and organizations could not be stored or looked for. */
function requireAllLetters(encoding: string | undefined): void {
  if (encoding === undefined || encoding === "UTF8" || encoding === "SQL_ASCII") return;
  throw new Error(
    `the database has the encoding ${encoding}, which lacks letters that names are made of: ` +
      "create one with ENCODING 'UTF8' (TEMPLATE template0), and move what is in this one there by pg_dump",
  );
}

/** What may not be set by everybody, or not in every version, and so is not stated. */
const unstated: readonly {
  readonly name: string;
  readonly fits: (value: string) => boolean;
  readonly needs: string;
}[] = [
  { name: "session_replication_role", fits: (value) => value === "origin", needs: "origin" },
  { name: "transaction_timeout", fits: (ms) => ms === "0" || Number(ms) >= 10_000, needs: "10s or more" },
];
