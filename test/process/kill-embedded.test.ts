import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { spawnService } from "../../rig/child-service.ts";
import { until } from "../../rig/gate.ts";
import { createTestDirectory } from "../support/database.ts";
import { connectAndUse, createStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage?.close());

/** When the service is killed: armed before the requests are sent. */
interface Moment {
  readonly name: string;
  arm(kill: () => void): void;
}

const asked: Moment = {
  name: "while the platform is asked",
  arm(kill) {
    const { controls } = stage.sandbox.atlassian;
    const calls = controls.tokenCalls;
    controls.fail("hang", 2);
    when(() => controls.tokenCalls === calls + 2, kill);
  },
};

const answering: Moment = {
  name: "when the platform has done it and does not answer yet",
  arm(kill) {
    let waiting = 0;
    stage.sandbox.atlassian.controls.beforeTokenAnswer = async () => {
      waiting += 1;
      if (waiting === 2) kill();
      await stage.service.exited;
    };
  },
};

/** So many rounds of this process's event loop after a call arrived. */
const roundsAfter = (path: string, rounds: number): Moment => ({
  name: `${rounds} rounds after ${path} was called`,
  arm(kill) {
    const calls = () => stage.sandbox.atlassian.calls.filter((call) => call.path.endsWith(path)).length;
    const before = calls();
    let left = rounds;
    when(() => calls() > before && left-- === 0, kill);
  },
});

const logged = (event: string): Moment => ({
  name: `when the log says ${event}`,
  arm: (kill) => stage.service.onLine((line) => line.event === event && kill()),
});

/** Does it in the very round of the event loop in which the condition comes true. */
function when(condition: () => boolean, act: () => void): void {
  if (condition()) act();
  else setImmediate(() => when(condition, act));
}

describe("kill -9 on the embedded database", { timeout: 120_000 }, () => {
  test("at any moment of an install and a refresh loses nothing that was answered", async () => {
    stage = await createStage("embedded");
    await stage.start();
    const moments = [
      asked,
      answering,
      roundsAfter("/oauth/token", 30),
      roundsAfter("/accessible-resources", 60),
      logged("token.minted"),
      logged("install.finished"),
    ];
    const answered: string[] = [];
    const queries: Record<string, string>[] = [];
    const handedOut: string[] = [];
    for (const moment of moments) {
      const query = await connectAndUse(stage, "jira", `refreshes ${moment.name}`);
      queries.push(query);
      const owner = `connects ${moment.name}`;
      const browser = createBrowser();
      const { service } = stage;
      moment.arm(() => service.signal("SIGKILL"));
      const refresh = stage.token("jira", query);
      const { path, answer } = await stage.follow(browser, `/oauth/install/jira?${new URLSearchParams({ owner })}`);
      const token = await refresh;
      if (token?.status === 200) handedOut.push(token.body.token_id);
      await service.exited;
      stage.sandbox.atlassian.controls.beforeTokenAnswer = async () => undefined;
      await stage.start();

      // The person reloads the page that did not come.
      const { body } = answer ?? (await stage.follow(browser, path.at(-1) ?? "")).answer ?? {};
      if (body?.success) answered.push(...body.installations.map(({ id }) => id));
      else {
        expect(body?.error?.code, moment.name).toBe("state_already_used");
        await stage.connect("jira", owner);
      }
      const listed = await stage.installations();
      expect(listed.filter((one) => one.owner === owner)).toHaveLength(2);
      expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
    }
    for (const query of queries) {
      await until(async () => (await stage.token("jira", query))?.status === 200, "the lease of the dead ends", 30_000);
    }
    for (const { id } of await stage.installations()) await stage.workingToken("jira", { installation_id: id });

    await stage.service.kill();
    const halfMade = await stage.sql(`select id from credentials c where access_token is null
      or not exists (select from installation_credentials l where l.credential_id = c.id)`);
    expect(halfMade).toEqual([]);
    const issued = await stage.sql("select token_fingerprint from audit_events where kind = 'token.issued'");
    expect(issued.map((row) => row.token_fingerprint)).toEqual(expect.arrayContaining(handedOut));
  });

  test("between GitHub's answer and our commit ends as rotation_lost", async () => {
    stage = await createStage("embedded");
    const { controls } = stage.sandbox.github;
    const service = await stage.start();
    const query = await connectAndUse(stage, "github-oauth");
    controls.beforeTokenAnswer = async () => service.signal("SIGKILL");
    expect(await stage.token("github-oauth", query)).toBeUndefined();
    await service.exited;
    controls.beforeTokenAnswer = async () => undefined;
    // What a minute and a half do: the lease is over, and nobody is left who may still report.
    await stage.sql("update credentials set lease_until = now(), attempt_at = attempt_at - interval '90 seconds'");
    await stage.start();
    expect((await stage.token("github-oauth", query))?.body.error?.reason).toBe("REAUTHORIZATION_REQUIRED");
    expect(await stage.installations()).toMatchObject([
      { status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED", last_error: "rotation_lost" },
    ]);
  });
});

test("kill -9 at any moment of the very first start leaves a directory that starts", { timeout: 300_000 }, async () => {
  const { directory, remove } = await createTestDirectory({ empty: true });
  try {
    const env = { DATA_DIR: directory };
    // In the order in which a start makes them; each start finds what the ones before it left. A moment that is missed
    // is one of the next.
    for (const made of ["lock.db", "encryption.key", "db.initializing", "db.initializing/PG_VERSION", "db"]) {
      const service = spawnService(env);
      let ended = false;
      service.exited.then(() => (ended = true));
      const there = () => existsSync(join(directory, made)) || existsSync(join(directory, "db"));
      await until(() => there() || ended, `a start makes ${made}\n${service.output()}`);
      expect((await service.kill()).signal, service.output()).toBe("SIGKILL");
    }
    const service = spawnService(env);
    await service.line("service.started");
    expect(await service.kill("SIGTERM")).toMatchObject({ code: 0 });
    expect(existsSync(join(directory, "db.initializing"))).toBe(false);
  } finally {
    await remove();
  }
});
