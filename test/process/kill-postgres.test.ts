import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { until } from "../../rig/gate.ts";
import { connectAndUse, createStage, type Listed, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await createStage("Postgres");
  await stage.start();
});
afterAll(() => stage.close());

/** Counts statements from now on, and ends the service before the n-th reaches the database. */
function watchStatements(killBefore = Number.POSITIVE_INFINITY): { readonly seen: number; readonly killed: boolean } {
  const watch = { seen: 0, killed: false };
  stage.tap.onSaying = ({ executes }) => {
    if (!watch.killed && executes && ++watch.seen === killBefore) {
      stage.service.signal("SIGKILL");
      watch.killed = true;
    }
    return watch.killed ? "drop" : "forward";
  };
  return watch;
}

async function startAgain(): Promise<void> {
  await stage.service.kill();
  stage.tap.onSaying = () => "forward";
  await stage.start();
}

/** Nobody has to wait for the lease of the dead; `agoSeconds`: nor for a rival that may still report. */
async function endLeases(agoSeconds = 0): Promise<void> {
  await stage.sql(
    `update credentials set lease_until = now(), attempt_at = attempt_at - interval '${agoSeconds} seconds',
      open_attempt_at = open_attempt_at - interval '${agoSeconds} seconds'`,
  );
}

async function expectWholeRows(): Promise<void> {
  const halfMade = await stage.sql(`
    select 'installation without credential' as what, id from installations i where status <> 'revoked'
      and not exists (select from installation_credentials l where l.installation_id = i.id and l."natural")
    union all select 'credential without installation', id from credentials c where status <> 'revoked'
      and not exists (select from installation_credentials l where l.credential_id = c.id)
    union all select 'a site of the grant is missing', min(id::text)::uuid from installations where platform = 'jira'
      group by owner having count(*) <> 2
    union all select 'credential without secret', id from credentials where access_token is null`);
  expect(halfMade).toEqual([]);
}

async function expectOnRecord(tokenId: string): Promise<void> {
  const issued = await stage.sql(
    `select id from audit_events where kind = 'token.issued' and token_fingerprint = '${tokenId}'`,
  );
  expect(issued).not.toEqual([]);
}

/** The first, the last, and some between, where one state of a transaction is like the other. */
function someOf(statements: number): readonly number[] {
  const all = Array.from({ length: statements + 1 }, (_, index) => index + 1);
  return all.filter((n) => n <= 3 || n >= statements - 1 || n % 8 === 0);
}

describe("kill -9 on Postgres", { timeout: 120_000 }, () => {
  test("before a statement of an install loses nothing that was answered", async () => {
    const counted = watchStatements();
    await stage.connect("jira", "counted");
    const answered: string[] = [];
    for (const statement of someOf(counted.seen)) {
      const owner = `owner-${statement}`;
      const browser = createBrowser();
      const watch = watchStatements(statement);
      const { path, answer } = await stage.follow(browser, `/oauth/install/jira?owner=${owner}`);
      expect(answer === undefined, "no answer if it was killed").toBe(watch.killed);
      await startAgain();
      await expectWholeRows();

      // The person reloads the page that did not come.
      const { body } = answer ?? (await stage.follow(browser, path.at(-1) ?? "")).answer ?? {};
      if (body?.success) answered.push(...body.installations.map(({ id }) => id));
      else {
        expect(body?.error?.code).toBe("state_already_used");
        await stage.connect("jira", owner);
      }
      const listed = await stage.installations();
      expect(listed.filter((one) => one.owner === owner)).toHaveLength(2);
      expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
    }
    for (const { id } of await stage.installations()) await stage.workingToken("jira", { installation_id: id });
  });

  test("before any statement of a refresh keeps a grant that its platform gives leeway", async () => {
    let query = await connectAndUse(stage, "jira", "refreshed");
    const { installation_id } = query;
    for (let statement = 1, killed = true; killed; statement++) {
      const watch = watchStatements(statement);
      const answer = await stage.token("jira", query);
      killed = watch.killed;
      expect(answer?.status, "no answer if it was killed").toBe(killed ? undefined : 200);
      await startAgain();
      await expectWholeRows();
      await endLeases();
      const { token_id } = await stage.workingToken("jira", killed ? query : { installation_id });
      query = { installation_id, rejected_token_id: token_id };
      if (answer === undefined) continue;
      expect(token_id, "what was answered was stored").toBe(answer.body.token_id);
      await expectOnRecord(answer.body.token_id);
    }
  });

  test("before the audit row of a token is written: nobody got that token", async () => {
    const query = await connectAndUse(stage, "jira", "audited");
    const reached = Promise.withResolvers<void>();
    let isReached = false;
    stage.tap.onSaying = ({ text }) => {
      // Among the values of the statement.
      if (text.includes("token.issued")) {
        isReached = true;
        reached.resolve();
      }
      return isReached ? "drop" : "forward";
    };
    const answer = stage.token("jira", query);
    await reached.promise;
    // An answer that does not wait for the row would be here before this one.
    await fetch(`${stage.service.publicUrl}/health`);
    stage.service.signal("SIGKILL");
    expect(await answer).toBeUndefined();
    await startAgain();
    await expectOnRecord((await stage.workingToken("jira", query)).token_id);
  });

  test.each<["jira" | "slack", "asked" | "answering"]>([
    ["jira", "asked"],
    ["slack", "answering"],
  ])("while %s is %s costs no grant, and an install can be started anew", async (platform, moment) => {
    const { controls } = stage.sandbox[platform === "jira" ? "atlassian" : "slack"];
    const query = await connectAndUse(stage, platform, moment);
    const calls = controls.tokenCalls;
    const killed = Promise.withResolvers<void>();
    if (moment === "asked") {
      controls.fail("hang", 2);
    } else {
      controls.beforeTokenAnswer = () => killed.promise;
    }
    const install = stage.follow(createBrowser(), `/oauth/install/${platform}?owner=${moment}`);
    const refresh = stage.token(platform, query);
    await until(() => controls.tokenCalls === calls + 2, "both calls are under way");
    await stage.service.kill();
    killed.resolve();
    controls.beforeTokenAnswer = async () => undefined;
    expect(await refresh).toBeUndefined();
    const { path, answer } = await install;
    expect(answer).toBeUndefined();

    await startAgain();
    await endLeases();
    await stage.workingToken(platform, query);
    const again = await stage.follow(createBrowser(), path.at(-1) ?? "");
    expect(again.answer?.body.error?.code).toBe("state_already_used");
    const { installations } = await stage.connect(platform, moment);
    expect(installations[0]?.id).toBe(query.installation_id);
  });
});

