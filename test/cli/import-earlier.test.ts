import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { expect, test } from "vitest";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { eventsOf } from "../end-to-end/support/links.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { createFakePooler } from "../process/fake-pooler.ts";
import { createTestDatabase } from "../support/database.ts";

const ownKey = Buffer.alloc(32, 7).toString("base64url");
const shared = useService({ env: { TOKEN_ENCRYPTION_KEY: ownKey } });
/** Of test/fixtures/earlier-service/make.py: the key, and the one before it. */
const key = "ZWFybGllci1zZXJ2aWNlLWtleS1vZi10aGUtdGVzdHM=,dGhlLWtleS1iZWZvcmUtaXQtb2YtdGhlLXRlc3RzLi4=";
const idOf = (number: number) => `6f0e0c5a-0000-4000-8000-0000000000${String(number).padStart(2, "0")}`;

function fixture(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../fixtures/earlier-service/${name}`, import.meta.url)), "utf8");
}

async function run(args: readonly string[], { platforms = true, ...env }: Record<string, string | boolean> = {}) {
  const { sandbox, databaseUrl, replicas } = shared.service;
  const lines: string[] = [];
  const complaints: string[] = [];
  const code = await runCommand(["import", ...args], {
    env: {
      ...throwAwayDatabase,
      ...(platforms === true ? sandbox.environment : {}),
      ...{ BASE_URL: replicas[0]!.publicUrl, DATABASE_URL: databaseUrl, TOKEN_ENCRYPTION_KEY: ownKey },
      ...(env as Record<string, string>),
    },
    readFile: (path) => readFileSync(path, "utf8"),
    now: () => new Date(),
    random: randomBytes,
    print: (line) => void lines.push(line),
    complain: (line) => void complaints.push(line),
  });
  return { code, lines, complaints: complaints.filter((line) => !line.includes("database.may_lose_commits")) };
}

async function inDatabase(script: string, work: (url: string, sql: postgres.Sql) => Promise<void>): Promise<void> {
  const database = await createTestDatabase({ empty: true });
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(script);
    await work(database.url, sql);
  } finally {
    await sql.end();
    await database.drop();
  }
}

test("the encrypted table comes over from the very database, with a line for each row, and once", async () => {
  const { sql, caller } = shared;
  await sql.unsafe(fixture("oauth_installations.sql"));
  try {
    const account = shared.service.sandbox.github.controls.installations()[0]!;
    await sql`update oauth_installations set external_install_id = ${account.id} where id = ${idOf(11)}`;
    const from = ["--from", shared.service.databaseUrl.replace("postgres://", "postgresql+asyncpg://"), "--key", key];

    const expected = (verb: string) => [
      `installation ${idOf(15)} (confluence) ${verb}`,
      `installation ${idOf(14)} (slack) ${verb}`,
      `installation ${idOf(13)} (github) FAILED: it has neither an external_install_id nor a token: set external_install_id there, or connect it here`,
      expect.stringMatching(
        `installation ${idOf(12)} \\(jira\\) FAILED: it has no external_org_id, the cloud id of its site, and jira does not tell \\(.*\\): set it there`,
      ),
      `installation ${idOf(11)} (github) ${verb}`,
      `installation ${idOf(10)} (gitlab) FAILED: this version knows no such platform: it knows github, github-oauth, jira, confluence, slack, sentry`,
      `installation ${idOf(9)} (slack) ${verb}`,
      `installation ${idOf(8)} (slack) FAILED: its organization has a newer row, ${idOf(9)}: tell callers that id, and set the status of this one to revoked there`,
      `installation ${idOf(7)} (slack) is left out: it was revoked there at 2026-01-20T08:00:00.000Z`,
      `installation ${idOf(6)} (jira) ${verb}: its token ended at 2026-01-06T11:00:00.000Z, and it has no refresh token: it asks for reauthorization, so connect it again`,
      `installation ${idOf(5)} (slack) FAILED: no key opens its tokens: give the key of the earlier service with --key, several with commas, and run it again`,
      `installation ${idOf(4)} (slack) ${verb}`,
      `installation ${idOf(3)} (jira) ${verb}: its token_expires_at is later than such a token lives, or of another time zone: it is believed for 60 minutes`,
      ...[2, 1].map((n) => `installation ${idOf(n)} (${n === 2 ? "slack" : "github"}) ${verb}`),
    ];
    const dry = await run([...from, "--dry-run"]);
    expect(dry.lines).toEqual([
      ...expected("would come over"),
      "9 would come over, and nothing was done; 0 were here before, 1 were left out, 5 failed",
    ]);
    expect(dry.code).toBe(1);
    expect(await sql`select id from installations`).toHaveLength(0);

    const done = await run(from);
    expect(done.lines).toEqual([
      ...expected("came over"),
      "9 came over; 0 were here before, 1 were left out, 5 failed",
    ]);
    expect(done).toMatchObject({ code: 1, complaints: [expect.stringContaining("5 rows did not come over")] });

    expect(await caller.token({ installation_id: idOf(2) })).toMatchObject({
      ...{ access_token: "xoxb-earlier-bot", external_org_id: "T0EARLIER", expire_time: null },
      scopes: ["chat:write", "channels:read"],
    });
    expect(await caller.token({ platform: "slack", external_org_id: "T0BEFORE" })).toMatchObject({
      access_token: "xoxb-before",
    });
    expect(await caller.token({ installation_id: idOf(9) })).toMatchObject({ access_token: "xoxb-newer" });
    const jira = await caller.token({ installation_id: idOf(3) });
    expect(jira).toMatchObject({ access_token: "jira-access" });
    // What the row says, the end of a century, is no life of a token there.
    const left = Number(jira.expire_time?.seconds) - Date.now() / 1000;
    expect(left > 3_000 && left <= 3_601).toBe(true);
    expect(await caller.refusal({ installation_id: idOf(6) })).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
    expect(await caller.installation(idOf(11))).toMatchObject({
      ...{ external_org_id: String(account.account.id), external_org_name: account.account.login },
      status: "INSTALLATION_STATUS_ACTIVE",
    });
    expect(await caller.token({ installation_id: idOf(11) })).toMatchObject({ token_type: "Bearer" });
    const rest = async (path: string, method = "GET") => {
      const response = await fetch(`${shared.service.replicas[0]!.internalUrl}${path}`, { method });
      return JSON.parse(await response.text());
    };
    expect(await rest("/oauth/token/slack?org_id=T0EARLIER")).toMatchObject({ access_token: "xoxb-earlier-bot" });
    expect(await rest(`/oauth/token/slack?installation_id=${idOf(9)}`)).toMatchObject({ access_token: "xoxb-newer" });
    expect(await rest(`/oauth/token/github?installation_id=${account.id}`)).toMatchObject({
      installation_id: idOf(11),
    });
    const listed = await rest("/oauth/installations?platform=slack");
    expect(listed.installations.map(({ id }: { id: string }) => id).toSorted()).toEqual([2, 4, 9, 14].map(idOf));
    expect(await rest(`/oauth/installations/${idOf(4)}`, "DELETE")).toMatchObject({ success: true });

    const both = await sql`select products from installations where id = ${idOf(15)}`;
    expect(both).toEqual([{ products: ["jira", "confluence"] }]);

    const kept =
      JSON.stringify(await sql`select * from credentials`) + JSON.stringify(await sql`select * from installations`);
    expect(kept).not.toMatch(/xoxb-|jira-access|jira-refresh|ghs_|both-refresh|incoming_webhook/);
    const recorded = await eventsOf(caller, "installation.imported");
    expect(recorded).toHaveLength(9);
    expect(recorded).toContainEqual(
      expect.objectContaining({ installation_id: idOf(2), platform: "slack", caller: "operator", method: "import" }),
    );

    // Whatever became of it since: what was revoked here does not come again, and what was refreshed stays.
    await caller.revoke(idOf(14));
    const before = await sql`select id, version, access_token from credentials order by id`;
    const again = await run(from);
    expect(again.lines.filter((line) => line.endsWith("is here already"))).toHaveLength(9);
    expect(again.lines.at(-1)).toBe("0 came over; 9 were here before, 1 were left out, 5 failed");
    expect(await sql`select id, version, access_token from credentials order by id`).toEqual(before);
    expect(await eventsOf(caller, "installation.imported")).toHaveLength(9);
  } finally {
    await sql`drop table oauth_installations`;
  }
});

test("the table of the other schema comes over from another database, found where it is", async () => {
  await inDatabase(fixture("installations.sql"), async (url) => {
    const elsewhere = await run(["--from", url, "--key", key]);
    expect(elsewhere).toMatchObject({ code: 1, lines: [] });
    expect(elsewhere.complaints).toEqual([
      "the table is in the schema earlier: add ?schema=earlier to the URL of --from",
    ]);

    const from = ["--from", `${url}?schema=earlier`, "--key", key];
    const json = await run([...from, "--json"]);
    expect(json.code).toBe(1);
    const { rows, ...counts } = JSON.parse(json.lines[0]!);
    expect(counts).toEqual({ dry_run: false, imported: 5, here: 0, left_out: 1, failed: 1 });
    expect(rows.filter(({ outcome }: { outcome: string }) => outcome === "failed")).toEqual([
      {
        ...{ id: idOf(46), installation_id: idOf(46), platform: "slack", outcome: "failed" },
        message: "its status is none that is known: set it to active, suspended or revoked there",
      },
    ]);
    expect(rows.find(({ id }: { id: string }) => id === idOf(41)).message).toBe(
      "its private_key is left behind, since that of the settings counts; its webhook_secret is left behind, since that of the settings counts",
    );
    const { caller, sql } = shared;
    expect(await caller.token({ installation_id: idOf(42) })).toMatchObject({ access_token: "xoxb-forty-two" });
    const stored = await sql`
      select id, status, scopes, permissions, metadata, external_install_id, last_used_at, created_at from installations order by id`;
    expect(stored).toMatchObject([
      {
        ...{
          id: idOf(41),
          status: "active",
          scopes: [],
          permissions: { contents: "write" },
          external_install_id: "41041",
        },
        ...{ created_at: new Date("2026-02-01T10:00:00Z"), last_used_at: new Date("2026-02-03T04:05:06Z") },
      },
      { id: idOf(42), scopes: ["chat:write"] },
      { id: idOf(43), status: "active", scopes: ["read:jira-work"] },
      { id: idOf(44), status: "suspended" },
      { id: idOf(47), status: "active", external_install_id: "7a485448-a9e2-4c85-8a3c-4f44175783c9" },
    ]);
    // Ended by its row: the platform is asked with the refresh token, which the sandbox never gave.
    expect(await caller.refusal({ installation_id: idOf(43) })).toMatchObject({ reason: expect.any(String) });
  });
});

test("where the service's own tables would have the same name, it is told to take a schema of its own, and does", async () => {
  const script = fixture("installations.sql")
    .replace("create schema earlier;", "create schema tokens;")
    .replaceAll("earlier.installations", "installations");
  await inDatabase(script, async (url) => {
    const refused = await run(["--from", url], { DATABASE_URL: url });
    expect(refused.complaints).toEqual([
      "the schema public has a table installations that is not this service's: make a schema for it (create schema tokens) and name that in the database URL (?schema=tokens)",
    ]);
    const done = await run(["--from", url, "--key", key], { DATABASE_URL: `${url}?schema=tokens` });
    expect(done.lines.at(-1)).toBe("5 came over; 0 were here before, 1 were left out, 1 failed");
  });
});

test("ids that are no UUIDs, times with zones, bytes and lists in texts are read; what is connected here stays", async () => {
  const here = await shared.service.connect("slack");
  const script = `
    create table oauth_installations (id serial primary key, platform text, external_org_id text, access_token_encrypted bytea,
      token_expires_at timestamptz, scopes text, metadata text, created_at timestamptz);
    insert into oauth_installations (platform, external_org_id, access_token_encrypted, token_expires_at, scopes, metadata, created_at)
      values ('slack', 'T0BYTES', 'xoxb-bytes', null, 'chat:write,users:read', '{"domain":"d"}', '2026-01-01 10:00:00+05:30'),
        ('slack', 'T0ACME001', 'xoxb-acme', null, '["chat:write"]', null, null),
        ('jira', 'c1', null, null, null, null, null);`;
  await inDatabase(script, async (url) => {
    const first = await run(["--from", url], { platforms: false });
    const [one, ...others] = first.lines;
    const id = /^installation 1 \(slack\) came over as (\S+)$/.exec(one!)?.[1];
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(others.slice(0, 2)).toEqual([
      `installation 2 (slack) FAILED: its organization is connected here already, as ${here.installation_id}, which stays as it is: tell callers that id, or revoke it and run this again`,
      expect.stringMatching(
        /^installation 3 \(jira\) came over as \S+: it has no token: it asks for reauthorization, so connect it again$/,
      ),
    ]);
    expect(await shared.caller.token({ installation_id: id! })).toMatchObject({ access_token: "xoxb-bytes" });
    const [row] = await shared.sql`select scopes, metadata, created_at from installations where id = ${id!}`;
    expect(row).toEqual({
      ...{ scopes: ["chat:write", "users:read"], metadata: { domain: "d" } },
      created_at: new Date("2026-01-01T04:30:00Z"),
    });
    const second = await run(["--from", url], { platforms: false });
    expect(second.lines[0]).toBe("installation 1 (slack) is here already");
  });
});

test("who connects a site again takes the place of the person whom nobody knew, under the id that callers know", async () => {
  const { sql, caller } = shared;
  const site = "1324a887-45db-4bf4-8e99-ef0ff456d421";
  await inDatabase(
    `create table oauth_installations (id uuid primary key, platform text, external_org_id text, refresh_token_encrypted text);
     insert into oauth_installations values ('${idOf(71)}', 'jira', '${site}', 'spent-elsewhere')`,
    async (url) => {
      expect(await run(["--from", url])).toMatchObject({ code: 0 });
    },
  );
  const connected = await shared.service.connect("jira");
  expect(connected.installations.map(({ id }) => id)).toContain(idOf(71));
  expect((await caller.token({ installation_id: idOf(71) })).access_token).not.toBe("");
  expect(
    await sql`select count(*)::int as links from installation_credentials where installation_id = ${idOf(71)}`,
  ).toEqual([{ links: 1 }]);
});

test("run again, what is here is told as here, whatever its row has come to; one that was revoked there is pointed out", async () => {
  const site = "1324a887-45db-4bf4-8e99-ef0ff456d421";
  const script = `
    create table oauth_installations (id uuid primary key, platform text, external_org_id text, access_token_encrypted text,
      refresh_token_encrypted text, created_at timestamp, revoked_at timestamp);
    insert into oauth_installations (id, platform, external_org_id, access_token_encrypted, created_at) values
      ('${idOf(81)}', 'slack', 'T0LEFT', 'xoxb-left', '2026-01-03'),
      ('${idOf(82)}', 'slack', 'T0LOCKED', 'xoxb-locked', '2026-01-02'),
      ('${idOf(83)}', 'jira', '${site}', 'jira-access', '2026-01-01');`;
  await inDatabase(script, async (url, there) => {
    expect((await run(["--from", url])).lines.at(-1)).toBe(
      "3 came over; 0 were here before, 0 were left out, 0 failed",
    );
    await there`update oauth_installations set revoked_at = '2026-02-01' where id = ${idOf(81)}`;
    await there`update oauth_installations set access_token_encrypted = 'gAAAAABunknown' where id = ${idOf(82)}`;
    // Who asks the platform now, with a token that it never gave, is told nothing.
    await there`update oauth_installations set external_org_id = null where id = ${idOf(83)}`;
    await there`insert into oauth_installations values (${idOf(84)}, 'slack', 'T0LEFT', 'xoxb-older', null, '2025-01-01')`;
    const again = await run(["--from", url]);
    expect(again.lines).toEqual([
      `installation ${idOf(81)} (slack) is here already: it was revoked there, and is served here: end it with installations revoke ${idOf(81)}, or let it be`,
      `installation ${idOf(82)} (slack) is here already`,
      `installation ${idOf(83)} (jira) is here already`,
      expect.stringContaining(`installation ${idOf(84)} (slack) FAILED: its organization has a newer row, ${idOf(81)}`),
      "0 came over; 3 were here before, 0 were left out, 1 failed",
    ]);
    await shared.caller.revoke(idOf(81));
    expect((await run(["--from", url])).lines[0]).toBe(`installation ${idOf(81)} (slack) is here already`);
  });
});

test("a row with text that no database of ours takes fails by itself, and what looks like it in JSON does not", async () => {
  const script = `
    create table installations (id uuid primary key, platform text, external_org_id text, access_token text, metadata json,
      permissions text);
    insert into installations values
      ('${idOf(91)}', 'slack', 'T0ZERO', 'xoxb-zero', '{"domain": "a\\u0000b"}', null),
      ('${idOf(92)}', 'slack', 'T0HALF', 'xoxb-half', '{"domain": "\\ud83d"}', null),
      ('${idOf(93)}', 'slack', 'T0WHOLE', 'xoxb-whole', '{"domain": "\\ud83d\\ude00"}', '{"a": "\\ud83d\\ude00"}');`;
  await inDatabase(script, async (url) => {
    const wrong = "(slack) FAILED: it holds a character that no text may have: correct it there";
    expect((await run(["--from", url])).lines).toEqual([
      `installation ${idOf(91)} ${wrong}`,
      `installation ${idOf(92)} ${wrong}`,
      `installation ${idOf(93)} (slack) came over`,
      "1 came over; 0 were here before, 0 were left out, 2 failed",
    ]);
    expect(await shared.sql`select metadata from installations`).toEqual([{ metadata: { domain: "\u{1f600}" } }]);
  });
});

const oneRow = `create table oauth_installations (id uuid primary key, platform text, external_org_id text, access_token text);
  insert into oauth_installations values ('${idOf(95)}', 'slack', 'T0ONE', 'xoxb-one')`;

test("keys of another database are refused before anything is sealed with them, and a new first key is pointed out", async () => {
  const other = Buffer.alloc(32, 8).toString("base64url");
  await inDatabase(oneRow, async (url) => {
    const refused = await run(["--from", url], { TOKEN_ENCRYPTION_KEY: other });
    expect(refused).toMatchObject({ code: 1, lines: [] });
    expect(refused.complaints.join()).toContain("none of TOKEN_ENCRYPTION_KEY opens what this database was begun with");
    expect(await shared.sql`select id from installations`).toHaveLength(0);
    const { code, complaints } = await run(["--from", url], { TOKEN_ENCRYPTION_KEY: `${other},${ownKey}` });
    expect([code, complaints.join()]).toEqual([0, expect.stringContaining("every replica has to have it, too")]);
  });
});

test("a failure of our own database while rows come over is told as ours", async () => {
  await inDatabase(oneRow, async (url) => {
    await shared.sql.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no room' using errcode = '53100'; end $$;
      create trigger full_disk before insert on installations execute function refuse()`);
    const { code, complaints } = await run(["--from", url]);
    await shared.sql`drop function refuse cascade`;
    expect(code).toBe(1);
    expect(complaints).toEqual([
      `row ${idOf(95)} was not stored, and none after it: the disk of the database is full (53100); run it again, which repeats nothing`,
    ]);
  });
});

