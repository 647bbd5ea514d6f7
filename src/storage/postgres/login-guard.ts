import type { Socket } from "node:net";
import type { AuthMethod } from "../../postgres-target.ts";
import { ConnectionRefused } from "./connection-refused.ts";

/**
 * Ends the connection before the driver answers a server that asks for the password in a way that is not among
 * `methods`, at whatever time it asks, or that is no Postgres server at all. For a socket that nobody reads yet.
 */
export function guardLogin(socket: Socket, methods: ReadonlySet<AuthMethod>): void {
  const check = createCheck(methods);
  const attach = (event: string | symbol) => {
    if (event !== "data") return;
    socket.off("newListener", attach);
    socket.on("data", (chunk: Buffer) => {
      const refused = check(chunk);
      // What the driver still writes after this goes nowhere.
      if (refused !== undefined) socket.destroy(new ConnectionRefused(refused));
    });
  };
  // Just before the driver listens: so both hear every byte, and this first.
  socket.on("newListener", attach);
}

/** PostgreSQL documentation, "Message Formats": a message is a letter, a length that counts itself, and its content. */
const authentication = "R".charCodeAt(0);
const firstMessages: ReadonlySet<number> = new Set([..."RENv"].map((letter) => letter.charCodeAt(0)));
const longestFirst = 30_000;

/** What a request for authentication asks for. The others are the end of it, and SCRAM's later steps. */
const asked: ReadonlyMap<number, AuthMethod> = new Map([
  [3, "password"],
  [5, "md5"],
  [10, "scram-sha-256"],
]);
const going: ReadonlySet<number> = new Set([0, 11, 12]);

function createCheck(methods: ReadonlySet<AuthMethod>) {
  let rest: Buffer = Buffer.alloc(0);
  let skip = 0;
  let isFirst = true;

  return (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = skip;
    while (at + 5 <= bytes.length) {
      const type = bytes[at] ?? 0;
      const length = bytes.readUInt32BE(at + 1);
      if (isFirst && (!firstMessages.has(type) || length > longestFirst)) return "CONNECTION_NOT_POSTGRES";
      isFirst = false;
      if (type === authentication) {
        if (at + 9 > bytes.length) break;
        const code = bytes.readUInt32BE(at + 5);
        const method = asked.get(code);
        if (method === undefined && !going.has(code)) return "CONNECTION_LOGIN_UNKNOWN";
        if (method !== undefined && !methods.has(method)) return "CONNECTION_PASSWORD_SHOWN";
      }
      at += 1 + length;
    }
    skip = Math.max(0, at - bytes.length);
    rest = Buffer.from(bytes.subarray(at));
    return undefined;
  };
}
