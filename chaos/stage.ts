import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { addressOf, plainChannel } from "../rig/channels.ts";
import type { Environment } from "../rig/child-service.ts";
import { freePort } from "../rig/free-port.ts";
import type { PostgresServer } from "../rig/postgres-server.ts";
import { openRpcClient, type RpcClient } from "../rig/rpc-client.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../sandbox/sandbox.ts";
import type { Closers } from "../src/closers.ts";
import { connectGrants, type Grant, type GrantCounts, type PlatformName } from "./grants.ts";
import { createPlatformTraffic, type PlatformTraffic } from "./platform-traffic.ts";
import { openRoad, type PlatformWay, type WayDelays } from "./platform-way.ts";
import { createReplica, type Replica } from "./replica.ts";

/** All that one scenario plays on: sandbox platforms, a database, replicas as processes, grants, clients. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly traffic: Readonly<Record<PlatformName, PlatformTraffic>>;
  readonly replicas: readonly Replica[];
  /** One for each replica. */
  readonly clients: readonly RpcClient[];
  readonly grants: readonly Grant[];
  readonly baseUrl: string;
  /** What every replica is told of its database. */
  readonly env: Environment;
  /** Statements beside the service. */
  readonly sql: postgres.Sql;
}

export interface StageOptions {
  readonly postgres: Pick<PostgresServer, "createDatabase">;
  readonly database: string;
  readonly closers: Closers;
  readonly replicas: number;
  readonly grants: GrantCounts;
  /** How long the platforms' access tokens live. */
  readonly tokenSeconds: number;
  /** Further settings of a replica. */
  readonly env?: (replica: number, databaseUrl: string) => Environment;
}

const delays: WayDelays = { thereMs: 40, backMs: 110 };

export async function openStage(options: StageOptions): Promise<Stage> {
  const { closers, postgres: server } = options;
  const sandbox = await startSandbox({ autoApprove: true, ...lifetimes(options.tokenSeconds) });
  closers.add("sandbox", () => sandbox.close());
  const databaseUrl = await server.createDatabase(options.database);
  const ports = await Promise.all(
    Array.from({ length: options.replicas }, async () => ({ grpc: await freePort(), public: await freePort() })),
  );
  const baseUrl = `http://localhost:${ports[0]?.public}`;
  sandbox.useBaseUrl(baseUrl);
  const env = {
    DATABASE_URL: databaseUrl,
    BASE_URL: baseUrl,
    TOKEN_ENCRYPTION_KEY: randomBytes(32).toString("base64url"),
  };
  const traffic = {
    jira: createPlatformTraffic(),
    slack: createPlatformTraffic(),
    "github-oauth": createPlatformTraffic(),
  };

  const replicas: Replica[] = [];
  const clients: RpcClient[] = [];
  const { waysOf, environment } = await openRoads(options.replicas, sandbox, traffic, closers);
  for (const [index, own] of ports.entries()) {
    const more = options.env?.(index, databaseUrl) ?? {};
    const replica = createReplica({
      name: String(index),
      ports: own,
      ways: waysOf(index),
      env: { ...environment, ...env, ...more },
    });
    closers.add("replica", async () => void (await replica.process?.kill("SIGKILL")));
    replicas.push(replica);
  }
  await Promise.all(replicas.map((replica) => replica.start()));
  for (const replica of replicas) {
    const client = openRpcClient(addressOf([replica.grpcPort]), plainChannel);
    closers.add("client", () => client.close());
    clients.push(client);
  }
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => undefined, backoff: () => 0.1 });
  closers.add("statements", () => sql.end({ timeout: 1 }));
  const grants = await connectGrants(baseUrl, sandbox, options.grants);
  return { sandbox, traffic, replicas, clients, grants, baseUrl, env, sql };
}

/** Each platform's own names for how long things live; a spent token works for ten minutes, at Slack for five. */
function lifetimes(seconds: number): SandboxOptions {
  return {
    atlassian: { lifetimes: { accessSeconds: seconds, leewaySeconds: 600 } },
    slack: { lifetimes: { accessSeconds: seconds, graceSeconds: 300 } },
    github: { lifetimes: { userTokenSeconds: seconds }, oauthApp: { expiringTokens: true } },
  };
}

/** To every platform, one address for all replicas; and the settings that lead there. */
async function openRoads(
  replicas: number,
  { github, atlassian, slack, environment }: Sandbox,
  traffic: Stage["traffic"],
  closers: Closers,
): Promise<{ readonly waysOf: (replica: number) => readonly PlatformWay[]; readonly environment: Environment }> {
  const targets = [
    [github.url, traffic["github-oauth"]],
    [atlassian.url, traffic.jira],
    [slack.url, traffic.slack],
  ] as const;
  const roads: (readonly PlatformWay[])[] = [];
  let settings = Object.entries(environment);
  for (const [target, seen] of targets) {
    const road = await openRoad({ target, traffic: seen, replicas, delays });
    closers.add("road to a platform", road.close);
    roads.push(road.ways);
    settings = settings.map(([name, value]) => [name, value.replace(target, road.url)]);
  }
  const waysOf = (replica: number) => roads.flatMap((ways) => ways[replica] ?? []);
  return { waysOf, environment: Object.fromEntries(settings) };
}
