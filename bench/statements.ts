import { randomUUID } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { BenchPostgres } from "./postgres-server.ts";

/** What a database executed for a number of calls. */
export interface StatementCount {
  /** Statements that come with the calls, for each of them. */
  readonly perCall: number;
  /** All others: what runs on a timer. */
  readonly onTimers: number;
  readonly seconds: number;
}

/**
 * Counts every statement that `database` executes while `work` makes `calls` calls, from the server's own log. A
 * statement belongs to the calls if it came at least once for every ten of them.
 */
export async function countStatements(
  postgres: BenchPostgres,
  database: string,
  calls: number,
  work: () => Promise<unknown>,
): Promise<StatementCount> {
  const { admin } = postgres;
  await admin.unsafe("alter system set log_statement = 'all'");
  await admin.unsafe("select pg_reload_conf()");
  // Backends read the configuration anew when the signal arrives, at the latest before their next statement.
  await delay(300);
  const from = (await stat(postgres.logPath)).size;
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1000;
  const marker = randomUUID();
  await admin.unsafe(`select '${marker}'`);
  await admin.unsafe("alter system reset log_statement");
  await admin.unsafe("select pg_reload_conf()");
  const log = await readUntil(postgres.logPath, from, marker);

  const counts = new Map<string, number>();
  for (const text of statementsOf(log, database, marker)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const withCalls = [...counts].filter(([, times]) => times >= calls / 10);
  const sum = (entries: readonly (readonly [string, number])[]) => entries.reduce((all, [, times]) => all + times, 0);
  return {
    perCall: sum(withCalls) / calls,
    onTimers: sum([...counts]) - sum(withCalls),
    seconds,
  };
}

function* statementsOf(log: string, database: string, marker: string): Iterable<string> {
  for (const line of log.split("\n")) {
    if (line.includes(marker)) return;
    if (!line.startsWith("{")) continue;
    const { dbname, message } = JSON.parse(line);
    const text = /^(?:statement|execute [^:]*): (.*)/s.exec(message)?.[1];
    if (dbname === database && text !== undefined) yield text.replace(/\s+/g, " ");
  }
}

/** The log reaches the file through a process of its own. */
async function readUntil(path: string, from: number, marker: string): Promise<string> {
  const giveUpAt = performance.now() + 10_000;
  for (;;) {
    const file = await open(path);
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size - from);
    await file.read(bytes, 0, bytes.length, from);
    await file.close();
    const text = bytes.toString();
    if (text.includes(marker)) return text;
    if (performance.now() > giveUpAt) throw new Error("the log of Postgres does not show its statements");
    await delay(50);
  }
}
