import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { eventsOf, openLink, portal } from "../end-to-end/support/links.ts";
import { isAccepted } from "../end-to-end/support/platform-api.ts";
import { useService } from "../end-to-end/support/use-service.ts";

const key = Buffer.alloc(32, 7).toString("base64url");
const shared = useService({ env: { ALLOWED_RETURN_ORIGINS: portal, TOKEN_ENCRYPTION_KEY: key } });

/** Runs the command as an operator would, with the settings of the service, in this process. */
async function run(...args: string[]) {
  return runWith({}, ...args);
}

async function runWith(more: Readonly<Record<string, string>>, ...args: string[]) {
  const { sandbox, databaseUrl, replicas, world } = shared.service;
  const env = {
    ...sandbox.environment,
    ...throwAwayDatabase,
    ...{ BASE_URL: replicas[0]!.publicUrl, DATABASE_URL: databaseUrl, TOKEN_ENCRYPTION_KEY: key },
    ALLOWED_RETURN_ORIGINS: portal,
    ...more,
  };
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(args, {
    ...{ env, readFile: () => "", now: world.now, random: world.random },
    print: (line) => void out.push(line),
    complain: (line) => void (line.includes("database.may_lose_commits") || err.push(line)),
  });
  return { code, out, err };
}

const connect = async (platform: string, query = "") =>
  (await shared.service.connect(platform, { query })).installation_id;

async function document(...args: string[]) {
  const { code, out } = await run(...args, "--json");
  return { code, result: JSON.parse(out[0]!) };
}

test("installations are listed by what they are, shown as callers see them, and never with a secret", async () => {
  const slack = await connect("slack", "?owner=acme");
  const github = await connect("github", "?owner=globex");
  const { out } = await run("installations", "list");
  expect(out).toHaveLength(2);
  expect(out[0]).toMatch(new RegExp(`^${github}  active +  github +  globex  `));
  expect((await run("installations", "list", "--owner", "acme")).out).toEqual([expect.stringContaining(slack)]);
  expect((await run("installations", "list", "--platform", "github")).out).toEqual([expect.stringContaining(github)]);
  expect((await run("installations", "list", "--status", "revoked")).out).toEqual(["there are none"]);
  const listed = await document("installations", "list", "--status", "INSTALLATION_STATUS_ACTIVE");
  const fromService = await shared.caller.installation(slack);
  expect(listed.result.next_page_token).toBe("");
  expect(listed.result.installations.at(-1)).toMatchObject({ id: slack, status: "INSTALLATION_STATUS_ACTIVE" });
  const { result } = await document("installations", "show", slack);
  expect(result.installation).toMatchObject({ id: slack, owner: "acme", external_org_id: fromService.external_org_id });
  expect((await run("installations", "show", slack)).out).toContain("owner                 acme");
  expect(await run("installations", "show", crypto.randomUUID())).toMatchObject({
    code: 1,
    err: [expect.stringContaining("no installation")],
  });
});

test("a long list is gone through page by page, or at once, each of them once and in order", async () => {
  await shared.sql`
    insert into installations (id, platform, products, status, external_org_id, external_org_name, scopes, permissions,
      metadata, created_at, updated_at)
    select gen_random_uuid(), 'slack', array['slack'], 'active', 'T' || n, 'Team ' || n, '{}', '{}', '{}',
      '2026-01-01'::timestamptz + (n / 3) * interval '1 ms', now() from generate_series(1, 1204) n`;
  const all = await document("installations", "list", "--all");
  const ids = all.result.installations.map(({ id }: { id: string }) => id);
  expect(new Set(ids).size).toBe(1204);
  const parts: string[] = [];
  let after = "";
  do {
    const { result } = await document("installations", "list", "--limit", "700", ...(after && ["--after", after]));
    parts.push(...result.installations.map(({ id }: { id: string }) => id));
    after = result.next_page_token;
  } while (after !== "");
  expect(parts).toEqual(ids);
  const usual = await run("installations", "list");
  expect(usual.out).toHaveLength(100);
  const [, place] = /go on with --after (\S+),/.exec(usual.err[0] ?? "") ?? [];
  const next = await run("installations", "list", "--after", place!, "--limit", "1");
  expect(next.out[0]).toContain(ids[100]);
});

test("what an organization calls itself does nothing to the terminal", async () => {
  const id = await connect("slack");
  await shared.sql`update installations set external_org_name = ${"A\u001b[2Jcme\u202e\nid"} where id = ${id}`;
  for (const args of [["list"], ["show", id], ["revoke", id]]) {
    const { out } = await run("installations", ...args);
    expect(out.join("\n")).toContain("A\uFFFD[2Jcme\uFFFD\uFFFDid");
  }
});