test("a user who may not read the table is told so; the password comes from the environment, and the way leads through a pooler", async () => {
  const reader = `reader_${randomBytes(6).toString("hex")}`;
  try {
    await inDatabase(oneRow, async (url, there) => {
      await there.unsafe(`create role ${reader} login password 'only-in-the-environment'`);
      const pooler = await createFakePooler(url);
      try {
        const from = Object.assign(new URL(pooler.url), { username: reader, password: "" }).href;
        const env = { PGPASSWORD: "only-in-the-environment" };
        const { complaints } = await run(["--from", from], env);
        expect(complaints).toEqual([
          "the user of --from may not read the table: grant it USAGE on the schema and SELECT there (the server says: permission denied for table oauth_installations)",
        ]);
        await there.unsafe(`grant select on oauth_installations to ${reader}`);
        await there`alter table oauth_installations enable row level security`;
        const hidden = await run(["--from", from], env);
        expect([hidden.code, hidden.complaints.join()]).toEqual([1, expect.stringContaining("row-level security")]);
        await there`alter table oauth_installations disable row level security`;
        expect(await run(["--from", from], env)).toMatchObject({ code: 0, complaints: [] });
        await there.unsafe(`drop owned by ${reader}`);
      } finally {
        await pooler.close();
      }
    });
  } finally {
    await shared.sql.unsafe(`drop role if exists ${reader}`);
  }
});

