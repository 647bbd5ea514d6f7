import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { Lease } from "../../src/domain/model/credential-repository.ts";
import { Secret } from "../../src/secret.ts";
import type { Database } from "../../src/storage/database.ts";
import { createKeyUsage } from "../../src/storage/resealing/key-usage.ts";
import { reseal } from "../../src/storage/resealing/reseal.ts";
import type { ResealProgress, UnreadableRow } from "../../src/storage/resealing/tally.ts";
import { credentials } from "../../src/storage/schema.ts";
import { generateKey, parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer, type Sealer, type TokenCipher } from "../../src/storage/seal/sealer.ts";
import { createStorage, type Storage } from "../../src/storage/storage.ts";
import { githubApp, githubContext, slackContext, tokenSet, unique, workspace } from "./connections.ts";

export interface ResealContract {
  /** The way of the service to the database. */
  readonly service: Database;
  /** The way of what seals anew. */
  readonly resealing: Database;
  raw(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

const [a, b, c] = [0, 0, 0].map(() => generateKey(randomBytes).reveal()) as [string, string, string];

function sealerOf(keys: readonly string[], cipher: TokenCipher = "fernet"): Sealer {
  const options = { cipher, now: () => new Date(), random: randomBytes };
  return createSealer({ keys: parseKeyRing(new Secret(keys.join(","))), ...options });
}
const idOf = (key: string) => sealerOf([key]).keyIds[0] ?? "";

const sealedColumns = ["access_token", "refresh_token", "previous_refresh_token", "spare_refresh_token"];

/** What sealing anew promises, whatever the database. Expects to have the database for itself. */
export function describeReseal({ service, resealing, raw }: ResealContract): void {
  const storageWith = (sealer: Sealer): Storage =>
    createStorage(service, { sealer, now: () => new Date(), random: randomBytes }, async () => undefined);

  beforeEach(async () => {
    await raw("truncate installations, credentials, webhook_deliveries cascade");
    await raw("delete from meta where key = 'key_canary'");
  });

  interface Stored {
    readonly team: string;
    readonly credentialId: string;
  }
  interface Connected extends Stored {
    readonly installationId: string;
  }

  async function connectOne(sealer: Sealer, team = unique("T"), tokens = team): Promise<Connected> {
    const { installations } = storageWith(sealer);
    const [made] = await installations.connect(workspace(team, tokens), slackContext(new Date()));
    const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
    if (made === undefined || found?.credential === undefined) throw new Error("not connected");
    return { team, installationId: made.id, credentialId: found.credential.id };
  }
  /** What connecting so many would leave of credentials, in one statement. */
  async function storeMany(sealer: Sealer, count: number): Promise<readonly Stored[]> {
    const made = Array.from({ length: count }, () => ({ team: unique("T"), credentialId: crypto.randomUUID() }));
    const rows = made.map(({ team, credentialId: id }) => {
      const { access, refresh } = ownSecrets({ team });
      const sealed = (column: string, value: string) =>
        sealer.seal({ table: "credentials", row: id, column }, new Secret(value)).text;
      return {
        ...({
          id,
          platform: "slack",
          kind: "rotating",
          actor: "app",
          subject: `${team}:bot`,
          status: "active",
        } as const),
        ...{ version: 1, failures: 0, scopes: [], permissions: {}, createdAt: new Date() },
        accessToken: sealed("access_token", access),
        refreshToken: sealed("refresh_token", refresh),
        keyId: sealer.keyIds[0] ?? null,
      };
    });
    await service.write((db) => db.insert(credentials).values(rows));
    return made;
  }
  async function lease(sealer: Sealer, credentialId: string, leaseMs = 30_000): Promise<Lease> {
    const repository = storageWith(sealer).credentials;
    const version = (await repository.read(credentialId))?.credential.version ?? 0;
    const held = await repository.acquire(credentialId, version, unique("attempt"), leaseMs);
    if (held === undefined) throw new Error("not leased");
    return held;
  }
  /** What a service with these keys alone can make of the row. */
  async function secretsOf(sealer: Sealer, { credentialId }: Stored) {
    const held = await lease(sealer, credentialId, 0);
    await storageWith(sealer).credentials.abandon(held);
    return {
      access: held.credential.accessToken()?.reveal(),
      refresh: held.refreshToken?.reveal(),
      previous: held.previousRefreshToken?.reveal(),
      spare: held.spareRefreshToken?.reveal(),
    };
  }
  const ownSecrets = ({ team }: Pick<Stored, "team">) => ({ access: `access-${team}`, refresh: `refresh-${team}` });
  const rowOf = async ({ credentialId }: Stored) =>
    (await raw("select * from credentials where id = $1", [credentialId]))[0];

  /** Everything that is sealed in every row, opened. */
  async function openedRows(sealer: Sealer): Promise<ReadonlyMap<unknown, readonly string[]>> {
    const rows = await raw("select * from credentials");
    const opened = (row: Readonly<Record<string, unknown>>) =>
      sealedColumns.flatMap((column) => {
        const text = row[column];
        const place = { table: "credentials", row: String(row.id), column };
        return typeof text === "string" ? [sealer.open(place, text).reveal()] : [];
      });
    return new Map(rows.map((row) => [row.id, opened(row)]));
  }

  async function run(
    sealer: Sealer,
    { database = resealing, batchRows = 20, stopAfter = Number.POSITIVE_INFINITY } = {},
  ) {
    const batches: ResealProgress[] = [];
    const unreadable: UnreadableRow[] = [];
    const onBatch = (progress: ResealProgress) => {
      batches.push(progress);
      if (batches.length >= stopAfter) throw new Error("stopped");
    };
    const end = await reseal({
      database,
      sealer,
      batchRows,
      onBatch,
      onUnreadable: (row) => void unreadable.push(row),
    });
    return { end, batches, unreadable };
  }

  describe("sealing anew", () => {
    test("brings 300 rows under the first key, after which the others may go", async () => {
      const connected = await storeMany(sealerOf([a]), 300);
      const { end, batches, unreadable } = await run(sealerOf([b, a]), { batchRows: 100 });
      expect(end).toEqual({ resealed: 300, unreadable: 0, left: 0, rowsByKey: new Map([[idOf(b), 300]]) });
      expect(batches.map(({ resealed, left }) => [resealed, left])).toEqual([
        [100, 200],
        [200, 100],
        [300, 0],
      ]);
      expect(batches[0]?.rowsByKey).toEqual(
        new Map([
          [idOf(a), 200],
          [idOf(b), 100],
        ]),
      );
      expect(unreadable).toEqual([]);
      expect(await openedRows(sealerOf([b]))).toEqual(
        new Map(connected.map((one) => [one.credentialId, Object.values(ownSecrets(one))])),
      );
      expect(await raw("select distinct version::int as version from credentials")).toEqual([{ version: 1 }]);
    });

    test("has nothing to do twice", async () => {
      await storeMany(sealerOf([a]), 5);
      await run(sealerOf([b, a]));
      const before = await raw("select * from credentials order by id");
      const again = await run(sealerOf([b, a]));
      expect(again).toMatchObject({ end: { resealed: 0, left: 0 }, batches: [] });
      expect(await raw("select * from credentials order by id")).toEqual(before);
    });

    test("changes every column that is sealed, and no other", async () => {
      const one = await connectOne(sealerOf([a]));
      const sealer = sealerOf([a]);
      const [first, second] = [await lease(sealer, one.credentialId, 0), await lease(sealer, one.credentialId, 0)];
      await storageWith(sealer).credentials.commit(first, tokenSet("first"), undefined);
      await storageWith(sealer).credentials.commit(second, tokenSet("second"), undefined);
      await lease(sealer, one.credentialId);
      const before = await rowOf(one);
      expect((await run(sealerOf([b, a]))).end).toMatchObject({ resealed: 1, left: 0 });
      const after = await rowOf(one);
      const changed = Object.keys(after ?? {}).filter(
        (column) => JSON.stringify(after?.[column]) !== JSON.stringify(before?.[column]),
      );
      expect(changed.sort()).toEqual([...sealedColumns, "key_id"].sort());
      await raw("update credentials set lease_until = null");
      expect(await secretsOf(sealerOf([b]), one)).toEqual({
        access: "access-first",
        refresh: "refresh-first",
        previous: `refresh-${one.team}`,
        spare: "refresh-second",
      });
    });

    test("leaves rows alone in which nothing is sealed", async () => {
      const { installations } = storageWith(sealerOf([a]));
      await installations.connect(githubApp(unique("acme"), unique("1")), githubContext(new Date()));
      expect((await run(sealerOf([b, a]))).end).toEqual({ resealed: 0, unreadable: 0, left: 0, rowsByKey: new Map() });
    });

    test("goes from Fernet to AES-256-GCM and back, under the same key and under another", async () => {
      const connected = await storeMany(sealerOf([a]), 8);
      const formats = async () => {
        const rows = await raw("select starts_with(access_token, 'v2.') as gcm, key_id from credentials");
        return new Set(rows.map(({ gcm, key_id }) => `${gcm} ${key_id}`));
      };
      for (const [keys, cipher] of [
        [[a], "aes-256-gcm"],
        [[b, a], "aes-256-gcm"],
        [[b, a], "fernet"],
      ] as const) {
        const sealer = sealerOf(keys, cipher);
        expect((await run(sealer)).end).toMatchObject({ resealed: 8, left: 0 });
        expect(await formats()).toEqual(new Set([`${cipher === "aes-256-gcm"} ${sealer.keyIds[0]}`]));
        const alone = sealerOf(keys.slice(0, 1), cipher);
        for (const one of connected) expect(await secretsOf(alone, one)).toMatchObject(ownSecrets(one));
      }
    });

    test("goes on where it was interrupted", async () => {
      const connected = await storeMany(sealerOf([a]), 30);
      await expect(run(sealerOf([b, a]), { batchRows: 10, stopAfter: 2 })).rejects.toThrow("stopped");
      expect(await raw("select id from credentials where key_id = $1", [idOf(a)])).toHaveLength(10);
      expect((await run(sealerOf([b, a]), { batchRows: 10 })).end).toMatchObject({ resealed: 10, left: 0 });
      for (const one of connected) expect(await secretsOf(sealerOf([b]), one)).toMatchObject(ownSecrets(one));
    });

    test("twice at once seals every row once", async () => {
      const connected = await storeMany(sealerOf([a]), 60);
      const [one, other] = await Promise.all([run(sealerOf([b, a])), run(sealerOf([b, a]))]);
      expect(one.end.resealed + other.end.resealed).toBe(60);
      expect([one.end.left, other.end.left]).toEqual([0, 0]);
      for (const each of connected) expect(await secretsOf(sealerOf([b]), each)).toMatchObject(ownSecrets(each));
    });

    test("names a row that no key opens, leaves it as it is, and goes on with the rest", async () => {
      const [lost, altered, ...others] = await storeMany(sealerOf([a]), 6);
      if (lost === undefined || altered === undefined) throw new Error("not connected");
      await raw("delete from credentials where id = $1", [lost.credentialId]);
      const foreign = await connectOne(sealerOf([c]));
      await raw("update credentials set refresh_token = 'gibberish' where id = $1", [altered.credentialId]);
      const before = [await rowOf(foreign), await rowOf(altered)];
      const { end, unreadable } = await run(sealerOf([b, a]));
      const counts = new Map([idOf(a), idOf(c)].map((id) => [id, 1]));
      expect(end).toEqual({ resealed: 4, unreadable: 2, left: 2, rowsByKey: counts.set(idOf(b), 4) });
      expect(new Set(unreadable)).toEqual(
        new Set([
          { id: foreign.credentialId, keyId: idOf(c) },
          { id: altered.credentialId, keyId: idOf(a) },
        ]),
      );
      expect([await rowOf(foreign), await rowOf(altered)]).toEqual(before);
      for (const one of others) expect(await secretsOf(sealerOf([b]), one)).toMatchObject(ownSecrets(one));
    });

    test("finds a spare that a replica with another first key sealed", async () => {
      const one = await connectOne(sealerOf([b, a]));
      const [current, former] = [sealerOf([b, a]), sealerOf([a, b])];
      const [first, second] = [await lease(current, one.credentialId, 0), await lease(former, one.credentialId, 0)];
      await storageWith(current).credentials.commit(first, tokenSet("first"), undefined);
      await storageWith(former).credentials.commit(second, tokenSet("second"), undefined);
      expect((await secretsOf(sealerOf([b]), one)).spare).toBeUndefined();
      expect((await run(current)).end).toMatchObject({ resealed: 1, left: 0 });
      expect((await secretsOf(sealerOf([b]), one)).spare).toBe("refresh-second");
      expect((await run(current)).end).toMatchObject({ resealed: 0, left: 0 });
    });
  });

  describe("sealing anew beside a running service", () => {
    /** Lets a rival store something when rows have been read and sealed, and none of them was written yet. */
    function interrupted(rival: () => Promise<unknown>): Database {
      return {
        ...resealing,
        write: async (work) => {
          await rival();
          return resealing.write(work);
        },
      };
    }
    function once(work: () => Promise<unknown>): () => Promise<unknown> {
      let done: Promise<unknown> | undefined;
      return () => (done ??= work());
    }

    test("gives way to whatever was stored since the row was read", async () => {
      const four = [0, 0, 0, 0].map(() => connectOne(sealerOf([a])));
      const [refreshed, connectedAgain, revoked, removed] = await Promise.all(four);
      if (!refreshed || !connectedAgain || !revoked || !removed) throw new Error("not connected");
      const live = sealerOf([b, a]);
      const { installations, credentials: repository } = storageWith(live);
      const held = await lease(live, refreshed.credentialId);
      const rival = once(async () => {
        await repository.commit(held, tokenSet("refreshed"), undefined);
        await connectOne(live, connectedAgain.team, "again");
        await installations.beginRevocation(revoked.installationId, "over", new Date());
        await installations.beginRevocation(removed.installationId, "over", new Date());
        await installations.finishRevocation(removed.installationId, "revoked");
      });
      const { end } = await run(live, { database: interrupted(rival) });
      expect(end).toEqual({ resealed: 1, unreadable: 0, left: 0, rowsByKey: new Map([[idOf(b), 3]]) });
      const alone = sealerOf([b]);
      expect(await secretsOf(alone, refreshed)).toEqual({
        access: "access-refreshed",
        refresh: "refresh-refreshed",
        previous: `refresh-${refreshed.team}`,
        spare: undefined,
      });
      expect(await secretsOf(alone, connectedAgain)).toMatchObject({
        access: "access-again",
        refresh: "refresh-again",
      });
      expect((await rowOf(refreshed))?.version).toSatisfy((version) => Number(version) === 2);
      expect((await rowOf(revoked))?.status).toBe("revoked");
      expect(await rowOf(removed)).toBeUndefined();
    });

    test("does not lose what is stored without a new version", async () => {
      const one = await connectOne(sealerOf([a]));
      const live = sealerOf([a, b]);
      const [first, second] = [await lease(live, one.credentialId, 0), await lease(live, one.credentialId, 0)];
      await storageWith(live).credentials.commit(first, tokenSet("first"), undefined);
      const rival = once(() => storageWith(live).credentials.commit(second, tokenSet("second"), undefined));
      expect((await run(sealerOf([b, a]), { database: interrupted(rival) })).end).toMatchObject({
        resealed: 1,
        left: 0,
      });
      expect(await secretsOf(sealerOf([b]), one)).toMatchObject({ refresh: "refresh-first", spare: "refresh-second" });
    });

    test("tells of rows that a replica with another first key keeps storing", async () => {
      const one = await connectOne(sealerOf([a]));
      const former = sealerOf([a]);
      const database = interrupted(() => connectOne(former, one.team));
      const { end } = await run(sealerOf([b, a]), { database });
      expect(end).toEqual({ resealed: 0, unreadable: 0, left: 1, rowsByKey: new Map([[idOf(a), 1]]) });
    });

    test("loses nothing and moves no version while others refresh, commit and connect", async () => {
      const former = sealerOf([a]);
      const connected = await storeMany(former, 40);
      const live = sealerOf([b, a]);
      const repository = storageWith(live).credentials;
      const expected = new Map(connected.map((one) => [one.credentialId, { name: one.team, version: 1 }]));
      let over = false;
      let commits = 0;
      /** Each of its own rows in turn: refreshed, or connected again. */
      const work = async (mine: readonly Stored[]) => {
        for (let n = 0; !over; n++) {
          const one = mine[n % mine.length];
          const state = expected.get(one?.credentialId ?? "");
          if (one === undefined || state === undefined) throw new Error("not connected");
          const name = unique("new");
          if (n % 3 === 0) await connectOne(live, one.team, name);
          else await repository.commit(await lease(live, one.credentialId), tokenSet(name), undefined);
          expected.set(one.credentialId, { name, version: state.version + 1 });
          commits += 1;
        }
      };
      const load = [0, 1, 2].map((lane) => work(connected.slice(lane * 10, lane * 10 + 10)));
      let end: ResealProgress | undefined;
      try {
        // Back and forth, so that it goes on for as long as it takes for the load to be felt.
        for (let turn = 0; turn < 4 || commits < 40; turn++) {
          const cipher = turn % 2 === 0 ? "aes-256-gcm" : "fernet";
          ({ end } = await run(sealerOf([b, a], cipher)));
        }
      } finally {
        over = true;
        await Promise.all(load);
      }
      expect(end?.unreadable).toBe(0);
      await run(live);
      expect(commits).toBeGreaterThanOrEqual(40);
      for (const one of connected) {
        const state = expected.get(one.credentialId);
        const name = state?.name;
        expect(await secretsOf(sealerOf([b]), one)).toMatchObject({
          access: `access-${name}`,
          refresh: `refresh-${name}`,
        });
        expect(Number((await rowOf(one))?.version)).toBe(state?.version);
      }
    });
  });

  describe("the keys in use", () => {
    const inspect = (keys: readonly string[]) =>
      createKeyUsage({ database: service, sealer: sealerOf(keys) }).inspect();

    test("are all known on an empty database, where the first start leaves the canary", async () => {
      expect(await inspect([a, b])).toEqual({
        configured: [idOf(a), idOf(b)],
        rowsByKey: new Map(),
        missing: [],
        missingForEvents: [],
        unused: [idOf(b)],
        canaryOpens: true,
      });
      const [kept] = await raw("select value from meta where key = 'key_canary'");
      expect(kept?.value).not.toContain("canary");
      expect(await inspect([b, a])).toMatchObject({ canaryOpens: true, unused: [] });
    });

    test("are missing where rows need them, and counted", async () => {
      await inspect([a]);
      await storeMany(sealerOf([a]), 3);
      await connectOne(sealerOf([c]));
      expect(await inspect([b, a, c])).toMatchObject({ missing: [], unused: [], canaryOpens: true });
      expect(await inspect([b, a])).toMatchObject({
        missing: [idOf(c)],
        rowsByKey: new Map([
          [idOf(a), 3],
          [idOf(c), 1],
        ]),
        canaryOpens: true,
      });
    });

    test("are wrong if none of them opens the canary", async () => {
      await inspect([a]);
      expect(await inspect([b])).toMatchObject({ canaryOpens: false, missing: [] });
      await raw("update meta set value = 'gibberish' where key = 'key_canary'");
      expect(await inspect([a])).toMatchObject({ canaryOpens: false });
    });

    test("are wrong if there is no canary yet and all rows need others", async () => {
      await connectOne(sealerOf([a]));
      expect(await inspect([b])).toMatchObject({ canaryOpens: false, missing: [idOf(a)] });
      expect(await inspect([b, a])).toMatchObject({ canaryOpens: true, missing: [] });
    });

    test("are free to go once everything, the canary with it, is sealed anew", async () => {
      await inspect([a]);
      await storeMany(sealerOf([a]), 3);
      await run(sealerOf([b, a]));
      expect(await inspect([b, a])).toMatchObject({ unused: [idOf(a)], missing: [], canaryOpens: true });
      expect(await inspect([b])).toMatchObject({ missing: [], canaryOpens: true });
    });

    test("are needed for as long as an event waits under them, and not once it is sealed anew", async () => {
      const keepEvents = (sealer: Sealer, count: number) =>
        storageWith(sealer).deliveries.keep(
          Array.from({ length: count }, () => ({
            ...({ platform: "github", type: "github.issues.opened", task: "forward", leased: false } as const),
            deliveryId: unique("delivery"),
            content: { kind: "message", body: unique("body") },
          })),
          0,
        );
      const take = async (keys: readonly string[]) => {
        const taken = await storageWith(sealerOf(keys)).deliveries.take("forward", { rows: 100, bytes: 1e9 }, 0);
        return taken.map(({ content }) => content.kind === "message" && content.body);
      };
      await inspect([a]);
      await keepEvents(sealerOf([a]), 45);
      await keepEvents(sealerOf([c]), 1);
      await raw("update meta set value = '' where key = 'key_canary'");
      expect((await inspect([b, a])).unused).toEqual([]);
      expect(await inspect([b])).toMatchObject({
        missing: [],
        missingForEvents: expect.arrayContaining([idOf(a), idOf(c)]),
      });
      expect(await take([b])).toEqual([]);
      const { unreadable } = await run(sealerOf([b, a]));
      expect(unreadable).toMatchObject([{ keyId: idOf(c) }]);
      expect(await inspect([b, a])).toMatchObject({ unused: [idOf(a)], missingForEvents: [idOf(c)] });
      const found = await take([b]);
      expect([found.length, new Set(found).size]).toEqual([45, 45]);
      // Under another cipher, too.
      await run(sealerOf([b], "aes-256-gcm"));
      const rows = await raw("select content from webhook_deliveries where key_id = $1", [idOf(b)]);
      expect([rows.length, rows.every(({ content }) => String(content).startsWith("v2."))]).toEqual([45, true]);
      expect(await take([b])).toHaveLength(45);
    });

    test("stay as they are while a row is left under another", async () => {
      await inspect([a]);
      await connectOne(sealerOf([c]));
      await run(sealerOf([b, a]));
      expect(await inspect([b])).toMatchObject({ missing: [idOf(c)], canaryOpens: false });
    });
  });
}
