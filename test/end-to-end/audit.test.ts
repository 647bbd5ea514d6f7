import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();

/** First hand-outs. Counts of the test before may still be written during this one. */
async function issued() {
  return shared.sql`select * from audit_events where kind = 'token.issued' order by at, id`;
}

async function breakAudit(): Promise<void> {
  await shared.sql.unsafe(`
    create or replace function refuse_audit() returns trigger language plpgsql as
      $$ begin raise exception 'no space left for %', new.token_fingerprint; end $$;
    create or replace trigger refuse_audit before insert on audit_events for each row execute function refuse_audit()`);
}

async function repairAudit(): Promise<void> {
  await shared.sql`drop trigger if exists refuse_audit on audit_events`;
}

describe("no audit, no token:", () => {
  test("while rows cannot be written, no door gives a token, and all do again afterwards", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("github");
    const { internalUrl } = service.replicas[0]!;
    const rest = () => fetch(`${internalUrl}/oauth/token/github`);
    await breakAudit();
    try {
      const answers = await Promise.all(Array.from({ length: 10 }, () => caller.getToken({ installation_id })));
      for (const { token, refusal } of answers) {
        expect(token).toBeUndefined();
        expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
        expect(refusal?.retryAfterMs).toBeGreaterThan(0);
      }
      expect(await caller.refusal({ platform: "github", repositories: ["api"] })).toMatchObject({
        reason: "SERVICE_UNAVAILABLE",
      });
      const answer = await rest();
      const text = await answer.text();
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(shared.secrets.all.filter((secret) => text.includes(secret))).toEqual([]);
      expect(text).not.toContain("space");
      expect(await issued()).toHaveLength(0);
    } finally {
      await repairAudit();
    }
    const token = await caller.token({ installation_id });
    expect((await rest()).status).toBe(200);
    expect(await issued()).toMatchObject([{ token_fingerprint: token.token_id }]);
  });

  test("an answer waits until its row is committed", async () => {
    const { service, caller, sql } = shared;
    const { installation_id } = await service.connect("slack");
    let answered = false;
    const asked = await sql.begin(async (tx) => {
      await tx`lock table audit_events in exclusive mode`;
      const answer = caller.token({ installation_id });
      answer.then(() => {
        answered = true;
      });
      await until(async () => {
        const [waiting] = await sql`
          select count(*)::int as count from pg_locks l join pg_database d on d.oid = l.database
          where not l.granted and d.datname = current_database()`;
        return waiting?.count > 0;
      }, "the row waits for the lock");
      expect(answered).toBe(false);
      return { answer };
    });
    const token = await asked.answer;
    expect(await issued()).toMatchObject([{ token_fingerprint: token.token_id }]);
  });

  test("a token that is on record already is still handed out, and its count is written later", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("slack");
    await caller.token({ installation_id });
    await breakAudit();
    try {
      for (let n = 0; n < 5; n++) await caller.token({ installation_id });
      const failures = () => service.world.lines.filter((line) => line.includes('"job.failed"')).length;
      const before = failures();
      await until(() => failures() > before, "a flush fails");
    } finally {
      await repairAudit();
    }
    await until(async () => (await repeats(installation_id)) === 5, "the counts are written");
  });
});

/** Further hand-outs on record. */
async function repeats(installationId: string): Promise<number> {
  const [row] = await shared.sql`
    select coalesce(sum(count), 0)::int as total from audit_events
    where kind = 'token.repeated' and installation_id = ${installationId}`;
  return row?.total;
}

test("one row stands for a caller and a token, and repeats are counted and written by the second", async () => {
  const { service, caller, sql } = shared;
  const { installation_id } = await service.connect("jira");
  const tokens = await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      caller.token({ installation_id }, { metadata: { "x-request-id": `request-${n}` } }),
    ),
  );
  const fingerprint = createHash("sha256").update(tokens[0]!.access_token).digest("hex");
  expect(await issued()).toMatchObject([
    {
      caller: "anonymous",
      method: "GetToken",
      installation_id,
      token_fingerprint: fingerprint,
      address: "127.0.0.1",
      request_id: expect.stringMatching(/^request-\d+$/),
      count: 1,
    },
  ]);
  await until(async () => (await repeats(installation_id)) === 29, "repeats are written");
  const used = () => sql`select 1 from installations where id = ${installation_id} and last_used_at is not null`;
  await until(async () => (await used()).length === 1, "the time of use is written");
});

test("each token of an installation has a row of its own: bot, user, narrowed, refreshed", async () => {
  const { service, caller } = shared;
  const slack = await service.connect("slack");
  await service.connect("github");
  const tokens = [
    await caller.token({ platform: "slack" }),
    await caller.token({ platform: "slack", actor: "ACTOR_USER" }),
    await caller.token({ platform: "github" }),
    await caller.token({ platform: "github", repositories: ["api"] }),
  ];
  service.clock.advance(12 * 3_600_000 + 1_000);
  tokens.push(await caller.token({ installation_id: slack.installation_id }));
  expect((await issued()).map((row) => row.token_fingerprint).toSorted()).toEqual(
    tokens.map(({ token_id }) => token_id).toSorted(),
  );
});

test("no row holds a token, and a refused call leaves none", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("github");
  await caller.token({ installation_id });
  await caller.refusal({ platform: "slack" });
  await caller.refusal({ installation_id, permissions: { contents: "admin" } });
  const recorded = await issued();
  expect(recorded).toHaveLength(1);
  const text = JSON.stringify(recorded);
  expect(shared.secrets.all.filter((secret) => text.includes(secret))).toEqual([]);
});

test("a thief's address is on record, however often the owner of the key has asked", async () => {
  const { service } = shared;
  const { installation_id } = await service.connect("slack");
  const replica = await service.startReplica({ TRUSTED_PROXIES: "127.0.0.0/8,::1/128" });
  const ask = async (address: string) => {
    const url = `${replica.internalUrl}/oauth/token/slack?installation_id=${installation_id}`;
    const answer = await fetch(url, { headers: { "x-forwarded-for": address } });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  };
  for (let n = 0; n < 5; n++) await ask("192.0.2.1");
  for (let n = 0; n < 10; n++) await ask("203.0.113.9");
  await until(async () => {
    const rows = await shared.sql`select address, kind, sum(count)::int as count from audit_events
      where installation_id = ${installation_id} and kind like 'token.%' group by 1, 2 order by 1, 2`;
    const found = rows.map(({ address, kind, count }) => `${address} ${kind} ${count}`);
    return (
      found.join() ===
      "192.0.2.1 token.issued 1,192.0.2.1 token.repeated 4,203.0.113.9 token.issued 1,203.0.113.9 token.repeated 9"
    );
  }, "both addresses are on record with all they were given");
});
