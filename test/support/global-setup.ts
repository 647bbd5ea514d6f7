import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { makeEmbeddedImage } from "../../rig/embedded-image.ts";
import { targetOf } from "../../rig/postgres-target.ts";
import { migratePostgres } from "../../src/storage/postgres/migrate.ts";
import { startTestServer } from "./test-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The maintenance database of the server that tests make their databases on. */
    databaseServerUrl: string;
    /** Name of a database that was migrated once. */
    databaseTemplate: string;
    /** Of a transaction pooler before that server, in a run whose services go through one. */
    poolerPort: number | undefined;
  }
}

/** One Postgres for the whole run: ours in a folder of its own, or the server that TEST_DATABASE_URL names. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Takes long where there is none yet: not in the time of the first test that needs it.
  await makeEmbeddedImage();
  const given = process.env.TEST_DATABASE_URL;
  const server = given === undefined ? await startTestServer() : { url: given, stop: async () => undefined };
  const template = `template_${process.pid}_${Date.now().toString(36)}`;
  try {
    await onServer(server.url, `create database ${template}`);
    const url = new URL(server.url);
    url.pathname = `/${template}`;
    const random = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)));
    await migratePostgres(targetOf(url.href), random);
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide("databaseServerUrl", server.url);
  project.provide("databaseTemplate", template);
  return async () => {
    if (given !== undefined) await onServer(server.url, `drop database if exists ${template} with (force)`);
    await server.stop();
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
