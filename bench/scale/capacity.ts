import { randomBytes, randomInt } from "node:crypto";
import postgres from "postgres";
import { targetOf } from "../../rig/postgres-target.ts";
import { createTestWorld } from "../../rig/world.ts";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import { Secret } from "../../src/secret.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../src/storage/seal/sealer.ts";
import { createStorage, type Storage } from "../../src/storage/storage.ts";
import { encryptionKey } from "../encryption-key.ts";
import { tokenLength } from "../seed-tokens.ts";

/** What a database of this size carries. */
export interface Capacity {
  readonly bytesPerInstallation: number;
  readonly bytesPerHandOut: number;
  readonly looksPerSecond: number;
  readonly refreshesPerSecond: number;
  /** The same if no replica were told: a commit that notifies waits for the one before to be on the disk. */
  readonly silentRefreshesPerSecond: number;
  /** Bytes of the log of Postgres. */
  readonly walPerRefresh: number;
}

const connections = 10;
const runMs = 5_000;

/** Tables of which a connection has rows for good. */
const ofConnections = ["installations", "installation_products", "installation_credentials", "credentials", "webhooks"];

export async function measureCapacity(url: string, installations: number): Promise<Capacity> {
  const { log } = createTestWorld();
  const target = targetOf(url);
  const pool = createPostgresPool({ target, maxConnections: connections, pooled: false, random: randomBytes, log });
  const keys = parseKeyRing(encryptionKey);
  const now = () => new Date();
  const sealer = createSealer({ keys, cipher: "fernet", now, random: randomBytes });
  const storage = createStorage(pool, { sealer, now, random: randomBytes }, pool.close);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const read = async (query: string) => Number((await sql.unsafe<{ value: number }[]>(query))[0]?.value);
  const sizeOf = (tables: readonly string[]) =>
    read(`select sum(pg_total_relation_size(name::regclass))::float8 as value
      from unnest(array[${tables.map((table) => `'${table}'`).join(", ")}]) as name`);
  const position = () => read("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as value");
  try {
    const looksPerSecond = await perSecond(() => look(storage, installations));
    const before = await position();
    let refreshes = 0;
    const refreshesPerSecond = await perSecond(async () => {
      const stored = await refresh(storage, installations);
      if (stored) refreshes++;
    });
    const walPerRefresh = ((await position()) - before) / refreshes;
    await sql.unsafe("alter table credentials disable trigger credentials_changed");
    const silentRefreshesPerSecond = await perSecond(() => refresh(storage, installations));
    await sql.unsafe("alter table credentials enable trigger credentials_changed");
    return {
      bytesPerInstallation: (await sizeOf(ofConnections)) / installations,
      bytesPerHandOut:
        (await sizeOf(["audit_events"])) / (await read("select count(*)::float8 as value from audit_events")),
      looksPerSecond,
      refreshesPerSecond,
      silentRefreshesPerSecond,
      walPerRefresh,
    };
  } finally {
    await sql.end();
    await storage.close();
  }
}

/** How often it is done with as many under way as there are connections. What failed is not counted. */
async function perSecond(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const worker = async () => {
    while (performance.now() - startedAt < runMs) {
      await work().then(
        () => done++,
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return (done * 1_000) / (performance.now() - startedAt);
}

/** Of an installation that is not revoked, and its credential, as they are filled. */
function anyId(installations: number, kind: 1 | 2): string {
  const n = randomInt(Math.floor(installations / 20)) * 20 + 13;
  const hex = n.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-700${kind}-8000-${hex}`;
}

async function look(storage: Storage, installations: number): Promise<void> {
  const installationId = anyId(installations, 1);
  const found = await storage.installations.select({ installationId }, sightOfEverything, 2);
  if (found[0]?.credential === undefined) throw new Error(`${installationId} was not found`);
}

async function refresh(storage: Storage, installations: number): Promise<boolean> {
  const id = anyId(installations, 2);
  const state = await storage.credentials.read(id);
  if (state === undefined) throw new Error(`${id} was not found`);
  const lease = await storage.credentials.acquire(
    id,
    state.credential.version,
    randomBytes(16).toString("hex"),
    20_000,
  );
  if (lease === undefined) return false;
  const issuedAt = new Date();
  const token = {
    value: new Secret(randomBytes(tokenLength).toString("hex").slice(0, tokenLength)),
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + 3_600_000),
  };
  const refreshToken = new Secret(randomBytes(tokenLength).toString("hex").slice(0, tokenLength));
  const tokens = { token, refreshToken, scopes: undefined, permissions: undefined, grantExpiresAt: undefined };
  const outcome = await storage.credentials.commit(lease, tokens, new Date(issuedAt.getTime() + 1_800_000));
  return outcome.kind === "stored";
}
