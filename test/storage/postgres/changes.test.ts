import postgres from "postgres";
import { afterAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { createTcpProxy } from "../../../rig/tcp-proxy.ts";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import type { Change } from "../../../src/domain/model/change-feed.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createTestDatabase } from "../../support/database.ts";
import { connection, tokenSet } from "../../support/scripted-platform.ts";

// Two replicas on one database; only the second one's LISTEN connection goes through the proxy.
const database = await createTestDatabase();
const proxy = await createTcpProxy(Number(new URL(database.url).port));
const directUrl = new URL(database.url);
directUrl.port = String(proxy.port);
const tools = createTools();
const writer = await openPostgres({ target: targetOf(database.url), log: silentLog, ...tools });
const reader = await openPostgres({
  target: targetOf(database.url),
  direct: targetOf(directUrl.href),
  log: silentLog,
  ...tools,
});
const seen: Change[] = [];
reader.changes.subscribe((change) => seen.push(change));

afterAll(async () => {
  proxy.set("forward");
  await Promise.all([writer.close(), reader.close()]);
  await proxy.close();
  await database.drop();
});

beforeEach(async () => {
  proxy.set("forward");
  await until(() => reader.changes.isAlive() && writer.changes.isAlive(), "both replicas listen");
  seen.length = 0;
});

const context = { platform: "slack", holder: "organization", owner: undefined } as const;

async function connected(): Promise<{ installation: string; credential: string; version: number }> {
  const [installation] = await writer.installations.connect(connection(), { ...context, now: new Date() });
  const id = installation?.id ?? "";
  const [selection] = await writer.installations.select({ installationId: id }, sightOfEverything, 1);
  const { credential } = selection ?? {};
  return { installation: id, credential: credential?.id ?? "", version: credential?.version ?? 0 };
}

const heard = (kind: Change["kind"], id: string) =>
  seen.some((change) => change.kind === kind && "id" in change && change.id === id);

test("another replica's new installation, new token set, condemnation and revocation are heard", async () => {
  const { installation, credential, version } = await connected();
  await until(() => heard("installation", installation), "the installation is announced");
  seen.length = 0;
  const lease = await writer.credentials.acquire(credential, version, "a", 20_000);
  await writer.credentials.commit(lease!, tokenSet(), undefined);
  await until(() => heard("credential", credential), "the token set is announced");
  seen.length = 0;
  const next = await writer.credentials.acquire(credential, version + 1, "b", 20_000);
  await writer.credentials.condemn(next!, "invalid_refresh_token");
  await until(() => heard("credential", credential) && heard("installation", installation), "the end is announced");
  seen.length = 0;
  await writer.installations.beginRevocation(installation, "", new Date());
  await until(() => heard("installation", installation), "the revocation is announced");
});

test("leases, counters and times of use are not announced", async () => {
  const { installation, credential, version } = await connected();
  await until(() => heard("installation", installation), "the installation is announced");
  seen.length = 0;
  const lease = await writer.credentials.acquire(credential, version, "a", 20_000);
  await writer.credentials.release(lease!, { error: "unavailable", backoffMs: 0, unclear: false });
  await writer.installations.recordUse(new Map([[installation, new Date()]]));
  const other = await connected();
  await until(() => heard("installation", other.installation), "a later change is announced");
  expect(heard("credential", credential) || heard("installation", installation)).toBe(false);
});

test("a line on which nothing arrives any more is not alive, and after it everything is looked at again", async () => {
  proxy.set("freeze");
  await until(() => !reader.changes.isAlive(), "the silence is noticed");
  expect(writer.changes.isAlive()).toBe(true);
  proxy.cut();
  proxy.set("forward");
  await until(() => reader.changes.isAlive(), "it listens again");
  expect(seen.some((change) => change.kind === "everything")).toBe(true);
});

test("a line that is cut comes back by itself and says that something may have been missed", async () => {
  proxy.cut();
  await until(() => seen.some((change) => change.kind === "everything"), "it listens anew");
  const { installation } = await connected();
  await until(() => heard("installation", installation), "a later change is announced");
});

test("one's own changes are heard before the call returns", async () => {
  const { installation } = await connected();
  await reader.installations.beginRevocation(installation, "", new Date());
  expect(heard("installation", installation)).toBe(true);
});

test("another replica's change that people see is announced, in the order of the commits", async () => {
  const { installation } = await connected();
  const { installation: other } = await connected();
  const begun = await reader.installationChanges.latest();
  await until(() => seen.filter(({ kind }) => kind === "history").length >= 2, "both are announced");
  seen.length = 0;
  const sql = postgres(database.url, { max: 1 });
  onTestFinished(() => sql.end());
  const committed = sql.begin(async (tx) => {
    await tx`update installations set external_org_name = 'slow' where id = ${installation}`;
    await writer.installations.setPermissions(other, { begun: "later" });
    await until(() => seen.some(({ kind }) => kind === "history"), "what was committed first is announced");
    const first = await reader.installationChanges.after(begun, 10);
    expect(first.map(({ installation: { id } }) => id)).toEqual([other]);
    seen.length = 0;
  });
  await committed;
  await until(() => seen.some(({ kind }) => kind === "history"), "what was committed second is announced");
  const both = await reader.installationChanges.after(begun, 10);
  expect(both.map(({ sequence, installation: { id } }) => [sequence, id])).toEqual([
    [begun + 1, other],
    [begun + 2, installation],
  ]);
});