describe("kill -9 during the refresh of a token that can be spent once", { timeout: 120_000 }, () => {
  const platform = "github-oauth";
  let owner = 0;
  let query: { readonly installation_id: string; readonly rejected_token_id: string };
  beforeEach(async () => {
    owner += 1;
    query = await connectAndUse(stage, platform, `spent-${owner}`);
  });

  async function state(): Promise<Pick<Listed, "status" | "last_error"> | undefined> {
    return (await stage.installations()).find(({ id }) => id === query.installation_id);
  }

  async function killDuringTheCall(): Promise<void> {
    const { controls } = stage.sandbox.github;
    const calls = controls.refreshCalls;
    const answer = stage.token(platform, query);
    await until(() => controls.refreshCalls > calls, "GitHub is asked");
    await stage.service.kill();
    controls.beforeTokenAnswer = async () => undefined;
    expect(await answer).toBeUndefined();
    await startAgain();
  }

  test("before GitHub took it harms nothing", async () => {
    stage.sandbox.github.controls.fail("hang");
    await killDuringTheCall();
    await endLeases();
    await stage.workingToken(platform, query);
    expect(await state()).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE", last_error: "" });
  });

  test("between its answer and our commit ends as rotation_lost, after one more try and a minute's doubt", async () => {
    const { controls } = stage.sandbox.github;
    // Never answered: what GitHub has done is known to nobody else.
    controls.beforeTokenAnswer = () => new Promise(() => undefined);
    await killDuringTheCall();
    await endLeases();
    const doubt = await stage.token(platform, query);
    expect(doubt?.body.error?.reason).toBe("PROVIDER_UNAVAILABLE");
    expect(await state()).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE", last_error: "unclear" });

    await endLeases(120);
    const lost = await stage.token(platform, query);
    expect(lost?.body.error?.reason).toBe("REAUTHORIZATION_REQUIRED");
    expect(await state()).toMatchObject({
      status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
      last_error: "rotation_lost",
    });
    const calls = controls.refreshCalls;
    expect((await stage.token(platform, query))?.body.error?.reason).toBe("REAUTHORIZATION_REQUIRED");
    expect(controls.refreshCalls, "a dead token is left alone").toBe(calls);

    await stage.connect(platform, `spent-${owner}`);
    await stage.workingToken(platform, { installation_id: query.installation_id });
  });

  test("after an answer that was lost, before the loss was noted, ends as rotation_lost as well", async () => {
    const { controls } = stage.sandbox.github;
    const calls = controls.refreshCalls;
    controls.fail("lost");
    stage.tap.onSaying = () => {
      if (controls.refreshCalls === calls) return "forward";
      stage.service.signal("SIGKILL");
      return "drop";
    };
    expect(await stage.token(platform, query)).toBeUndefined();
    await startAgain();
    await endLeases(120);
    expect((await stage.token(platform, query))?.body.error?.reason).toBe("REAUTHORIZATION_REQUIRED");
    expect(await state()).toMatchObject({ last_error: "rotation_lost" });
  });

  test("after our commit harms nothing", async () => {
    stage.service.onLine(({ event }) => event === "token.minted" && stage.service.signal("SIGKILL"));
    // The log line may be read after the answer was sent.
    await stage.token(platform, query);
    await stage.service.exited;
    const calls = stage.sandbox.github.controls.refreshCalls;
    await startAgain();
    await stage.workingToken(platform, query);
    expect(stage.sandbox.github.controls.refreshCalls, "what was stored is served").toBe(calls);
  });
});
