import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { redirect } from "../end-to-end/support/flow.ts";
import { complete, eventsOf, makeLink, openLink, portal } from "../end-to-end/support/links.ts";
import { isAccepted } from "../end-to-end/support/platform-api.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { readRefusal } from "../support/grpc-client.ts";
import { type Outcome, runOperator } from "../support/operator.ts";

/** Every command says so of the database of the tests. */
const mayLose = /^.*"database\.may_lose_commits".*\n/m;
const shared = useService({
  env: { ALLOWED_RETURN_ORIGINS: portal, TOKEN_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64url") },
});

/** Runs the command as an operator would, with the settings of the service. */
function run(...args: string[]) {
  return runWith({}, ...args);
}

async function runWith(settings: Readonly<Record<string, string>>, ...args: string[]): Promise<Outcome> {
  const { sandbox, databaseUrl, replicas } = shared.service;
  const env = {
    ...throwAwayDatabase,
    ...sandbox.environment,
    ...{ BASE_URL: replicas[0]!.publicUrl, DATABASE_URL: databaseUrl },
    TOKEN_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64url"),
    ...settings,
  };
  const outcome = await runOperator(args, env);
  return { ...outcome, stderr: outcome.stderr.replace(mayLose, "") };
}

async function connect(platform: string, owner?: string): Promise<string> {
  const made = await shared.service.connect(platform, owner === undefined ? {} : { query: `?owner=${owner}` });
  return made.installation_id;
}

async function pend(platform: string, owner: string): Promise<string> {
  const browser = createBrowser();
  const link = await makeLink(shared.caller, { platform, owner, return_to: `${portal}/done` });
  return (await redirect(browser, await openLink(browser, link))).searchParams.get("completion_code")!;
}

describe("move", () => {
  test("gives an organization to another owner, whose callers are served at once, and is on record", async () => {
    const id = await connect("slack", "acme");
    const before = await shared.caller.token({ platform: "slack", owner: "acme" });
    const outcome = await run("move", id, "--to", "globex");
    expect(outcome).toEqual({
      code: 0,
      stderr: "",
      stdout: `installation ${id} (slack, Acme) belongs to globex now\n`,
    });
    expect(await shared.caller.refusalSoon({ platform: "slack", owner: "acme" })).toMatchObject({
      reason: "INSTALLATION_NOT_FOUND",
    });
    const after = await shared.caller.token({ platform: "slack", owner: "globex" });
    expect(after.token_id).toBe(before.token_id);
    const moved = { installation_id: id, platform: "slack", caller: "operator", method: "move" };
    const rows = await eventsOf(shared.caller, "installation.moved");
    expect(rows).toHaveLength(2);
    expect(rows).toContainEqual(expect.objectContaining({ ...moved, owner: "acme", detail: "left this owner" }));
    const ofNewOwner = rows.filter((row) => row.owner === "globex");
    expect(ofNewOwner).toMatchObject([{ ...moved, detail: "came to this owner" }]);
    expect(JSON.stringify(ofNewOwner)).not.toContain("acme");
    expect((await shared.service.connect("slack", { query: "?owner=acme" })).error?.code).toBe("installation_taken");
    expect((await run("move", id, "--to-none")).stdout).toContain("belongs to no owner now");
    expect((await shared.caller.token({ platform: "slack" })).installation_id).toBe(id);
  });

  test("is refused for what belongs to a person, is revoked or is not there", async () => {
    const grant = await connect("jira", "acme");
    const person = await run("move", grant, "--to", "globex");
    expect(person).toMatchObject({ code: 1, stdout: "" });
    expect(person.stderr).toContain("belongs to a person");
    const id = await connect("github", "acme");
    await shared.caller.revoke(id);
    const revoked = await run("move", id, "--to", "globex");
    expect([revoked.code, revoked.stderr]).toEqual([1, expect.stringContaining("is revoked: only what is live")]);
    const missing = await run("move", crypto.randomUUID(), "--to", "globex");
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("there is no installation")]);
    expect(await eventsOf(shared.caller, "installation.moved")).toEqual([]);
  });
});

describe("a record that takes no rows", () => {
  test("lets nothing be moved, and lets a revocation be finished later, on record for who wanted it", async () => {
    const id = await connect("slack", "acme");
    await shared.sql.unsafe(`
      create or replace function refuse_audit() returns trigger language plpgsql as
        $$ begin raise check_violation; end $$;
      create trigger refuse_audit before insert on audit_events for each row execute function refuse_audit()`);
    try {
      const moved = await run("move", id, "--to", "globex");
      expect([moved.code, moved.stdout]).toEqual([1, ""]);
      expect(moved.stderr).toContain("cannot be put on record, and was not done");
      expect(await shared.sql`select owner from installations`).toEqual([{ owner: "acme" }]);
      const offboarded = await run("offboard", "acme", "--yes");
      expect([offboarded.code, offboarded.stdout]).toEqual([1, ""]);
      expect(await shared.sql`select status from installations`).toEqual([{ status: "active" }]);
      const revoked = await shared.caller.call("RevokeInstallation", { installation_id: id });
      expect(readRefusal(revoked.error!)).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
      expect(await shared.sql`select status, provider_revocation from installations`).toEqual([
        { status: "revoked", provider_revocation: null },
      ]);
    } finally {
      await shared.sql.unsafe("drop trigger refuse_audit on audit_events");
    }
    shared.service.clock.advance(61_000);
    await shared.service.replicas[0]!.jobs.run("finish revocations");
    expect(await eventsOf(shared.caller, "installation.revoked")).toMatchObject([
      { installation_id: id, owner: "acme", caller: "anonymous", method: "RevokeInstallation" },
    ]);
  });
});

