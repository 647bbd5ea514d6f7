import type { IncomingMessage, ServerResponse } from "node:http";
import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { readCookies } from "../cookies.ts";

/** How long a session lives in all; how long without a request of its person. */
const sessionMs = 8 * 3_600_000;
export const idleMs = 3_600_000;
/** So often it is written that somebody was there. */
const noteMs = 60_000;

/** One browser that uses the console. */
export interface Session {
  /** Random; what its forms are bound to. */
  readonly id: string;
  /** The API key of the caller who signed in; undefined: nobody did. */
  readonly key: Secret | undefined;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
  readonly seenAt: number;
}

/** Text that only this service can have written; any replica and every key of the ring opens it. */
export interface SealedText {
  seal(plain: string): string;
  open(text: string): string | undefined;
}

/** Sessions live in a sealed cookie alone: no replica remembers them, and who may what is asked with every request. */
export interface Sessions {
  /** Undefined: none, one of another service, or one that has ended. */
  read(request: IncomingMessage): Session | undefined;
  /** A new one in the place of any before it, so that no session from before the sign-in goes on. */
  begin(request: IncomingMessage, response: ServerResponse, key?: Secret): Session;
  /** Its person was here. */
  keepUp(request: IncomingMessage, response: ServerResponse, session: Session): void;
  end(request: IncomingMessage, response: ServerResponse): void;
}

export function createSessions(
  parts: Pick<World, "now" | "random"> & {
    readonly sealed: SealedText;
    /** Whether browsers reach this listener over TLS. */
    readonly https: boolean;
  },
): Sessions {
  const { sealed, https, now, random } = parts;
  const attributes = https ? "Path=/; HttpOnly; SameSite=Strict; Secure" : "Path=/console; HttpOnly; SameSite=Strict";

  /** Browsers do not keep the ports of a host apart, and on one machine several services may run. */
  function nameFor({ headers }: IncomingMessage): string {
    const port = /:(\d{1,5})$/.exec(headers.host ?? "")?.[1];
    return `${https ? "__Host-" : ""}ots-console${port === undefined ? "" : `-${port}`}`;
  }

  function write(request: IncomingMessage, response: ServerResponse, { id, key, beganAt, seenAt }: Session): void {
    const value = sealed.seal(JSON.stringify([id, key?.reveal() ?? "", beganAt, seenAt]));
    response.appendHeader("Set-Cookie", `${nameFor(request)}=${value}; Max-Age=${idleMs / 1000}; ${attributes}`);
  }

  return {
    read(request) {
      const name = nameFor(request);
      const value = readCookies(request).find((cookie) => cookie.name === name)?.value;
      const plain = value === undefined ? undefined : sealed.open(value);
      const session = plain === undefined ? undefined : parse(plain);
      if (session === undefined) return undefined;
      return now().getTime() < endOf(session) ? session : undefined;
    },

    begin(request, response, key) {
      const at = now().getTime();
      const session = { id: random(16).toString("base64url"), key, beganAt: at, seenAt: at };
      write(request, response, session);
      return session;
    },

    keepUp(request, response, session) {
      const at = now().getTime();
      if (at - session.seenAt >= noteMs) write(request, response, { ...session, seenAt: at });
    },

    end(request, response) {
      response.appendHeader("Set-Cookie", `${nameFor(request)}=; Max-Age=0; ${attributes}`);
    },
  };
}

/** When a session ends unless its person comes again, in milliseconds since 1970. */
export function endOf({ beganAt, seenAt }: Session): number {
  return Math.min(beganAt + sessionMs, seenAt + idleMs);
}

function parse(plain: string): Session | undefined {
  const [id, key, beganAt, seenAt] = JSON.parse(plain) as readonly unknown[];
  if (typeof id !== "string" || typeof key !== "string") return undefined;
  if (typeof beganAt !== "number" || typeof seenAt !== "number") return undefined;
  return { id, key: key === "" ? undefined : new Secret(key), beganAt, seenAt };
}
