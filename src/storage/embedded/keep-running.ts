import { statfs } from "node:fs/promises";
import type { PGlite } from "@electric-sql/pglite";
import { drizzle, type PgliteDatabase } from "drizzle-orm/pglite";
import { ServiceError } from "../../errors.ts";
import { historyChannel } from "../changes.ts";
import { isFull } from "../database-failure.ts";
import type { ProgramEnded } from "./ended-program.ts";
import { type EmbeddedFiles, openEmbeddedFiles } from "./files.ts";

/** Less room than this a start would soon use up again. */
const minRoomBytes = 64 * 1024 * 1024;
/** Between two attempts to start another program. */
const retryMs = 1_000;

export interface Program {
  readonly client: PGlite;
  readonly db: PgliteDatabase;
}

/** The program of an embedded database; when it has ended itself, and its disk takes writes again, another one. */
export interface RunningProgram {
  /** Of the present one, or the one that ended last. */
  readonly client: PGlite;
  /** @throws ServiceError SERVICE_UNAVAILABLE while there is none, and if it ends meanwhile, whatever `work` came to. */
  use<T>(work: (program: Program) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ProgramEvents {
  /** There is a new row of `installation_changes`. */
  changed(): void;
  ended(why: ProgramEnded): void;
  restarted(): void;
}

export async function keepRunning(path: string, events: ProgramEvents): Promise<RunningProgram> {
  let current = await open(path, events);
  let restarting: Promise<void> | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let told: ProgramEnded | undefined;

  /** What the dead one had not flushed is gone with it; the log on the disk has everything that was answered. */
  async function restart(ended: ProgramEnded): Promise<void> {
    if (told !== ended) events.ended(ended);
    told = ended;
    const waited = performance.now() - triedAt >= retryMs;
    if (!waited || !(await hasRoom(path))) throw stopped(ended);
    try {
      current = await open(path, events);
    } catch (error) {
      throw stopped(error);
    } finally {
      triedAt = performance.now();
    }
    events.restarted();
  }

  return {
    get client() {
      return current.client;
    },
    async use(work) {
      if (current.files.ended !== undefined) {
        restarting ??= restart(current.files.ended).finally(() => {
          restarting = undefined;
        });
        await restarting;
      }
      const { files, ...program } = current;
      let result: Awaited<ReturnType<typeof work>>;
      try {
        result = await work(program);
      } catch (error) {
        throw files.ended === undefined ? error : stopped(files.ended);
      }
      // What an ending program says is not to be believed.
      if (files.ended !== undefined) throw stopped(files.ended);
      return result;
    },
    async close() {
      await restarting?.catch(() => undefined);
      if (current.files.ended === undefined) await current.client.close();
    },
  };
}

async function open(path: string, events: ProgramEvents): Promise<EmbeddedFiles & Program> {
  const opened = await openEmbeddedFiles(path);
  await opened.client.listen(historyChannel, events.changed);
  return { ...opened, db: drizzle(opened.client) };
}

async function hasRoom(path: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize >= minRoomBytes;
}

function stopped(cause: unknown): ServiceError {
  const message = isFull(cause) ? "the disk of the database is full" : "the database has stopped";
  return new ServiceError("SERVICE_UNAVAILABLE", message, { retryAfterMs: retryMs, cause });
}
