import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll, describe, expect, test } from "vitest";
import { targetOf } from "../../../rig/postgres-target.ts";
import { type Caller, createCaller } from "../../../src/domain/access/caller.ts";
import { createChangeTail } from "../../../src/domain/watching/change-tail.ts";
import type { Place } from "../../../src/domain/watching/place.ts";
import {
  createWatchInstallations,
  type WatchEvent,
  type WatchFilter,
} from "../../../src/domain/watching/watch-installations.ts";
import { ServiceError } from "../../../src/errors.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { jiraContext, sites, slackContext, unique, workspace } from "../../contract/connections.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { call } from "../../support/call.ts";
import { createTestDatabase } from "../../support/database.ts";
import { onlyPlatforms, scriptedPlatform } from "../../support/scripted-platform.ts";

const database = await createTestDatabase();
const tools = createTools();
const open = () => openPostgres({ target: targetOf(database.url), log: silentLog, ...tools });
const replicas = [await open(), await open()] as const;
const [storage] = replicas;
const sql = postgres(database.url, { max: 6, onnotice: () => undefined });
afterAll(async () => {
  await sql.end();
  for (const replica of replicas) await replica.close();
  await database.drop();
});

const platforms = onlyPlatforms(
  scriptedPlatform({ name: "slack" }),
  scriptedPlatform({ name: "jira", products: ["jira", "confluence"], holder: "person" }),
);
const watches = replicas.map(({ installations, installationChanges: changes, changes: feed }) => ({
  changes,
  watch: (silenceMs?: number) =>
    createWatchInstallations({
      ...{ installations, changes, platforms, tail: createChangeTail({ history: changes, feed }) },
      ...(silenceMs === undefined ? {} : { silenceMs }),
    }),
}));

/** A stream that is read step by step. */
function watched(
  options: { filter?: WatchFilter; from?: Place; as?: Caller; replica?: 0 | 1; silenceMs?: number } = {},
) {
  const ended = new AbortController();
  const watch = watches[options.replica ?? 0]?.watch(options.silenceMs);
  if (watch === undefined) throw new Error("no such replica");
  const asking = call({ method: "WatchInstallations", ...(options.as && { as: options.as }) });
  const events = watch(options.filter ?? {}, options.from, asking, ended.signal)[Symbol.asyncIterator]();
  const next = async (): Promise<WatchEvent> => (await events.next()).value;
  return {
    ended,
    next,
    /** All of it until it is in step. */
    async synced() {
      const seen: WatchEvent[] = [];
      for (;;) {
        const event = await next();
        if (event.kind === "synced") return { seen, place: event.place };
        seen.push(event);
      }
    },
    async close() {
      ended.abort(new Error("hung up"));
      await events.next().catch(() => undefined);
    },
  };
}

const kindsOf = (events: readonly WatchEvent[], ids: readonly string[]) =>
  events.flatMap((event) => {
    if (event.kind === "synced" || !ids.includes(event.installation.id)) return [];
    return [[event.kind, event.installation.status, event.installation.owner]];
  });

function limited(owners: readonly string[], products: readonly string[] = ["slack", "jira", "confluence"]): Caller {
  const nothing = { ceilings: new Map(), rate: undefined, returnOrigins: new Set<string>(), completeInCallback: false };
  const rule = { ...nothing, methods: "all" as const, products: new Set(products), owners: new Set(owners) };
  return createCaller(`of ${owners}`, [rule], "hash");
}

const connect = async (owner?: string) => {
  const [made] = await storage.installations.connect(workspace(unique("T"), "t"), slackContext(new Date(), owner));
  return made?.id ?? "";
};