describe("offboard", () => {
  test("ends everything of an owner, here and at the platforms, and nothing of anybody else's", async () => {
    const jira = await shared.service.connect("jira", { query: "?owner=acme" });
    const slack = await connect("slack", "acme");
    const other = await connect("github", "globex");
    const code = await pend("github-oauth", "acme");
    const unused = await makeLink(shared.caller, { platform: "slack", owner: "acme", return_to: portal });
    const begun = createBrowser();
    const callback = await openLink(
      begun,
      await makeLink(shared.caller, { platform: "slack", owner: "acme", return_to: portal }),
    );
    const token = await shared.caller.token({ installation_id: slack });

    const asked = await run("offboard", "acme");
    expect(asked.code).toBe(1);
    expect(asked.stdout.trim().split("\n")).toHaveLength(4);
    expect(asked.stderr).toContain("nothing was done: run it again with --yes to revoke these 4");
    expect(await isAccepted("slack", await shared.caller.token({ installation_id: slack }))).toBe(true);

    const done = await run("offboard", "acme", "--yes", "--reason", "the contract ended");
    expect([done.code, done.stderr]).toEqual([0, ""]);
    const lines = done.stdout.trim().split("\n");
    expect(lines).toHaveLength(4);
    for (const id of [slack, ...jira.installations.map((one) => String(one.id))]) {
      expect(lines.filter((line) => line.includes(id))).toHaveLength(1);
    }
    expect(await isAccepted("slack", token)).toBe(false);
    expect(await shared.caller.refusalSoon({ installation_id: slack })).toMatchObject({
      reason: "INSTALLATION_REVOKED",
    });
    expect((await complete(shared.caller, code, "acme")).refusal).toMatchObject({ reason: "INVALID_REQUEST" });
    expect((await begun.get(unused)).status).toBe(403);
    expect((await begun.visit(callback)).status).toBe(400);
    expect(await isAccepted("github", await shared.caller.token({ installation_id: other }))).toBe(true);
    const [row] = await shared.sql`select revoke_reason from installations where id = ${slack}`;
    expect(row?.revoke_reason).toBe("the contract ended");
    expect(await eventsOf(shared.caller, "owner.offboarded")).toMatchObject([
      { owner: "acme", caller: "operator", method: "offboard", detail: "4 revoked, 0 of them not at the platform" },
      { owner: "acme", caller: "operator", method: "offboard", detail: "begun" },
    ]);
    const revoked = await eventsOf(shared.caller, "installation.revoked");
    expect(revoked).toHaveLength(4);
    for (const event of revoked) expect(event).toMatchObject({ owner: "acme", caller: "operator" });
    expect(await run("offboard", "acme", "--yes")).toMatchObject({ code: 0, stdout: "" });
  });

  test("goes on with what was interrupted, and says when a platform did not answer", async () => {
    const slack = await connect("slack", "acme");
    const { storage, close } = await shared.service.openStorage();
    await storage.installations.beginRevocation(slack, "killed", shared.service.clock.now());
    await close();
    const failed = await runWith({ SLACK_URL: "http://127.0.0.1:1" }, "offboard", "acme", "--yes");
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain(`installation ${slack} (slack, Acme) is revoked; at the platform: FAILED`);
    expect(failed.stderr).toContain("1 may still be alive at the platform");
  });
});

test.each([
  [["move"], "INSTALLATION_ID is missing"],
  [["move", "x"], "either --to OWNER or --to-none is needed"],
  [["move", "x", "--to", "a", "--to-none"], "either --to OWNER or --to-none is needed"],
  [["move", "x", "--to"], "--to needs a value"],
  [["move", "x", "--to", ""], "--to needs a value"],
  [["move", "--to", "x"], "INSTALLATION_ID is missing"],
  [["move", "", "--to", "x"], "INSTALLATION_ID is empty"],
  [["move", "x", "--to-none", "y"], 'there is no place for "y"'],
  [["offboard"], "OWNER is missing"],
  [["offboard", ""], "OWNER is empty"],
  [["offboard", "--yes"], "OWNER is missing"],
  [["offboard", "a", "b"], 'there is no place for "b"'],
  [["offboard", "a", "--reason"], "--reason needs a value"],
  [["offboard", "a", "--reason", "--yes"], "--reason needs a value"],
  [["offboard", "a", "--force"], "there is no --force"],
])("explains itself, as a failure, to %j", async (args, why) => {
  const lines: string[] = [];
  const world = {
    ...{ env: {}, readFile: () => "", now: () => new Date(), random: randomBytes },
    ...{
      print: (line: string) => void lines.push(`printed ${line}`),
      complain: (line: string) => void lines.push(line),
    },
  };
  expect(await runCommand(args, world)).toBe(2);
  expect(lines).toEqual([
    expect.stringContaining(why),
    expect.stringContaining(`usage: oauth-token-service ${args[0]} `),
  ]);
});
