import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { expect, test } from "vitest";
import { proveFlush } from "../../../src/storage/embedded/files.ts";
import { CannotFlush, FlushingNodeFS, flushingStartParams } from "../../../src/storage/embedded/flushing-node-fs.ts";
import { createTestDirectory } from "../../support/database.ts";

test("what is committed was flushed, what is read flushes nothing", async () => {
  await opened(flushingStartParams(PGlite.defaultStartParams), async (client, files) => {
    await proveFlush(client, files);
    await client.exec("create table kept (n int)");
    const before = files.flushes;
    for (let n = 0; n < 3; n++) await client.query("insert into kept values ($1)", [n]);
    expect(files.flushes).toBe(before + 3);
    await client.query("select n from kept");
    await client.query("select set_config('application_name', 'x', true)");
    expect(files.flushes).toBe(before + 3);
  });
});

test.each([
  ["flushing turned off", PGlite.defaultStartParams],
  // PGlite's own choice, since it has an fdatasync that does nothing.
  ["another way to flush", [...flushingStartParams(PGlite.defaultStartParams), "-c", "wal_sync_method=fdatasync"]],
])("a PGlite with %s is refused", async (_, startParams) => {
  await opened(startParams, async (client, files) => {
    await expect(proveFlush(client, files)).rejects.toThrow(CannotFlush);
  });
});

test.each([
  ["no NODEFS", {}],
  ["a NODEFS without files", { NODEFS: { realPath: () => "", tryFSOperation: () => undefined, node_ops: {} } }],
  ["a NODEFS of another shape", { NODEFS: { mount: () => undefined } }],
])("a PGlite with %s is refused before anything is written", async (_, module) => {
  const { directory, remove } = await createTestDirectory({ empty: true });
  try {
    const { emscriptenOpts } = await new FlushingNodeFS(directory).init({} as PGlite, {});
    const [addFlush] = emscriptenOpts.preRun ?? [];
    expect(() => addFlush?.(module as never)).toThrow(CannotFlush);
  } finally {
    await remove();
  }
});

async function opened(startParams: string[], use: (client: PGlite, files: FlushingNodeFS) => Promise<void>) {
  const { directory, remove } = await createTestDirectory();
  const files = new FlushingNodeFS(join(directory, "db"));
  const client = await PGlite.create({ fs: files, startParams });
  try {
    await use(client, files);
  } finally {
    await client.close();
    await remove();
  }
}
