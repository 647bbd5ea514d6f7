import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";
import postgres from "postgres";
import { startChildService, throwAwayDatabase } from "../../rig/child-service.ts";
import { createTestWorld } from "../../rig/world.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { startApp } from "../../src/app/start-app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { changeChannel } from "../../src/storage/changes.ts";
import { createTestDatabase } from "../support/database.ts";
import { type Canaries, createCanaries, type Output } from "./canaries.ts";
import { startCollector } from "./collector.ts";
import { tapPlatform, type WireTap } from "./wire-tap.ts";

/** A running service whose secrets are all known, and a place for whatever comes out of it. */
export interface Target {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly grpcPort: number;
  readonly sandbox: Sandbox;
  readonly taps: Record<TappedPlatform, WireTap>;
  readonly canaries: Canaries;
  readonly outputs: Output[];
  readonly sql: postgres.Sql;
  /** Changes rows behind the service's back, and returns when it has been told to look again. */
  change(statement: string): Promise<void>;
  /** Makes the service's randomness throw this error until it is given none; only where it runs in this process. */
  readonly crash: ((error: Error | undefined) => void) | undefined;
  /** Ends the service; what it wrote is among the outputs then. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

export type TappedPlatform = "github" | "atlassian" | "slack";

export interface TargetOptions {
  readonly how: "in this process" | "as a child";
  /** Two kinds of tokens where a platform has both: those that rotate, and those that live until they are revoked. */
  readonly tokens: "rotating" | "long_lived";
  /** Keeps everything there, and makes its own key; otherwise in Postgres. */
  readonly dataDirectory?: string;
}

export async function startTarget({ how, tokens, dataDirectory }: TargetOptions): Promise<Target> {
  const canaries = createCanaries();
  const outputs: Output[] = [];
  const secret = (name: string) => {
    const value = randomBytes(30).toString("base64url");
    canaries.add(name, value);
    return value;
  };
  const port = await quietPort();
  const publicUrl = `http://localhost:${port}`;
  const sandbox = await startSandbox({
    autoApprove: true,
    baseUrl: publicUrl,
    github: {
      app: { clientSecret: secret("client secret") },
      oauthApp: { clientSecret: secret("client secret"), expiringTokens: tokens === "rotating" },
    },
    atlassian: { registration: { clientSecret: secret("client secret") } },
    slack: {
      registration: {
        clientSecret: secret("client secret"),
        signingSecret: secret("signing secret"),
        rotation: tokens === "rotating",
      },
    },
  });
  canaries.add("private key", sandbox.github.privateKeyPem);
  const taps = {
    github: await tapPlatform(sandbox.github.url, canaries),
    atlassian: await tapPlatform(sandbox.atlassian.url, canaries),
    slack: await tapPlatform(sandbox.slack.url, canaries),
  };
  const keys = [1, 2].map(() => secretKey(canaries));
  const database = await createTestDatabase();
  canaries.add("database password", new URL(database.url).password);
  const collector = await startCollector((spans) => void outputs.push({ where: "a span", text: spans }));
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    ...sandbox.environment,
    GITHUB_URL: taps.github.url,
    GITHUB_API_URL: `${taps.github.url}/api/v3`,
    GITHUB_WEBHOOK_SECRET: secret("webhook secret"),
    ATLASSIAN_AUTH_URL: taps.atlassian.url,
    ATLASSIAN_API_URL: `${taps.atlassian.url}/api`,
    SLACK_URL: taps.slack.url,
    BASE_URL: publicUrl,
    PORT: String(port),
    INTERNAL_PORT: "0",
    GRPC_PORT: "0",
    ...(dataDirectory === undefined
      ? { DATABASE_URL: database.url, TOKEN_ENCRYPTION_KEY: keys.join(",") }
      : { DATA_DIR: dataDirectory }),
    ...throwAwayDatabase,
    LOG_LEVEL: "trace",
    DRAIN_SECONDS: "1",
  };
  const service = how === "in this process" ? await startHere(env) : await startThere(env);
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
  const heard = new EventEmitter();
  await sql.listen(changeChannel, (text) => {
    outputs.push({ where: "a notification", text });
    heard.emit(text);
  });

  return {
    ...service,
    publicUrl,
    sandbox,
    taps,
    canaries,
    outputs,
    sql,
    async change(statement) {
      await sql.unsafe(statement);
      const payload = `canary ${randomBytes(8).toString("hex")}`;
      const arrived = once(heard, payload);
      await sql.notify(changeChannel, payload);
      await arrived;
    },
    async stop(signal) {
      outputs.push(...(await service.stop(signal)).map((text) => ({ where: "the log", text })));
    },
    async close() {
      await sql.end();
      await collector.close();
      for (const tap of Object.values(taps)) await tap.close();
      await sandbox.close();
      await database.drop();
    },
  };
}

type Environment = Readonly<Record<string, string>>;

/** The log as the service hands it over, before anything is redacted. */
async function startHere(env: Environment) {
  const world = createTestWorld();
  let crash: Error | undefined;
  const random = (bytes: number) => {
    // Request ids and jitter are shorter.
    if (crash !== undefined && bytes >= 16) throw crash;
    return world.random(bytes);
  };
  const { config } = loadConfig(env, () => {
    throw new Error("no setting names a file");
  });
  const app = await startApp(config, { ...world, random });
  return {
    crash: (error: Error | undefined) => {
      crash = error;
    },
    internalUrl: `http://127.0.0.1:${app.ports.internal}`,
    grpcPort: app.ports.grpc,
    async stop() {
      await app.close();
      return world.lines;
    },
  };
}

/** Standard output and error of `npm start`. */
async function startThere(env: Environment) {
  const child = await startChildService(env);
  return {
    crash: undefined,
    internalUrl: child.internalUrl,
    grpcPort: child.ports.grpc,
    async stop(signal: NodeJS.Signals = "SIGTERM") {
      const { output } = await child.kill(signal);
      return output.split("\n");
    },
  };
}

/** A free port that no outgoing connection takes meanwhile: those come from 32768 on. */
async function quietPort(): Promise<number> {
  const port = 16_000 + (randomBytes(2).readUInt16BE() % 16_000);
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return free ? port : quietPort();
}

function secretKey(canaries: Canaries): string {
  const key = randomBytes(32).toString("base64url");
  canaries.add("encryption key", key);
  return key;
}
