import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { openEmbedded } from "../../../src/storage/embedded/open.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import type { Log } from "../../../src/world.ts";
import { slackContext, unique, workspace } from "../../contract/connections.ts";
import { createTools } from "../../contract/harness.ts";
import { createTestDirectory, type TestDirectory } from "../../support/database.ts";
import { createFailingDisk, type DiskFailure } from "./failing-disk.ts";

let data: TestDirectory;
let disk: ReturnType<typeof createFailingDisk>;
let storage: Storage;
const said: string[] = [];
beforeAll(async () => {
  data = await createTestDirectory();
  disk = createFailingDisk(join(data.directory, "db"));
  const silent = () => undefined;
  const say: Log["warn"] = (fields, event) => void said.push(JSON.stringify({ event, ...fields }));
  const log = { trace: silent, debug: silent, info: silent, warn: say, error: say };
  storage = await openEmbedded({ directory: data.directory, log, ...createTools() });
});
afterAll(async () => {
  await storage.close();
  disk.restore();
  await data.remove();
});

const connect = (name: string) => storage.installations.connect(workspace(unique("T"), name), slackContext(new Date()));

const full = "the disk of the database is full";
test.each<[string, DiskFailure, string]>([
  ["is full for its log", { names: /pg_wal/, call: "write", code: "ENOSPC" }, full],
  ["is full", { names: /./, call: "write", code: "ENOSPC" }, full],
  ["does not flush", { names: /pg_wal/, call: "fsync", code: "EIO" }, "the database has stopped"],
])(
  "a disk that %s is told of, loses nothing that was answered, and is used again once it is mended",
  async (_, failure, message) => {
    said.length = 0;
    const [kept] = await connect("before");
    let changes = 0;
    const unsubscribe = storage.changes.subscribe(({ kind }) => void (kind === "everything" && changes++));
    disk.fail(failure);
    await expect(connect("meanwhile")).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE", message });
    // Nothing goes on with a program that could not finish what it did.
    await expect(storage.ping()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE", message });
    await expect(storage.installations.find(kept?.id ?? "")).rejects.toMatchObject({ message });
    disk.mend();
    const isUsed = () =>
      storage.ping().then(
        () => true,
        () => false,
      );
    await until(isUsed, "the database is used again", 30_000);
    expect(await storage.installations.find(kept?.id ?? "")).toEqual(kept);
    const [next] = await connect("after");
    expect(await storage.installations.find(next?.id ?? "")).toEqual(next);
    // What nobody was told of may have happened. Twice: `connect` tells, too.
    expect(changes).toBe(2);
    unsubscribe();
    expect(said).toEqual([
      JSON.stringify({ event: "database.stopped", directory: data.directory, code: failure.code }),
      JSON.stringify({ event: "database.restarted", directory: data.directory }),
    ]);
  },
);
