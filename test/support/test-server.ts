import { startPostgres, throwAway } from "../../rig/postgres-server.ts";
import { makeWorkDirectory, removeWorkDirectory } from "../../rig/work-directory.ts";

/** A Postgres server in a new folder, which flushes nothing unless `settings` say so. */
export async function startTestServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const directory = await makeWorkDirectory("test");
  // However this process ends.
  process.once("exit", () => removeWorkDirectory(directory));
  const server = await startPostgres({ directory, settings: { ...throwAway, ...settings } });
  return {
    url: server.urlOf("postgres"),
    async stop() {
      await server.stop("immediate");
      removeWorkDirectory(directory);
    },
  };
}
