import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { until } from "../../rig/gate.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { createTestDirectory } from "../support/database.ts";
import { runOperator } from "../support/operator.ts";
import { connectAndUse, createStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage?.close());

/** What callers and people were told, in the order they heard of it. */
interface Heard {
  readonly installations: string[];
  readonly tokens: string[];
}

/** Installs, refreshes and first hand-outs, one after the other, until it is told to stop. */
async function keepBusy(heard: Heard, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    const { answer } = await stage.follow(createBrowser(), `/oauth/install/jira?owner=busy-${n}`);
    const installation_id = answer?.body.installations[0]?.id ?? "";
    expect(answer?.status).toBe(200);
    heard.installations.push(installation_id);
    let rejected: Record<string, string> = {};
    for (let refresh = 0; refresh < 3; refresh++) {
      const token = await stage.token("jira", { installation_id, ...rejected });
      expect(token?.status).toBe(200);
      heard.tokens.push(token?.body.token_id ?? "");
      rejected = { rejected_token_id: token?.body.token_id ?? "" };
    }
  }
}

test("a backup under load, restored elsewhere, has all that was answered, verifies and serves", {
  timeout: 600_000,
}, async () => {
  stage = await createStage("embedded");
  const { TOKEN_ENCRYPTION_KEY: key = "", DATA_DIR: directory = "", ...others } = stage.env;
  await writeFile(join(directory, "encryption.key"), `${key}\n`, { mode: 0o600 });
  await stage.start({ TOKEN_ENCRYPTION_KEY: "" });
  const kept = await connectAndUse(stage, "slack", "kept");
  const heard: Heard = { installations: [kept.installation_id], tokens: [kept.rejected_token_id] };
  let over = false;
  const load = [keepBusy(heard, () => over), keepBusy(heard, () => over)];
  await until(() => heard.tokens.length > 10, "there is load");

  const { directory: elsewhere, remove } = await createTestDirectory({ empty: true });
  onTestFinished(remove);
  const file = join(elsewhere, "backup.tar.gz");
  const before = { installations: [...heard.installations], tokens: [...heard.tokens] };
  const made = await runOperator(["backup", file, "--json"], { DATA_DIR: directory });
  expect(made, made.stderr).toMatchObject({ code: 0, stderr: "" });
  const { bytes, ...said } = JSON.parse(made.stdout);
  expect(said).toMatchObject({ file, encryption_key: "inside", running: true });
  expect(bytes).toBe((await stat(file)).size);
  const same = await runOperator(["backup", file], { DATA_DIR: directory });
  expect(same).toMatchObject({ code: 1, stdout: "" });
  expect(same.stderr).toBe(`${file} is there already: name another file, or say --replace\n`);
  const meanwhile = heard.tokens.length - before.tokens.length;
  over = true;
  await Promise.all(load);
  expect(meanwhile, "callers were served while it was made").toBeGreaterThan(3);
  expect(stage.service.lines.map(({ event }) => event)).toContain("backup.given");
  await stage.service.kill();

  const env = { ...others, DATA_DIR: join(elsewhere, "data") };
  const restored = await runOperator(["restore", file], { DATA_DIR: env.DATA_DIR });
  expect(restored, restored.stderr).toMatchObject({ code: 0, stderr: "" });
  expect(restored.stdout).toMatch(
    /has what was answered before \S+: \d+ installations, \d+ credentials, \d+ rows of the record\n/,
  );
  const verified = await runOperator(["audit", "verify"], { DATA_DIR: env.DATA_DIR });
  expect(verified, verified.stdout).toMatchObject({ code: 0, stderr: "" });

  const { client, close } = await openEmbeddedDatabase(join(env.DATA_DIR, "db"));
  const issued = await client.query<{ token: string }>(
    "select token_fingerprint as token from audit_events where kind = 'token.issued'",
  );
  await close();
  expect(issued.rows.map(({ token }) => token)).toEqual(expect.arrayContaining(before.tokens));

  await stage.start({ ...env, TOKEN_ENCRYPTION_KEY: "" });
  const listed = (await stage.installations()).map(({ id }) => id);
  expect(listed).toEqual(expect.arrayContaining(before.installations));
  await stage.workingToken("slack", { installation_id: kept.installation_id });
  await stage.service.kill();

  // The same of one that does not run: killed, and with its key in the settings.
  const settings = { DATA_DIR: env.DATA_DIR, TOKEN_ENCRYPTION_KEY: key };
  const stopped = await runOperator(["backup", `${file}.2`], settings);
  expect(stopped, stopped.stderr).toMatchObject({ code: 0, stderr: "" });
  expect(stopped.stdout).toMatch(
    /of a stopped service\nthe encryption key is not inside, since TOKEN_ENCRYPTION_KEY gives it/,
  );
  const third = join(elsewhere, "third");
  const wrong = await runOperator(["restore", `${file}.2`], { DATA_DIR: third, TOKEN_ENCRYPTION_KEY: "A".repeat(43) });
  expect(wrong.stderr).toMatch(/was not restored: these keys \(\S+\) open nothing of the backup/);
  const right = await runOperator(["restore", `${file}.2`, "--json"], { ...settings, DATA_DIR: third });
  expect(JSON.parse(right.stdout)).toMatchObject({
    installations: listed.length,
    unreadable: 0,
    record: { findings: 0 },
  });
  expect((await readdir(third)).toSorted()).toEqual(["db", "lock.db"]);
});

test("backup and restore are about DATA_DIR alone, and say what is for Postgres", { timeout: 60_000 }, async () => {
  const env = { DATABASE_URL: "postgres://me:canary@127.0.0.1:1/tokens", TOKEN_ENCRYPTION_KEY: "A".repeat(43) };
  const backup = await runOperator(["backup", "/nowhere/file"], env);
  expect(backup).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("pg_dump") });
  const restore = await runOperator(["restore", "/nowhere/file"], env);
  expect(restore).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("pg_restore") });
});
