import { once } from "node:events";
import { chmodSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Log } from "../../../world.ts";
import { errorCode } from "../../database-failure.ts";
import { backupAddress } from "./address.ts";
import { NotAnArchive, packTar, type TarEntry, unpackTar } from "./tar.ts";

/** A reader that takes nothing for so long is let go: checkpoints wait for it. */
const patienceMs = 60_000;

export interface DoorOptions {
  /** `DATA_DIR`. The caller holds its lock. */
  readonly directory: string;
  /** Makes a copy; called for one reader after the other. */
  readonly copy: () => AsyncIterable<TarEntry>;
  readonly log: Log;
}

export interface BackupDoor {
  /** Cuts copies that are under way. */
  close(): Promise<void>;
}

/**
 * Gives a copy of the database to every process that connects, of this user and no other. Where there can be no such
 * socket it is logged, and backups are made of a stopped service only.
 */
export async function openBackupDoor({ directory, copy, log }: DoorOptions): Promise<BackupDoor> {
  const readers = new Set<Socket>();
  let turn = Promise.resolve();
  const server = createServer((reader) => {
    readers.add(reader);
    reader.once("close", () => readers.delete(reader));
    reader.on("error", () => reader.destroy());
    turn = turn.then(() => give(reader, copy, log));
  });
  const address = await backupAddress(directory);
  try {
    // What a killed process left: the lock is ours.
    if (address.isFile) await rm(address.path, { force: true });
    const listening = once(server, "listening");
    server.listen(address.path);
    // At once: a connection needs the right to write.
    if (address.isFile && server.listening) chmodSync(address.path, 0o600);
    await listening;
  } catch (error) {
    log.warn({ directory, cause: errorCode(error) ?? "unknown" }, "backup.only_stopped");
  }
  return {
    async close() {
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
      for (const reader of readers) reader.destroy();
      await turn;
      await closed;
      await address.done();
    },
  };
}

async function give(reader: Socket, copy: DoorOptions["copy"], log: Log): Promise<void> {
  if (reader.destroyed) return;
  reader.setTimeout(patienceMs, () => reader.destroy());
  log.info({}, "backup.started");
  try {
    await pipeline(Readable.from(packTar(copy()), { objectMode: false }), reader);
    log.info({}, "backup.given");
  } catch (error) {
    reader.destroy();
    log.warn({ message: error instanceof Error ? error.message : "unknown" }, "backup.failed");
  }
}

export interface AskedCopy {
  /** @throws NotAnArchive where it ends before it is whole. */
  readonly entries: AsyncIterable<TarEntry>;
  /** Lets the service go, however much of it was read. */
  end(): void;
}

/**
 * A copy by the service that holds the directory; undefined: none listens there.
 * @throws Error if this user may not ask.
 */
export async function askForCopy(directory: string): Promise<AskedCopy | undefined> {
  const address = await backupAddress(directory).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
  if (address === undefined) return undefined;
  const socket = createConnection(address.path);
  try {
    await once(socket, "connect");
    return { entries: received(socket), end: () => void socket.destroy() };
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw new Error(`the service of ${directory} cannot be asked (${code}): run this as the user of the service`);
  } finally {
    await address.done();
  }
}

/** @throws NotAnArchive also where the other side hung up. */
async function* received(socket: Socket): AsyncGenerator<TarEntry, undefined> {
  try {
    yield* unpackTar(socket);
  } catch (error) {
    throw error instanceof NotAnArchive ? error : new NotAnArchive("it ends in the middle", { cause: error });
  }
}
