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

/**
 * Sessions live in sealed cookies alone: no replica remembers them, and who may what is asked with every request. That
 * somebody was here is a cookie of its own: an answer that was on its way while they signed out brings back nothing.
 */
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
  function nameOf(cookie: "console" | "console-seen", { headers }: IncomingMessage): string {
    const port = /:(\d{1,5})$/.exec(headers.host ?? "")?.[1];
    return `${https ? "__Host-" : ""}ots-${cookie}${port === undefined ? "" : `-${port}`}`;
  }

  function read(cookie: "console" | "console-seen", request: IncomingMessage): readonly unknown[] {
    const name = nameOf(cookie, request);
    const value = readCookies(request).find((sent) => sent.name === name)?.value;
    const plain = value === undefined ? undefined : sealed.open(value);
    return plain === undefined ? [] : JSON.parse(plain);
  }

  function write(
    cookie: "console" | "console-seen",
    request: IncomingMessage,
    response: ServerResponse,
    content: readonly unknown[],
    lifeMs: number,
  ): void {
    const value = lifeMs === 0 ? "" : sealed.seal(JSON.stringify(content));
    const name = nameOf(cookie, request);
    response.appendHeader("Set-Cookie", `${name}=${value}; Max-Age=${lifeMs / 1000}; ${attributes}`);
  }

  return {
    read(request) {
      const [id, key, beganAt] = read("console", request);
      if (typeof id !== "string" || typeof key !== "string" || typeof beganAt !== "number") return undefined;
      const [whose, seenAt] = read("console-seen", request);
      const wasSeen = whose === id && typeof seenAt === "number" ? seenAt : beganAt;
      const session = { id, key: key === "" ? undefined : new Secret(key), beganAt, seenAt: wasSeen };
      return now().getTime() < endOf(session) ? session : undefined;
    },

    begin(request, response, key) {
      const at = now().getTime();
      const session = { id: random(16).toString("base64url"), key, beganAt: at, seenAt: at };
      write("console", request, response, [session.id, key?.reveal() ?? "", at], sessionMs);
      return session;
    },

    keepUp(request, response, { id, seenAt }) {
      const at = now().getTime();
      if (at - seenAt >= noteMs) write("console-seen", request, response, [id, at], idleMs);
    },

    end(request, response) {
      write("console", request, response, [], 0);
      write("console-seen", request, response, [], 0);
    },
  };
}

/** When a session ends unless its person comes again, in milliseconds since 1970. */
export function endOf({ beganAt, seenAt }: Session): number {
  return Math.min(beganAt + sessionMs, seenAt + idleMs);
}
