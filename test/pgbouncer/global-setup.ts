import type { TestProject } from "vitest/node";
import { startPgBouncer } from "./start-pgbouncer.ts";

/** Behind the setup of every run: before its server stands a pooler, and every service of the run is told so. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const pgbouncer = await startPgBouncer(project.getProvidedContext().databaseServerUrl);
  project.provide("poolerPort", pgbouncer.port);
  return pgbouncer.close;
}
