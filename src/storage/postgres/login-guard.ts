import type { Socket } from "node:net";
import type { AuthMethod } from "../../postgres-target.ts";
import { ConnectionRefused } from "./connection-refused.ts";

export interface LoginTerms {
  /** How the password may be asked for. */
  readonly methods: ReadonlySet<AuthMethod>;
  /** Whether the session has to be with a server that takes writes. */
  readonly mustWrite: boolean;
  /** Told once: a session has begun, or why we gave the connection up for what the server said. */
  readonly told: (refused: ConnectionRefused | undefined) => void;
}

/**
 * Ends the connection before the driver answers a server that asks for the password in a way that is not among
 * `methods`, at whatever time it asks, or that is no Postgres server at all; or before it uses a session with one that only
 * reads, where it must not. For a socket that nobody reads yet.
 */
export function guardLogin(socket: Socket, terms: LoginTerms): void {
  const check = createCheck(terms);
  const attach = (event: string | symbol) => {
    if (event !== "data") return;
    socket.off("newListener", attach);
    socket.on("data", (chunk: Buffer) => {
      const code = check(chunk);
      if (code === undefined) return;
      const refused = new ConnectionRefused(code);
      terms.told(refused);
      // What the driver still writes after this goes nowhere.
      socket.destroy(refused);
    });
  };
  // Just before the driver listens: so both hear every byte, and this first.
  socket.on("newListener", attach);
}

/** PostgreSQL documentation, "Message Formats": a message is a letter, a length that counts itself, and its content. */
const authentication = "R".charCodeAt(0);
const parameterStatus = "S".charCodeAt(0);
const readyForQuery = "Z".charCodeAt(0);
const firstMessages: ReadonlySet<number> = new Set([..."RENv"].map((letter) => letter.charCodeAt(0)));
const longestFirst = 30_000;

/** What a request for authentication asks for. The others are the end of it, and SCRAM's later steps. */
const asked: ReadonlyMap<number, AuthMethod> = new Map([
  [3, "password"],
  [5, "md5"],
  [10, "scram-sha-256"],
]);
const going: ReadonlySet<number> = new Set([0, 11, 12]);

/** What a server since version 14 says of itself before a session begins, and again when it changes. */
const readOnlyNames: ReadonlySet<string> = new Set(["in_hot_standby", "default_transaction_read_only"]);

function createCheck({ methods, mustWrite, told }: LoginTerms) {
  const said = new Map<string, string>();
  let hasBegun = false;
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
      if (type === parameterStatus && !hasBegun) {
        if (at + 1 + length > bytes.length) break;
        const [name = "", value = ""] = bytes.toString("latin1", at + 5, at + 1 + length).split("\0");
        if (readOnlyNames.has(name)) said.set(name, value);
      }
      if (type === readyForQuery && !hasBegun) {
        if (mustWrite && [...said.values()].includes("on")) return "CONNECTION_READ_ONLY";
        if (mustWrite && !said.has("in_hot_standby")) return "CONNECTION_STATE_UNKNOWN";
        hasBegun = true;
        told(undefined);
      }
      at += 1 + length;
    }
    skip = Math.max(0, at - bytes.length);
    rest = Buffer.from(bytes.subarray(at));
    return undefined;
  };
}
