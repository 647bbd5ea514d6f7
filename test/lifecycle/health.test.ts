import { expect, test } from "vitest";
import { readHealth } from "../../src/app/health.ts";
import { databaseFailure } from "../../src/storage/database-failure.ts";
import { ConnectionRefused } from "../../src/storage/postgres/connection-refused.ts";
import { OnlyReads } from "../../src/storage/postgres/only-reads.ts";
import type { Storage } from "../../src/storage/storage.ts";

test.each([
  ["of several servers none takes writes", new ConnectionRefused("CONNECTION_READ_ONLY"), "not writable"],
  ["the one there is only reads", new OnlyReads(), "not writable"],
  ["nothing answers", Object.assign(new Error("refused"), { code: "ECONNREFUSED" }), "unreachable"],
])("/health?full=1 tells what only reads from what does not answer: %s", async (_case, cause, database) => {
  const storage = { ping: () => Promise.reject(databaseFailure(cause)) } as unknown as Storage;
  const keys = { read: () => Promise.resolve({}) };
  expect(await readHealth(storage, undefined, keys, () => Promise.resolve({}))).toMatchObject({
    ok: false,
    parts: { database },
  });
});
