import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ServiceError } from "../../../src/errors.ts";
import { dataDirectoryFailure, inDataDirectory } from "../../../src/storage/embedded/directory-failure.ts";
import { lockDataDirectory } from "../../../src/storage/embedded/directory-lock.ts";
import { openEmbeddedFiles } from "../../../src/storage/embedded/files.ts";
import { createTestDirectory } from "../../support/database.ts";

async function directory(options?: { empty: boolean }): Promise<string> {
  const made = await createTestDirectory(options);
  onTestFinished(made.remove);
  return made.directory;
}

const opening = (path: string) =>
  openEmbeddedFiles(path).then(
    async ({ client }) => {
      await client.close();
      return "opened";
    },
    (error: unknown) => (error instanceof Error ? error.message : "not an error"),
  );

describe("an embedded database", () => {
  test("of another version is not opened, and both versions are named", async () => {
    const path = join(await directory(), "db");
    await writeFile(join(path, "PG_VERSION"), "16\n");
    expect(await opening(path)).toBe(
      `the embedded database in ${path} has the files of Postgres 16, and this version of the service reads those of 18: ` +
        `run the version that made it, or move ${path} away to begin anew`,
    );
  });

  test.each<[string, (path: string) => Promise<void>]>([
    ["a file missing", (path) => rm(join(path, "PG_VERSION"))],
    ["a broken file", (path) => writeFile(join(path, "global", "pg_control"), randomBytes(100))],
  ])("with %s is not opened and not replaced", async (_what, harm) => {
    const path = join(await directory(), "db");
    await harm(path);
    expect(await opening(path)).toBe(
      `the embedded database in ${path} does not open, its files are damaged: restore a copy, or move ${path} away to begin anew`,
    );
  });
});

test("an embedded database that does not fit on its disk is told so, and not called damaged", async () => {
  const path = await directory();
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  const write = vi.spyOn(fs, "writeSync").mockImplementation(() => {
    throw full;
  });
  onTestFinished(() => write.mockRestore());
  await expect(inDataDirectory(path, () => openEmbeddedFiles(join(path, "db")))).rejects.toThrow(
    `the data directory ${path} is on a disk that is full: make room there, or set another DATA_DIR (ENOSPC)`,
  );
});

describe("a data directory", () => {
  const locking = (path: string) =>
    inDataDirectory(path, async () => {
      (await lockDataDirectory(path, () => new Date())).release();
    }).then(
      () => "locked",
      (error: Error) => error.message,
    );

  test("that is a file, or below one, is refused", async () => {
    const path = join(await directory({ empty: true }), "file");
    await writeFile(path, "");
    const advice = "cannot be made: set DATA_DIR to a folder, or to one that can be made";
    expect(await locking(path)).toBe(`the data directory ${path} ${advice} (EEXIST)`);
    expect(await locking(join(path, "below"))).toBe(`the data directory ${join(path, "below")} ${advice} (ENOTDIR)`);
  });

  test("that leads nowhere is refused", async () => {
    const path = join(await directory({ empty: true }), "link");
    await symlink("/proc/nowhere/below", path);
    expect(await locking(path)).toContain(`the data directory ${path} cannot be made`);
  });

  const of = (code: string, syscall: string) => Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
  test.each([
    ["without hard links", of("ENOTSUP", "link"), "is on a file system without hard links, which keep a key"],
    ["without hard links, in Linux's words", of("EPERM", "link"), "is on a file system without hard links"],
    [
      "that is read-only",
      of("EROFS", "open"),
      "is on a file system that is read-only: make it writable, or set another",
    ],
    ["of another user", of("EACCES", "open"), "may not be read and written by this process: give it to the process's"],
    ["on a full disk", of("ENOSPC", "write"), "is on a disk that is full: make room there, or set another DATA_DIR"],
    [
      "whose database met a full disk",
      new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached", {
        cause: Object.assign(new Error("could not extend file"), { code: "53100", severity: "ERROR" }),
      }),
      "is on a disk that is full",
    ],
  ])("%s is told so", (_what, error, sentence) => {
    const told = dataDirectoryFailure("/data", error);
    expect(told).toBeInstanceOf(Error);
    expect((told as Error).message).toContain(`the data directory /data ${sentence}`);
  });

  test("leaves alone what is about something else", () => {
    const error = new Error("the data directory is in use");
    expect(dataDirectoryFailure("/data", error)).toBe(error);
  });
});
