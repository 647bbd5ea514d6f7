import { Secret } from "../src/secret.ts";
import { writeCallerFile } from "./caller-file.ts";
import { encryptionKey } from "./encryption-key.ts";
import type { LoadClient } from "./load/load-client.ts";
import type { Bench } from "./measurement.ts";
import { getTokenPath, getTokenRequest } from "./requests.ts";
import { connect, type Service, startPlatforms, startService } from "./service.ts";

/** A service with one Slack installation, whose token was handed out before. */
export interface WarmService {
  readonly service: Service;
  readonly installationId: string;
  /** What its callers have to show; undefined where they are not told apart. */
  readonly authorization?: Secret | undefined;
}

/** Starts the service with `database` settings and connects Slack in a browser. */
export async function startWarmService(bench: Bench, database: Readonly<Record<string, string>>): Promise<WarmService> {
  const sandbox = await startPlatforms(bench.closers);
  const service = await startService(bench.closers, {
    core: bench.cores.server,
    env: { ...sandbox.environment, ...database },
    withEmptyMethods: true,
  });
  return { service, installationId: await connect(service, sandbox, "slack") };
}

/** The same service with a caller file of so many callers, one of which is asked for by its API key. */
export async function startAuthorizedService(
  bench: Bench,
  database: Readonly<Record<string, string>>,
  callers: number,
): Promise<WarmService> {
  const sandbox = await startPlatforms(bench.closers);
  const { path, key } = await writeCallerFile(bench.directory, callers);
  const service = await startService(bench.closers, {
    core: bench.cores.server,
    env: { ...sandbox.environment, ...database, AUTH_CONFIG: path },
    withEmptyMethods: true,
  });
  const installationId = await connect(service, sandbox, "slack", "owner-7");
  return { service, installationId, authorization: new Secret(`Bearer ${key.reveal()}`) };
}

/** Settings for a new Postgres database of this name. */
export async function postgresSettings(bench: Bench, name: string): Promise<Readonly<Record<string, string>>> {
  const url = await bench.postgres.createDatabase(name);
  return { DATABASE_URL: url, TOKEN_ENCRYPTION_KEY: encryptionKey.reveal() };
}

/** Asks for the token so often, one call after the other. */
export async function readTokens(
  client: LoadClient,
  { service, installationId, authorization }: WarmService,
  calls: number,
): Promise<void> {
  await client.run({
    protocol: "grpc",
    addresses: [service.grpcAddress],
    connections: 1,
    path: getTokenPath,
    bodies: [getTokenRequest(installationId)],
    authorization: authorization?.reveal(),
    inFlight: 1,
    stop: { kind: "calls", calls },
  });
}
