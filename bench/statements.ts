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
  const startedAt = performance.now();
  const messages = await loggedDuring(postgres, database, ["log_statement", "all"], work);
  const seconds = (performance.now() - startedAt) / 1000;
  const counts = new Map<string, number>();
  for (const message of messages) {
    const text = /^(?:statement|execute [^:]*): (.*)/s.exec(message)?.[1]?.replace(/\s+/g, " ");
    if (text !== undefined) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const withCalls = [...counts].filter(([, times]) => times >= calls / 10);
  const sum = (entries: readonly (readonly [string, number])[]) => entries.reduce((all, [, times]) => all + times, 0);
  return {
    perCall: sum(withCalls) / calls,
    onTimers: sum([...counts]) - sum(withCalls),
    seconds,
  };
}

/** How long statements took. */
export interface StatementTimes {
  readonly statements: number;
  readonly longestMs: number;
  readonly longest: string;
  readonly totalMs: number;
}

/** Times every statement that `database` executes during `work`, planning included, by the server's own clock. */
export async function timeStatements(
  postgres: BenchPostgres,
  database: string,
  work: () => Promise<unknown>,
): Promise<StatementTimes> {
  const messages = await loggedDuring(postgres, database, ["log_min_duration_statement", "0"], work);
  const timed = messages.flatMap((message) => {
    const [, ms, text] = /^duration: ([\d.]+) ms {2}(?:statement|parse|bind|execute)[^:]*: (.*)/s.exec(message) ?? [];
    return ms === undefined || text === undefined ? [] : [{ ms: Number(ms), text: text.replace(/\s+/g, " ") }];
  });
  const longest = timed.reduce((most, one) => (one.ms > most.ms ? one : most), { ms: 0, text: "" });
  return {
    statements: timed.length,
    longestMs: longest.ms,
    longest: longest.text,
    totalMs: timed.reduce((sum, { ms }) => sum + ms, 0),
  };
}

/** What the server says of one database during `work`, with one of its settings changed. */
async function loggedDuring(
  postgres: BenchPostgres,
  database: string,
  [setting, value]: readonly [string, string],
  work: () => Promise<unknown>,
): Promise<readonly string[]> {
  const { admin } = postgres;
  await admin.unsafe(`alter system set ${setting} = '${value}'`);
  await admin.unsafe("select pg_reload_conf()");
  // Backends read the configuration anew when the signal arrives, at the latest before their next statement.
  await delay(300);
  const from = (await stat(postgres.logPath)).size;
  await work();
  const marker = randomUUID();
  await admin.unsafe(`select '${marker}'`);
  await admin.unsafe(`alter system reset ${setting}`);
  await admin.unsafe("select pg_reload_conf()");
  const messages: string[] = [];
  for (const line of (await readUntil(postgres.logPath, from, marker)).split("\n")) {
    if (line.includes(marker)) break;
    if (!line.startsWith("{")) continue;
    const { dbname, message } = JSON.parse(line);
    if (dbname === database && typeof message === "string") messages.push(message);
  }
  return messages;
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