test("a revocation says what it would end, and does it with --yes, on record for the operator", async () => {
  const id = await connect("slack", "?owner=acme");
  const token = await shared.caller.token({ installation_id: id });
  const asked = await run("installations", "revoke", id);
  expect(asked.code).toBe(1);
  expect(asked.out).toEqual([
    `installation ${id} (slack, Acme, owner acme) would be revoked for good`,
    "here: it gives no more tokens for slack, and what is kept for that is deleted",
    expect.stringMatching(/^at slack: its grant is revoked/),
    expect.stringMatching(/^it was (never|last) used/),
  ]);
  expect(asked.err).toEqual(["nothing was done: run it again with --yes to revoke it"]);
  expect(await isAccepted("slack", token)).toBe(true);

  const done = await document("installations", "revoke", id, "--yes", "--reason", "a lost laptop");
  expect(done).toMatchObject({ code: 0, result: { revoked: true, at_platform: "revoked" } });
  expect(await isAccepted("slack", token)).toBe(false);
  expect(await shared.caller.refusalSoon({ installation_id: id })).toMatchObject({ reason: "INSTALLATION_REVOKED" });
  expect(await eventsOf(shared.caller, "installation.revoked")).toMatchObject([
    { installation_id: id, owner: "acme", caller: "operator", method: "installations revoke" },
  ]);
  const [row] = await shared.sql`select revoke_reason from installations where id = ${id}`;
  expect(row?.revoke_reason).toBe("a lost laptop");
  // Again it does nothing, and needs no word.
  expect(await run("installations", "revoke", id)).toMatchObject({ code: 0, err: [] });
});

test("with keys of another database nothing is ended here that could not be ended at its platform", async () => {
  const id = await connect("slack", "?owner=acme");
  const wrong = { TOKEN_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64url") };
  for (const args of [
    ["installations", "revoke", id, "--yes"],
    ["offboard", "acme", "--yes"],
  ]) {
    expect(await runWith(wrong, ...args)).toMatchObject({
      ...{ code: 1, out: [] },
      err: [expect.stringContaining("none of TOKEN_ENCRYPTION_KEY opens what this database was begun with")],
    });
  }
  expect(await shared.caller.installation(id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });
});

test("a link of the operator connects once, for its owner, on record", async () => {
  const { code, result } = await document("link", "create", "slack", "--owner", "acme", "--complete-in-callback");
  expect(code).toBe(0);
  const life = new Date(result.expire_time).getTime() - shared.service.clock.now().getTime();
  expect(Math.abs(life - 600_000)).toBeLessThan(60_000);
  const browser = createBrowser();
  await browser.visit(await openLink(browser, new URL(result.url)), { accept: "application/json" });
  expect(await shared.caller.token({ platform: "slack", owner: "acme" })).toMatchObject({
    external_org_id: "T0ACME001",
  });
  expect((await createBrowser().get(result.url)).status).toBe(403);
  expect(await eventsOf(shared.caller, "link.created")).toMatchObject([
    { owner: "acme", platform: "slack", caller: "operator", method: "link create" },
  ]);
});

test("a link of the operator also begins where a caller file says who may make links", async () => {
  const file = fileURLToPath(new URL("../../rig/callers/callers.yaml", import.meta.url));
  const port = String(await freePort());
  const base = `http://localhost:${port}`;
  await shared.service.startReplica({ PORT: port, BASE_URL: base, AUTH_CONFIG: file });
  const link = async (as: string) => {
    const { result } = await document("link", "create", "slack");
    await shared.sql`update install_links set facts = jsonb_set(facts, '{caller}', ${shared.sql.json(as)})`;
    return new URL(result.url.replace(shared.service.replicas[0]!.publicUrl, base));
  };
  expect((await createBrowser().get(await link("operator"))).status).toBe(302);
  expect((await createBrowser().get(await link("nobody"))).status).toBe(403);
});

test.each([
  [["link", "create", "slack", "--owner", "acme"], 2, "has to be who started it"],
  [["link", "create", "slack", "--ttl", "soon"], 2, "is no length of time"],
  [["link", "create", "slack", "--ttl", "25h"], 1, "must be at most 24 hours"],
  [["link", "create", "nowhere"], 1, "unknown platform"],
  [["link", "create", "slack", "--return-to", "https://elsewhere.example"], 1, "whose origin is allowed"],
  [["installations", "list", "--limit", "0"], 2, "is no number of installations"],
  [["installations", "list", "--limit", "5", "--all"], 2, "do not go together"],
  [["installations", "list", "--after", "x"], 2, "is no place in the list"],
  [["installations", "list", "--status", "activ"], 2, "did you mean active?"],
  [["installations", "list", "--platform", "nowhere"], 1, "unknown platform"],
  [["installations", "revoke", "x", "--yes"], 1, "there is no installation x"],
])("%j is not done, and says why", async (args, code, why) => {
  expect(await run(...args)).toMatchObject({ code, err: expect.arrayContaining([expect.stringContaining(why)]) });
});
