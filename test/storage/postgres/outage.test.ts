import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { createTcpProxy } from "../../../rig/tcp-proxy.ts";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import { ServiceError } from "../../../src/errors.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { slackContext, tokenSet, unique, workspace } from "../../contract/connections.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createTestDatabase } from "../../support/database.ts";

const database = await createTestDatabase();
const url = new URL(database.url);
const proxy = await createTcpProxy(Number(url.port));
url.port = String(proxy.port);
const warnings: string[] = [];
const log = { ...silentLog, warn: (_fields: unknown, event: string) => void warnings.push(event) };
const storage = await openPostgres({ target: targetOf(url.href), log, ...createTools() });
const { installations } = storage;

afterAll(async () => {
  proxy.set("forward");
  await storage.close();
  await proxy.close();
  await database.drop();
});

beforeEach(async () => {
  proxy.set("forward");
  await until(isReachable, "the database can be reached");
  warnings.length = 0;
});

const isReachable = () =>
  storage.ping().then(
    () => true,
    () => false,
  );

async function refusal(call: Promise<unknown>): Promise<{ error: ServiceError; afterMs: number }> {
  const started = performance.now();
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServiceError)) throw new Error("was not refused", { cause: error });
  return { error, afterMs: performance.now() - started };
}

describe("a database that cannot be reached", () => {
  test("is SERVICE_UNAVAILABLE with a time to try again, and says nothing else", async () => {
    proxy.set("hang_up");
    proxy.cut();
    const { error } = await refusal(installations.find(crypto.randomUUID()));
    expect(error).toMatchObject({
      reason: "SERVICE_UNAVAILABLE",
      message: "the database cannot be reached",
      retryAfterMs: 1_000,
      metadata: {},
    });
  });

  test("that hangs up on every start is not called in a tight loop", async () => {
    proxy.set("hang_up");
    proxy.cut();
    const before = proxy.taken();
    const { afterMs } = await refusal(storage.ping());
    expect(afterMs).toBeLessThan(3_000);
    expect(proxy.taken() - before).toBeLessThan(60);
  });

  test("is used again within a second of coming back", async () => {
    proxy.set("hang_up");
    proxy.cut();
    await refusal(storage.ping());
    proxy.set("forward");
    const started = performance.now();
    await until(isReachable, "the database is used again");
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test("whose connections were cut while idle still answers readers", async () => {
    proxy.cut();
    expect(await installations.find(crypto.randomUUID())).toBeUndefined();
  });
});

describe("a database that freezes", () => {
  test("does not hold a reader for longer than its deadline", async () => {
    proxy.set("freeze");
    const { error, afterMs } = await refusal(installations.find(crypto.randomUUID()));
    expect(error.reason).toBe("SERVICE_UNAVAILABLE");
    expect(afterMs).toBeLessThan(2_500);
  });

  test("loses its connections after three unanswered statements, and works when it thaws", async () => {
    proxy.set("freeze");
    await Promise.all(Array.from({ length: 4 }, () => refusal(storage.ping())));
    expect(warnings).toEqual(["database.connections_replaced"]);
    proxy.set("forward");
    await until(isReachable, "the database is used again", 3_000);
  });
});

test("a database that stays frozen is not offered new connections again and again", async () => {
  await Promise.all(Array.from({ length: 10 }, () => storage.ping()));
  proxy.set("freeze");
  const before = proxy.taken();
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 10 }, () => refusal(storage.ping())));
  }
  expect(warnings.filter((event) => event === "database.connections_replaced")).toHaveLength(1);
  // One set of ten, and what listens for changes.
  expect(proxy.taken() - before).toBeLessThan(15);
});

test("a commit whose answer was lost on the way is stored once when it is repeated", async () => {
  // One connection, on which the statement is prepared already: it is sent whole and needs no answer to be carried out.
  const one = await openPostgres({ target: targetOf(url.href), log: silentLog, maxConnections: 1, ...createTools() });
  const direct = await openPostgres({ target: targetOf(database.url), log: silentLog, ...createTools() });
  const [made] = await one.installations.connect(workspace(unique("T"), "first"), slackContext(new Date()));
  const [{ credential } = {}] = await one.installations.select({ installationId: made?.id }, sightOfEverything, 2);
  const acquire = async (version: number) => {
    const lease = await one.credentials.acquire(credential?.id ?? "", version, unique("attempt"), 30_000);
    if (lease === undefined) throw new Error("not leased");
    return lease;
  };
  await one.credentials.commit(await acquire(1), tokenSet("second"), undefined);
  const lease = await acquire(2);
  proxy.set("hold_answers");
  const lost = refusal(one.credentials.commit(lease, tokenSet("third"), undefined));
  const version = async () => (await direct.credentials.read(lease.credential.id))?.credential.version;
  await until(async () => (await version()) === 3, "the commit is stored");
  proxy.cut();
  expect((await lost).error.reason).toBe("SERVICE_UNAVAILABLE");
  proxy.set("forward");
  const again = await one.credentials.commit(lease, tokenSet("third"), undefined);
  expect(again).toMatchObject({ kind: "stored", credential: { version: 3 } });
  await Promise.all([one.close(), direct.close()]);
});
