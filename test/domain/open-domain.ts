import postgres from "postgres";
import { createClock, type TestClock } from "../../rig/clock.ts";
import { createTestWorld, type TestWorld } from "../../rig/world.ts";
import type { TellFlow } from "../../src/domain/connecting/tell-flow.ts";
import { createFlowProgress } from "../../src/domain/flows/flow-progress.ts";
import type { Connection } from "../../src/domain/model/connection.ts";
import type { CredentialRepository } from "../../src/domain/model/credential-repository.ts";
import type { Installation } from "../../src/domain/model/installation.ts";
import type { ConnectContext } from "../../src/domain/model/installation-repository.ts";
import type { Platform } from "../../src/domain/model/platform.ts";
import { silentTelemetry } from "../../src/domain/model/telemetry.ts";
import { createRefresher, type Refresher } from "../../src/domain/refreshing/refresher.ts";
import { createGetToken, type GetToken, type GetTokenRequest } from "../../src/domain/tokens/get-token.ts";
import { createGrantedPermissions } from "../../src/domain/tokens/granted-permissions.ts";
import { createHandOut, type HandOut } from "../../src/domain/tokens/hand-out.ts";
import type { IssuedToken } from "../../src/domain/tokens/issued-token.ts";
import { createNarrowedTokens } from "../../src/domain/tokens/narrowed-tokens.ts";
import { createSelectInstallation, type InstallUrl } from "../../src/domain/tokens/select-installation.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { call } from "../support/call.ts";
import { openTestStorage } from "../support/domain.ts";
import { onlyPlatforms } from "../support/scripted-platform.ts";

/** Real storage, a clock the test moves, and what only SQL can do to the rows. */
export interface Domain {
  readonly storage: Storage;
  readonly clock: TestClock;
  readonly world: TestWorld;
  readonly sql: postgres.Sql;
  /** Stores a connection as a finished flow would; an organization's on Slack if nothing else is said. */
  connect(connection: Connection, context?: Partial<ConnectContext>): Promise<readonly Installation[]>;
  /** Keeps what becomes of flows that are watched. */
  readonly tellFlow: TellFlow;
  /** Nobody waits for a back-off any more. */
  endBackoffs(): Promise<void>;
  close(): Promise<void>;
}

export async function openDomain(): Promise<Domain> {
  const clock = createClock();
  const world = createTestWorld(clock.now);
  const { storage, url, close } = await openTestStorage(world);
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  return {
    storage,
    clock,
    world,
    sql,
    tellFlow: createFlowProgress(storage.flows, world),
    connect: (connection, context = {}) =>
      storage.installations.connect(connection, {
        platform: "slack",
        holder: "organization",
        owner: undefined,
        now: clock.now(),
        ...context,
      }),
    async endBackoffs() {
      await sql`update credentials set lease_until = clock_timestamp() where attempt_id is null`;
    },
    async close() {
      await sql.end();
      await close();
    },
  };
}

/** GetToken behind no door, and the parts it is made of. */
export interface TokenDesk {
  readonly refresher: Refresher;
  readonly handOut: HandOut;
  getToken(request?: TokenRequest, as?: Parameters<typeof call>[0]): Promise<IssuedToken>;
  /** The use case itself. */
  readonly ask: GetToken;
}

/** A selector with what else may be asked for. */
export type TokenRequest = GetTokenRequest["selector"] & Partial<Omit<GetTokenRequest, "selector">>;

export interface DeskOptions {
  readonly installUrl?: InstallUrl;
  readonly credentials?: CredentialRepository;
}

export function openDesk(
  domain: Pick<Domain, "storage" | "world">,
  platforms: readonly Platform[],
  options: DeskOptions = {},
): TokenDesk {
  const { storage, world } = domain;
  const { installations, audit, changes } = storage;
  const credentials = options.credentials ?? storage.credentials;
  const installUrl = options.installUrl ?? (() => undefined);
  const known = onlyPlatforms(...platforms);
  const refresher = createRefresher({ credentials, platforms: known, world });
  const narrowed = createNarrowedTokens({ credentials, refresher, world, maxEntries: 100, changes });
  const granted = createGrantedPermissions({ installations, world, maxEntries: 100, changes });
  const handOut = createHandOut({ audit, installations, world });
  const select = createSelectInstallation({ installations, platforms: known, installUrl });
  // Nothing is remembered: every request asks the database.
  const selections = { recall: () => undefined, select, size: 0 };
  const telemetry = silentTelemetry;
  const getToken = createGetToken({ selections, refresher, narrowed, granted, handOut, installUrl, world, telemetry });
  return {
    refresher,
    handOut,
    ask: getToken,
    async getToken({ minTtlMs, rejectedTokenId, narrowing, ...selector } = {}, as = {}) {
      return getToken({ selector, minTtlMs, rejectedTokenId, narrowing }, call(as));
    },
  };
}
