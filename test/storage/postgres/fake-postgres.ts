import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { TestCertificate } from "../../support/certificates.ts";

/** Something on a port of this machine that may be taken for a Postgres server. */
export interface FakePostgres {
  readonly port: number;
  /** All that it was told, decrypted, by every connection so far. */
  readonly heard: () => string;
  readonly taken: () => number;
  close(): Promise<void>;
}

export interface FakeOptions {
  /** Where it listens; 127.0.0.1 by default. */
  readonly host?: string;
  /** Any free one by default. */
  readonly port?: number;
  /** Speaks TLS with this certificate where it is asked to; otherwise it says that it does not. */
  readonly certificate?: TestCertificate;
  /** What it does instead of everything a Postgres server does. */
  readonly instead?: (client: Socket) => void;
  /** What it does after the startup message, with a socket that is perhaps encrypted. `next` resolves with the answer. */
  readonly talk?: (client: Socket, next: () => Promise<string>, startup: Buffer) => void | Promise<void>;
}

/** By the protocol of the PostgreSQL documentation, "Message Flow". */
export async function createFakePostgres({
  host,
  port: wanted = 0,
  certificate,
  instead,
  talk,
}: FakeOptions): Promise<FakePostgres> {
  const heard: string[] = [];
  let taken = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    taken += 1;
    sockets.add(client);
    client.on("error", () => undefined).on("close", () => sockets.delete(client));
    if (instead !== undefined) return instead(client);
    client.once("data", (first) => {
      if (!first.equals(sslRequest)) return begin(client, first);
      if (certificate === undefined) return void client.once("data", (next) => begin(client, next)).write("N");
      client.write("S");
      const secure = new TLSSocket(client, { isServer: true, ...certificate });
      secure.on("error", () => undefined).once("data", (next) => begin(secure, next));
    });
  });

  function begin(client: Socket, startup: Buffer): void {
    heard.push(startup.toString("latin1"));
    const waiting: ((said: string) => void)[] = [];
    client.on("data", (chunk) => {
      heard.push(chunk.toString("latin1"));
      waiting.shift()?.(chunk.toString("latin1"));
    });
    void talk?.(client, () => new Promise((resolve) => waiting.push(resolve)), startup);
  }

  await new Promise<void>((resolve) => server.listen(wanted, host ?? "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    heard: () => heard.join(""),
    taken: () => taken,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** One message of a server. */
export function message(letter: string, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const head = Buffer.from([letter.charCodeAt(0), 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

/** A request for authentication, or (0) that it is done. */
export function authentication(code: number, more: Buffer | string = ""): Buffer {
  return message("R", Buffer.concat([Buffer.from([0, 0, 0, code]), Buffer.from(more)]));
}

export const ready = message("Z", "I");

/** An error that ends the connection. */
export function fatal(code: string, text = "refused"): Buffer {
  return message("E", `SFATAL\0VFATAL\0C${code}\0M${text}\0\0`);
}