test.each(["postgres:user:hunter2@db/agents", "host=db user=u password=hunter2", "postgresql:/u:hunter2@db/agents"])(
  "what is nearly a database's URL is not taken for a folder, and not repeated: %s",
  async (from) => {
    const { code, complaints } = await run(["--from", from]);
    expect(code).toBe(2);
    expect(complaints.join()).toContain("--from is not the URL of a database");
    expect(complaints.join()).not.toContain("hunter2");
  },
);

test("what cannot be used is told before anything is done", async () => {
  const url = shared.service.databaseUrl;
  expect((await run(["--from", url])).complaints).toEqual([
    "the database of --from has no table oauth_installations or installations of an earlier service that this user may see",
  ]);
  expect((await run(["--from", url, "--key", "short"])).complaints[0]).toContain(
    "--key: the 1st key is not a Fernet key",
  );
  expect((await run(["--from", "/srv/data", "--key", key])).code).toBe(2);
  const wrong = await run(["--from", "mysql://root@localhost/db"]);
  expect(wrong.complaints.join("\n")).toContain("--from");
  const away = await run(["--from", "postgresql://user:hunter2@127.0.0.1:1/db"]);
  expect(away.complaints.join("\n")).toContain("port 1, database db");
  expect(away.complaints.join("\n")).not.toContain("hunter2");
});
