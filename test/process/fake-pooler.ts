import { connect, createServer, type Socket } from "node:net";

/** Stands before Postgres as PgBouncer does in transaction mode: half of the protocol is its own. */
export interface FakePooler {
  /** The database's URL by way of the pooler. */
  readonly url: string;
  /** Whether it reaches the database. Where it does not, it says so in its own words, and to those that wait as well. */
  reaches(database: boolean): void;
  close(): Promise<void>;
}

/** What it keeps track of; it refuses every other parameter at the start of a session. */
const tracked = new Set(["user", "database", "client_encoding", "datestyle", "timezone", "application_name"]);

export async function createFakePooler(databaseUrl: string): Promise<FakePooler> {
  const url = new URL(databaseUrl);
  const target = Number(url.port);
  const clients = new Set<Socket>();
  let reachable = true;

  const server = createServer((client) => {
    clients.add(client);
    client.on("error", () => undefined).on("close", () => clients.delete(client));
    client.once("data", (startup) => {
      const other = parametersOf(startup).find((name) => !tracked.has(name.toLowerCase()));
      if (other !== undefined) return void client.end(fatal(`unsupported startup parameter: ${other}`));
      if (!reachable) return void client.end(fatal("server login has been failing, try again later"));
      const upstream = connect(target, "127.0.0.1", () => upstream.write(startup));
      upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
      client.on("data", (chunk) => void upstream.write(chunk)).on("close", () => upstream.destroy());
      upstream.on("data", (chunk) => void client.write(chunk));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  url.port = String(address.port);

  return {
    url: url.href,
    reaches(database) {
      reachable = database;
      if (!database) for (const client of clients) client.end(fatal("server conn crashed?"));
    },
    async close() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Names of a StartupMessage (PostgreSQL documentation, "Message Formats"). */
function parametersOf(startup: Buffer): readonly string[] {
  const words = startup.subarray(8).toString("latin1").split("\0");
  return words.filter((word, i) => i % 2 === 0 && word !== "");
}

/** PgBouncer's errors lack the field that Postgres 9.6 added, and nearly all have one code. */
function fatal(message: string): Buffer {
  const content = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}
