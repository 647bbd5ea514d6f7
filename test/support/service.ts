import { randomBytes } from "node:crypto";
import { type Browser, createBrowser, type Visit } from "../../rig/browser.ts";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { createClock, type TestClock } from "../../rig/clock.ts";
import { freePort } from "../../rig/free-port.ts";
import { createTestWorld, type TestWorld } from "../../rig/world.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox/sandbox.ts";
import { openStorage } from "../../src/app/open-storage.ts";
import { type App, startApp } from "../../src/app/start-app.ts";
import { createClosers } from "../../src/closers.ts";
import { type Config, loadConfig } from "../../src/config/load-config.ts";
import type { Registry } from "../../src/platforms/create-registry.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { createTestDatabase } from "./database.ts";
import { type DatabaseAccount, type DatabaseLine, openDatabaseWay } from "./database-way.ts";
import { createJobs, type Jobs } from "./jobs.ts";

/** The whole service in this process: real listeners, real Postgres, sandbox platforms, a clock the test moves. */
export interface TestService {
  readonly sandbox: Sandbox;
  readonly clock: TestClock;
  readonly world: TestWorld;
  /** Straight to the database, also where the service goes another way. */
  readonly databaseUrl: string;
  /** What another process is told of the database; as another user if one is given. */
  databaseEnv(account?: DatabaseAccount): Readonly<Record<string, string>>;
  /** Between service and database. */
  readonly line: DatabaseLine | undefined;
  /** Each with listeners of its own on the one database; the first is the one browsers are sent back to. */
  readonly replicas: readonly Replica[];
  /** Connects a platform in a browser of its own and gives what the callback answered as JSON. */
  connect(platform: string, options?: { browser?: Browser; query?: string }): Promise<Connected>;
  /** One more replica on the same database, with other settings. */
  startReplica(env: Readonly<Record<string, string>>): Promise<Replica>;
  /** What a replica would be configured with. */
  config(env?: Readonly<Record<string, string>>): Config;
  /** The repositories beside the service, with its keys and on its database. */
  openStorage(): Promise<{ readonly storage: Storage; close(): Promise<void> }>;
  close(): Promise<void>;
}

export interface Replica {
  readonly app: App;
  readonly jobs: Jobs;
  readonly publicUrl: string;
  readonly internalUrl: string;
  /** `host:port` for gRPC clients. */
  readonly grpcAddress: string;
}

export interface Connected {
  readonly success: boolean;
  readonly installation_id: string;
  readonly installations: readonly Record<string, unknown>[];
  readonly error?: { readonly code: string };
}

export interface TestServiceOptions {
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly sandbox?: SandboxOptions;
  /** What platforms there are; by default those of this version. */
  readonly platforms?: Registry;
  readonly clock?: TestClock;
  /** The way to the platforms; the real fetch by default. */
  readonly fetch?: typeof globalThis.fetch;
  /** How settings that name a file are read; by default there are none. */
  readonly readFile?: (path: string) => string;
  /** Puts a line that breaks between service and database. */
  readonly throughLine?: boolean;
}

export const asJson = { accept: "application/json" };

export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const clock = options.clock ?? createClock();
  const world = createTestWorld(clock.now);
  const serviceWorld = options.fetch === undefined ? world : { ...world, fetch: options.fetch };
  const database = await createTestDatabase();
  const way = await openDatabaseWay(database.url, options.throughLine ?? false);
  const sandbox = await startSandbox({ autoApprove: true, now: clock.now, ...options.sandbox });
  const key = randomBytes(32).toString("base64url");
  const replicas: Replica[] = [];
  let baseUrl: string | undefined;

  function config(env: Readonly<Record<string, string>> = {}): Config {
    const isEmbedded = { ...options.env, ...env }.DATABASE_URL === "";
    return loadConfig(
      {
        ...sandbox.environment,
        BASE_URL: baseUrl,
        INTERNAL_PORT: "0",
        GRPC_PORT: "0",
        ...(isEmbedded ? {} : way.env()),
        TOKEN_ENCRYPTION_KEY: key,
        DRAIN_SECONDS: "5",
        ...throwAwayDatabase,
        ...options.env,
        ...env,
      },
      options.readFile ?? noFiles,
      options.platforms,
    ).config;
  }

  async function startReplica(env: Readonly<Record<string, string>>): Promise<Replica> {
    const port = await freePort();
    baseUrl ??= `http://localhost:${port}`;
    const jobs = createJobs();
    const app = await startApp(config({ PORT: String(port), ...env }), serviceWorld, jobs.schedule);
    const replica = {
      app,
      jobs,
      publicUrl: `http://localhost:${port}`,
      internalUrl: `http://localhost:${app.ports.internal}`,
      grpcAddress: `127.0.0.1:${app.ports.grpc}`,
    };
    replicas.push(replica);
    return replica;
  }

  for (let i = 0; i < (options.replicas ?? 1); i++) await startReplica({});
  sandbox.useBaseUrl(baseUrl ?? "");

  return {
    sandbox,
    clock,
    world,
    databaseUrl: database.url,
    databaseEnv: way.env,
    line: way.line,
    replicas,
    startReplica,
    config,
    async connect(platform, { browser = createBrowser(), query = "" } = {}) {
      const visit = await browser.visit(`${baseUrl}/oauth/install/${platform}${query}`, asJson);
      return parse(visit);
    },
    async openStorage() {
      const closers = createClosers();
      const { storage } = await openStorage(config({ DATABASE_URL: database.url }), serviceWorld, closers);
      return { storage, close: closers.close };
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.app.close()));
      await sandbox.close();
      await way.close();
      await database.drop();
    },
  };
}

function noFiles(): never {
  throw new Error("no setting names a file");
}

function parse(visit: Visit): Connected {
  try {
    return JSON.parse(visit.text) as Connected;
  } catch {
    throw new Error(`${visit.url.pathname} answered ${visit.status} and no JSON: ${visit.text.slice(0, 200)}`);
  }
}