describe("watching", () => {
  test("gives what is there, then each change, whichever replica made it", async () => {
    const owner = unique("owner");
    const ids = [await connect(owner), await connect(owner)];
    await storage.installations.beginRevocation(await connect(owner), "before", new Date());
    const stream = watched({ filter: { owner }, replica: 1 });
    const { seen } = await stream.synced();
    expect(seen.map(({ kind }) => kind)).toEqual(["present", "present"]);
    expect(kindsOf(seen, ids)).toHaveLength(2);
    const id = await connect(owner);
    await connect(unique("other"));
    await storage.installations.beginRevocation(id, "over", new Date());
    expect(kindsOf([await stream.next(), await stream.next()], [id])).toEqual([
      ["created", "active", owner],
      ["ended", "revoked", owner],
    ]);
    await stream.close();
  });

  test("resumes behind the last thing that was told, and repeats nothing", async () => {
    const owner = unique("owner");
    const first = watched({ filter: { owner } });
    const { place } = await first.synced();
    await first.close();
    const id = await connect(owner);
    await storage.installations.beginRevocation(id, "over", new Date());
    const second = watched({ filter: { owner }, from: place, replica: 1 });
    const created = await second.next();
    expect(kindsOf([created], [id])).toEqual([["created", "active", owner]]);
    await second.close();
    const third = watched({ filter: { owner }, from: created.kind === "created" ? created.place : place });
    expect(kindsOf((await third.synced()).seen, [id])).toEqual([["ended", "revoked", owner]]);
    await third.close();
  });

  test("begins anew from a place that is forgotten, not reached yet, or of another history", async () => {
    const owner = unique("owner");
    const id = await connect(owner);
    const latest = await storage.installationChanges.latest();
    const mark = (await storage.installationChanges.markOf(latest)) ?? "";
    for (const from of [
      { sequence: latest + 5, mark },
      { sequence: latest, mark: "2020-01-01T00:00:00.000Z" },
      { sequence: 0, mark: "another database" },
    ]) {
      const stream = watched({ filter: { owner }, from });
      expect(kindsOf((await stream.synced()).seen, [id])).toEqual([["present", "active", owner]]);
      await stream.close();
    }
  });

  test("says that it is in step when nothing happens, behind what others did", async () => {
    const owner = unique("owner");
    const stream = watched({ filter: { owner }, silenceMs: 40 });
    const { place } = await stream.synced();
    await connect(unique("other"));
    let later = await stream.next();
    while (later.kind === "synced" && later.place.sequence === place.sequence) later = await stream.next();
    expect(later).toMatchObject({ kind: "synced", place: { sequence: place.sequence + 1 } });
    await stream.close();
  });

  test("tells of what comes into sight and leaves it, without a word of the other owner", async () => {
    const [mine, theirs] = [unique("owner"), unique("owner")];
    const id = await connect(mine);
    const [a, b, both] = [limited([mine]), limited([theirs]), limited([mine, theirs])].map((as) => watched({ as }));
    const present = await a?.synced();
    expect(kindsOf(present?.seen ?? [], [id])).toEqual([["present", "active", mine]]);
    expect((await b?.synced())?.seen).toEqual([]);
    await both?.synced();
    await connect(undefined);
    await storage.installations.move(id, theirs, new Date());
    const left = await a?.next();
    expect(left).toMatchObject({ kind: "ended", installation: { id, owner: mine, installedBy: "U1" } });
    expect(await b?.next()).toMatchObject({ kind: "created", installation: { id, owner: theirs } });
    expect(await both?.next()).toMatchObject({ kind: "updated", installation: { id, owner: theirs } });
    // Who comes back from before the move sees how it ended, and nothing behind that.
    await storage.installations.beginRevocation(id, "over", new Date());
    const late = watched({ as: limited([mine]), ...(present && { from: present.place }) });
    expect(kindsOf((await late.synced()).seen, [id])).toEqual([["ended", "active", mine]]);
    for (const stream of [a, b, both, late]) await stream?.close();
  });

  test("is of one product where that is asked for", async () => {
    const [person, site] = [unique("person"), unique("site")];
    const stream = watched({ filter: { platform: "confluence" } });
    await stream.synced();
    const grant = sites(person, "t", [site]);
    const [made] = await storage.installations.connect(grant, jiraContext(new Date()));
    expect(await stream.next()).toMatchObject({ kind: "created", installation: { id: made?.id } });
    const jiraAlone = { ...grant, installations: grant.installations.map((one) => ({ ...one, products: ["jira"] })) };
    await storage.installations.connect(jiraAlone, jiraContext(new Date()));
    const left = await stream.next();
    expect(left).toMatchObject({ kind: "ended", installation: { id: made?.id, products: ["jira", "confluence"] } });
    await stream.close();
  });

  test("refuses before any look-up what the caller may not see, and platforms that nobody knows", () => {
    const as = limited(["acme"], ["slack"]);
    expect(() => watched({ as, filter: { owner: "globex" } })).toThrow(ServiceError);
    expect(() => watched({ as, filter: { platform: "jira" } })).toThrow("may not call WatchInstallations");
    expect(() => watched({ filter: { platform: "myspace" } })).toThrow("unknown platform");
  });

  test("ends with the reason it is given, also while it waits", async () => {
    const stream = watched({ filter: { owner: unique("owner") } });
    await stream.synced();
    const waiting = stream.next();
    stream.ended.abort(new ServiceError("SERVICE_UNAVAILABLE", "this replica is shutting down"));
    await expect(waiting).rejects.toThrow("this replica is shutting down");
  });

  test("ends where the database was set back and went another way, and then begins anew without what never was", async () => {
    const owner = unique("owner");
    await connect(owner);
    const { latest } = storage.installationChanges;
    const stream = watched({ filter: { owner } });
    await stream.synced();
    const lost = await connect(owner);
    expect(kindsOf([await stream.next()], [lost])).toHaveLength(1);
    await sql`delete from installation_changes where sequence = ${await latest()}`;
    await connect(owner);
    await connect(owner);
    await expect(stream.next()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    const again = watched({ filter: { owner } });
    expect((await again.synced()).place.sequence).toBe(await latest());
    const id = await connect(owner);
    expect(await again.next()).toMatchObject({ kind: "created", installation: { id } });
    await again.close();
  });

  test("shows a former owner nothing of how the installation fares since", async () => {
    const [mine, theirs] = [unique("owner"), unique("owner")];
    const stream = watched({ as: limited([mine]) });
    const { place } = await stream.synced();
    await stream.close();
    const id = await connect(mine);
    await storage.installations.move(id, theirs, new Date());
    await sql`update installations set last_used_at = now() where id = ${id}`;
    await sql`insert into webhooks (subject, platform, installation_id, url) values (${id}, 'slack', ${id}, 'https://theirs')`;
    const late = watched({ as: limited([mine]), from: place });
    const { seen } = await late.synced();
    expect(kindsOf(seen, [id]).map(([kind]) => kind)).toEqual(["created", "ended"]);
    for (const event of seen) {
      expect(event).toMatchObject({ installation: { owner: mine, lastUsedAt: undefined } });
      expect(event.kind !== "synced" && event.installation.webhook?.url).not.toBe("https://theirs");
    }
    await late.close();
  });

  test("ends where changes that were not read are forgotten", async () => {
    const owner = unique("owner");
    const stream = watched({ filter: { owner } });
    await stream.synced();
    await sql.begin(async (tx) => {
      await tx`insert into installation_changes
        select max(sequence) + 2, gen_random_uuid(), 'ended', now(), '{"createdAt": "2026-01-01", "updatedAt": "2026-01-01", "revokedAt": null}'
        from installation_changes`;
    });
    await connect(owner);
    await expect(stream.next()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    await sql`delete from installation_changes`;
  });
});

describe("a client that comes back again and again", () => {
  const rounds = 5_500;
  /** Anything that can happen, each in a transaction of its own, beside the same of others. */
  const happenings = `do $$
    declare
      one uuid;
    begin
      for n in 1..${rounds} loop
        select id into one from installations where status not in ('revoked', 'pending')
          offset floor(random() * 40) limit 1 for update skip locked;
        if n % 10 < 3 or one is null then
          insert into installations (
            id, platform, products, status, owner, external_org_id, external_org_name, scopes, permissions, metadata,
            created_at, updated_at
          ) values (
            gen_random_uuid(), 'slack', '{slack}', case when n % 10 = 0 then 'pending' else 'active' end, 'o' || n % 3,
            gen_random_uuid(), 'name', '{}', '{}', '{}', now(), now()
          );
        elsif n % 10 = 3 then
          delete from installations where id = (
            select id from installations where status = 'pending' limit 1 for update skip locked
          );
        elsif n % 10 = 4 then
          update installations set status = 'revoked', revoked_at = now() where id = one;
        elsif n % 10 = 5 then
          update installations set owner = 'o' || floor(random() * 3) where id = one;
        else
          update installations set external_org_name = 'name ' || n || random() where id = one;
        end if;
        commit;
      end loop;
    end $$`;

  test("a hundred times during ten thousand changes ends with the state of the table", {
    timeout: 300_000,
  }, async () => {
    const begun = await storage.installationChanges.latest();
    let happening = 2;
    const happened = Promise.all([1, 2].map(() => sql.unsafe(happenings).finally(() => happening--)));
    const caller = limited(["o0", "o1"]);
    const all = new Map<string, string>();
    let place: Place | undefined;
    let connections = 0;
    for (let done = false; !done; ) {
      const stream = watched({ as: caller, replica: connections % 2 === 0 ? 0 : 1, ...(place && { from: place }) });
      // In the end until it is in step.
      done = happening === 0 && connections >= 100;
      connections += 1;
      if (place === undefined) all.clear();
      const steps = 1 + (randomBytes(1)[0] ?? 0);
      for (let step = 0; done || step < steps; step++) {
        const event = await stream.next();
        if (event.kind === "synced") {
          ({ place } = event);
          break;
        }
        const { id, status, owner, externalOrgName } = event.installation;
        if (event.kind === "ended") all.delete(id);
        else all.set(id, [status, owner, externalOrgName].join(" "));
        if (event.kind !== "present") ({ place } = event);
      }
      await stream.close();
    }
    await happened;
    expect(connections).toBeGreaterThan(100);
    expect((await storage.installationChanges.latest()) - begun).toBeGreaterThan(10_000);
    const rows = await sql`
      select id, status, owner, external_org_name from installations where status <> 'revoked' and owner in ('o0', 'o1')`;
    const table = rows.map((row) => [row.id, [row.status, row.owner, row.external_org_name].join(" ")] as const);
    expect(new Map([...all].toSorted())).toEqual(new Map(table.toSorted()));
  });
});
