import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { PostgresServer, PostgresTarget } from "../../postgres-target.ts";
import { guardedCalls } from "./driver-calls.ts";
import type { LoginTerms } from "./login-guard.ts";
import { type Attempt, choiceOf } from "./server-choice.ts";
import { type SessionWishes, sessionSettings } from "./session.ts";
import { connectSocket } from "./socket.ts";
import { watchForStuckPlace } from "./stuck-place.ts";

export interface ClientOptions {
  readonly maxConnections: number;
  readonly connectTimeoutSeconds: number;
  /** Undefined behind a transaction pooler: it takes neither start-up parameters nor prepared statements. */
  readonly session: SessionWishes | undefined;
  readonly random: (bytes: number) => Buffer;
  /** Told that a connection of this client will never work again: another client is needed. */
  readonly stuck?: () => void;
}

export interface PostgresClient {
  readonly db: PostgresJsDatabase;
  /**
   * Hears `channel` on a connection of its own; connected anew by itself, `listening` is called again.
   * Resolves once it listens.
   */
  listen(channel: string, hear: (payload: string) => void, listening: () => void): Promise<void>;
  /** The server that the latest session began with brings no answers, or takes no writes: others are asked before it. */
  doubt(): void;
  /** Whether it has sessions with another server than the one that was found to work since. */
  isLeftBehind(): boolean;
  /** Lets running statements finish for so long, then leaves no socket behind, whatever state the server is in. */
  end(waitSeconds: number): Promise<void>;
}

/** A postgres.js client that comes back within 250 ms of its server and never reconnects in a tight loop. */
export function createPostgresClient(target: PostgresTarget, options: ClientOptions): PostgresClient {
  const { session, random } = options;
  const { password } = target;
  const sockets = pacedSockets(target, options);
  const settings = {
    // Only for its messages: where it connects to is the sockets' matter.
    host: target.host,
    port: target.port,
    database: target.database,
    ...(target.user === undefined ? {} : { user: target.user }),
    ...(password === undefined ? {} : { password: () => password.reveal() }),
    // The sockets it is given speak TLS where that is asked for.
    ssl: false,
    max: options.maxConnections,
    connect_timeout: options.connectTimeoutSeconds,
    keep_alive: 10,
    backoff: () => pauseMs(random) / 1000,
    // Saves a query on every new connection; drizzle reads and writes arrays itself.
    fetch_types: false,
    prepare: session !== undefined,
    onnotice: () => undefined,
    connection: {
      application_name: target.applicationName,
      ...(session === undefined ? {} : sessionSettings(session, target.session)),
    },
    socket: sockets.open,
  };
  const sql = postgres(settings);
  return {
    db: drizzle(guardedCalls(sql)),
    listen: async (channel, hear, listening) => void (await sql.listen(channel, hear, listening)),
    doubt: sockets.doubt,
    isLeftBehind: sockets.isLeftBehind,
    async end(waitSeconds) {
      try {
        await sql.end({ timeout: waitSeconds });
      } finally {
        sockets.close();
      }
    },
  };
}

/** Between 50 and 250 ms. */
function pauseMs(random: (bytes: number) => Buffer): number {
  return 50 + (200 * random(2).readUInt16BE(0)) / 65_536;
}

/**
 * postgres.js reconnects at once, for ever, to a server that closes connections while they start up, even after it was
 * told to end. A socket that lived shorter than a second makes the next ones wait a little.
 */
function pacedSockets(
  target: PostgresTarget,
  { connectTimeoutSeconds, random, stuck }: ClientOptions,
): Pick<PostgresClient, "doubt" | "isLeftBehind"> & { open(): Promise<Socket>; close(): void } {
  const sockets = new Set<Socket>();
  const sessions = new Map<Socket, PostgresServer>();
  const choice = choiceOf(target);
  let latest: PostgresServer | undefined;
  let shortLivedAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  return {
    async open() {
      if (performance.now() - shortLivedAt < 1_000) await delay(pauseMs(random));
      let attempt: Attempt;
      try {
        attempt = await choice.begin();
      } catch (error) {
        return failing(error);
      }
      if (closed) {
        attempt.dropped();
        throw new Error("the client has ended");
      }
      const openedAt = performance.now();
      const socket = new Socket();
      let trouble: unknown = Object.assign(new Error("the server hung up"), { code: "CONNECTION_CLOSED" });
      sockets.add(socket);
      socket.once("error", (error) => {
        trouble = error;
      });
      socket.once("close", () => {
        sockets.delete(socket);
        sessions.delete(socket);
        const livedMs = performance.now() - openedAt;
        // One that we ended right away says nothing of the server.
        if (closed && livedMs < 1_000) attempt.dropped();
        else attempt.failed(trouble);
        if (livedMs < 1_000) shortLivedAt = performance.now();
      });
      const told: LoginTerms["told"] = (refused) => {
        if (refused !== undefined) return attempt.failed(refused);
        latest = attempt.server;
        sessions.set(socket, latest);
        attempt.worked();
      };
      try {
        const server = { ...target, ...attempt.server };
        const ready = await connectSocket(socket, server, connectTimeoutSeconds * 1000, told);
        void watchForStuckPlace(ready, () => {
          attempt.dropped();
          stuck?.();
        });
        return ready;
      } catch (error) {
        attempt.failed(error);
        socket.destroy();
        if (closed) throw error;
        return failing(error);
      }
    },
    doubt() {
      if (latest !== undefined) choice.doubt(latest);
    },
    isLeftBehind() {
      const found = choice.found();
      return found !== undefined && [...sessions.values()].some((server) => server !== found);
    },
    close() {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * A connection's place in the pool is free again when its socket fails, and is lost if there was no socket. One that fails
 * before the driver's first bytes are written to it has them kept for ever, and no other after them is written.
 */
function failing(error: unknown): Socket {
  const socket = new Socket();
  socket.write = () => {
    socket.destroy(error instanceof Error ? error : new Error("no socket"));
    return true;
  };
  return socket;
}
