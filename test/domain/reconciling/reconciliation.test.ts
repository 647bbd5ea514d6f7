import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { ScriptedOptions } from "../../support/scripted-platform.ts";
import { connection, siteConnection, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { down, type Events, gone, grantDead, noFacts, openEvents, present } from "./open-events.ts";

let domain: Domain;
let events: Events;
const hourMs = 3_600_000;

beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  await domain.sql`delete from credentials`;
  await domain.sql`delete from installations`;
  open();
});
const open = (options: ScriptedOptions = {}) => {
  events = openEvents(domain, { narrowing: false, ...options });
};

/** So many organizations, none of which was asked about for a day. */
async function connectOld(count: number, made = () => connection({ kind: "app_installation", tokens: undefined })) {
  const ids = [];
  for (let i = 0; i < count; i++) ids.push((await domain.connect(made()))[0]!.id);
  await domain.sql`update installations set created_at = created_at - interval '25 hours'`;
  return ids;
}
const opened = async () => (await domain.sql`select id from installations where question is not null`).length;
const found = (id: string | undefined) => domain.storage.installations.find(id ?? "");

it("asks a small share at a time, each once a day, whichever replica looks", async () => {
  await connectOld(3);
  const other = openEvents(domain, { narrowing: false });
  await Promise.all([events.asking.openRoutine(), other.asking.openRoutine()]);
  expect(await opened(), "one a minute of so few").toBeLessThanOrEqual(2);
  for (let minute = 0; minute < 5; minute++) {
    await events.asking.openRoutine();
    await events.ask();
  }
  expect([events.asked, await opened()]).toEqual([3, 0]);
  await domain.sql`update installations set asked_at = asked_at - interval '25 hours'`;
  await events.asking.openRoutine();
  await events.ask();
  expect(events.asked).toBe(4);
});

it("asks neither what is new, nor what another client was given, nor what has ended", async () => {
  const [, ended] = await connectOld(2, () => {
    const made = connection({ kind: "app_installation", tokens: undefined });
    return { ...made, credentials: made.credentials.map((one) => ({ ...one, registration: "other@https://x" })) };
  });
  await domain.storage.installations.beginRevocation(ended!, "over", domain.clock.now());
  await domain.connect(connection());
  await events.asking.openRoutine();
  expect(await opened()).toBe(0);
});

it("shows what has changed, and lifts or notes a suspension that nobody told of", async () => {
  const [id] = await connectOld(1);
  events.inspected = () => ({ kind: "suspended", facts: { ...noFacts, externalOrgName: "Renamed" } });
  await events.asking.openRoutine();
  await events.ask();
  expect(await found(id)).toMatchObject({ status: "suspended", externalOrgName: "Renamed" });
  events.inspected = () => present;
  await domain.sql`update installations set asked_at = asked_at - interval '25 hours'`;
  await events.asking.openRoutine();
  await events.ask();
  expect(await found(id)).toMatchObject({ status: "active" });
  expect(events.noted.map(({ kind }) => kind)).toEqual(["installation.suspended", "installation.resumed"]);
});

it("takes nothing away that works while the platform cannot be asked, and asks again later", async () => {
  const [id] = await connectOld(1);
  events.inspected = () => down;
  await events.asking.openRoutine();
  await events.ask();
  expect(await found(id)).toMatchObject({ status: "active" });
  const [wait] =
    await domain.sql`select extract(epoch from ask_after - clock_timestamp())::float8 as s from installations`;
  expect(wait!.s).toBeGreaterThan(500);
});

it("finds an app that was removed without a word, and ends it no further than a refusal does", async () => {
  const [id] = await connectOld(1);
  await events.desk.getToken({ installationId: id! });
  events.inspected = () => gone;
  events.platform.answer = () => ({ kind: "rejected", code: "installation_removed" });
  await events.asking.openRoutine();
  await events.ask();
  expect(await found(id)).toMatchObject({ status: "reauthorization_required", lastError: "installation_removed" });
});

it("asks with a grant that rotates: a live token as it is, an old one only where a lost answer costs nothing", async () => {
  open({ reuseLeewayMs: 600_000 });
  const live = () => connection({ tokens: tokenSet({ now: domain.clock.now() }) });
  const old = () => connection({ tokens: tokenSet({ now: domain.clock.now(), ageMs: 2 * hourMs }) });
  await connectOld(1, live);
  await events.asking.openRoutine();
  await events.ask();
  expect([events.asked, events.platform.spent.length]).toEqual([1, 0]);
  await connectOld(1, old);
  await events.asking.openRoutine();
  await events.ask();
  expect([events.asked, events.platform.spent.length], "refreshed, then asked with").toEqual([2, 1]);

  open({ reuseLeewayMs: 0 });
  await domain.sql`delete from installations`;
  await connectOld(1, old);
  await events.asking.openRoutine();
  await events.ask();
  expect([events.asked, events.platform.spent.length], "nothing is spent only to ask").toEqual([0, 0]);
});

it("finds a grant that has ended by its refresh token, not by its access token alone", async () => {
  const [id] = await connectOld(1, () => connection({ tokens: tokenSet({ now: domain.clock.now() }) }));
  events.inspected = () => grantDead;
  await events.asking.openRoutine();
  await events.ask();
  expect(await found(id)).toMatchObject({ status: "active" });
  events.platform.answer = () => ({ kind: "rejected", code: "invalid_grant" });
  await domain.sql`update installations set asked_at = asked_at - interval '25 hours'`;
  await events.asking.openRoutine();
  await events.ask();
  expect(await found(id)).toMatchObject({ status: "reauthorization_required", lastError: "invalid_grant" });
});

it("lets go of a site that a grant has not reached for a day, and of no other", async () => {
  open({ holder: "person", reuseLeewayMs: 600_000 });
  const context = { holder: "person" as const };
  const tokens = tokenSet({ now: domain.clock.now(), lifeMs: 100 * hourMs });
  const made = await domain.connect(siteConnection("person-1", ["site-1", "site-2"], tokens), context);
  const idOf = (site: string) => made.find(({ externalOrgId }) => externalOrgId === site)!.id;
  events.inspected = (_, site) => (site === "site-1" ? { kind: "gone", code: "site_not_accessible" } : present);
  await domain.sql`update installations set created_at = created_at - interval '25 hours'`;
  for (let i = 0; i < 2; i++) {
    await events.asking.openRoutine();
    await events.ask();
  }
  expect(await found(idOf("site-1"))).toMatchObject({ status: "active" });
  domain.clock.advance(25 * hourMs);
  await events.ask();
  expect(await found(idOf("site-1"))).toMatchObject({ status: "reauthorization_required" });
  await expect(events.desk.getToken({ installationId: idOf("site-1") })).rejects.toMatchObject({
    reason: "REAUTHORIZATION_REQUIRED",
  });
  expect((await events.desk.getToken({ installationId: idOf("site-2") })).token).toBeDefined();
  expect(events.noted.map(({ detail }) => detail)).toEqual(["not_reached"]);
});
