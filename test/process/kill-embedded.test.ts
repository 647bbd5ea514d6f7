import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createBrowser } from "../support/browser.ts";
import { spawnService } from "../support/child-service.ts";
import { createTestDirectory } from "../support/database.ts";
import { until } from "../support/gate.ts";
import { createStage, type Stage } from "./stage.ts";

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

/** When the service is killed: set before the request, which is then sent. */
interface Moment {
  readonly name: string;
  arm(stage: Stage, kill: () => void): void;
}

const asked: Moment = {
  name: "while the platform is asked",
  arm({ sandbox }, kill) {
    sandbox.atlassian.controls.fail("hang");
    const calls = sandbox.atlassian.controls.tokenCalls;
    when(() => sandbox.atlassian.controls.tokenCalls > calls, kill);
  },
};

const answering: Moment = {
  name: "when the platform has done it and does not answer yet",
  arm({ sandbox }, kill) {
    sandbox.atlassian.controls.beforeTokenAnswer = async () => kill();
  },
};

/** After the answer of the call to `path` was sent, so many rounds of this process's event loop later. */
const roundsAfter = (path: string, rounds: number): Moment => ({
  name: `${rounds} rounds after ${path} was answered`,
  arm({ sandbox }, kill) {
    const seen = countCalls(sandbox.atlassian.calls, path);
    let left = rounds;
    when(() => countCalls(sandbox.atlassian.calls, path) > seen && left-- === 0, kill);
  },
});

const logged = (event: string): Moment => ({
  name: `when the log says ${event}`,
  arm: ({ service }, kill) => service.onLine((line) => line.event === event && kill()),
});

function countCalls(calls: readonly { readonly path: string }[], path: string): number {
  return calls.filter((call) => call.path.endsWith(path)).length;
}

/** Does it in the very turn of the event loop in which the condition comes true. */
function when(condition: () => boolean, act: () => void): void {
  if (condition()) act();
  else setImmediate(() => when(condition, act));
}

describe("kill -9 on the embedded database", { timeout: 60_000 }, () => {
  test("at any moment of an install loses nothing that was answered, and leaves nothing half made", async () => {
    stage = await createStage("embedded");
    await stage.start();
    const answered: string[] = [];
    const sites = "/accessible-resources";
    const moments = [asked, answering, ...[2, 60].map((rounds) => roundsAfter(sites, rounds))];
    for (const moment of [...moments, logged("install.finished")]) {
      const browser = createBrowser();
      const { service } = stage;
      moment.arm(stage, () => service.signal("SIGKILL"));
      const { path, answer } = await stage.follow(
        browser,
        `/oauth/install/jira?${new URLSearchParams({ owner: moment.name })}`,
      );
      await service.exited;
      stage.sandbox.atlassian.controls.beforeTokenAnswer = async () => undefined;
      await stage.start();

      // The person reloads the page that did not come.
      const { body } = answer ?? (await stage.follow(browser, path.at(-1) ?? "")).answer ?? {};
      if (body?.success) answered.push(...body.installations.map(({ id }) => id));
      else {
        expect(body?.error?.code, moment.name).toBe("state_already_used");
        await stage.connect("jira", moment.name);
      }
      const listed = await stage.installations();
      expect(listed.filter(({ owner }) => owner === moment.name)).toHaveLength(2);
      expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
    }
    for (const { id } of await stage.installations()) await stage.workingToken("jira", { installation_id: id });
    await stage.service.kill();
    const halfMade = await stage.sql(`select id from credentials c where access_token is null
      or not exists (select from installation_credentials l where l.credential_id = c.id)`);
    expect(halfMade).toEqual([]);
  });

  test("at any moment of a refresh costs no grant, once the lease of the dead has run out", async () => {
    stage = await createStage("embedded");
    await stage.start();
    const moments = [
      asked,
      answering,
      ...[2, 20].map((rounds) => roundsAfter("/oauth/token", rounds)),
      logged("token.minted"),
      logged("rpc"),
    ];
    const queries: Record<string, string>[] = [];
    for (const { name: owner } of moments) {
      const installation_id = (await stage.connect("jira", owner)).installations[0]?.id ?? "";
      const { token_id } = await stage.workingToken("jira", { installation_id });
      queries.push({ installation_id, rejected_token_id: token_id });
    }
    const handedOut: string[] = [];
    await stage.service.kill();
    for (const [index, moment] of moments.entries()) {
      const service = await stage.start({ LOG_LEVEL: "debug" });
      moment.arm(stage, () => service.signal("SIGKILL"));
      const answer = await stage.token("jira", queries[index] ?? {});
      await service.exited;
      stage.sandbox.atlassian.controls.beforeTokenAnswer = async () => undefined;
      if (answer?.status === 200) handedOut.push(answer.body.token_id);
    }
    await stage.start();
    for (const query of queries) {
      await until(async () => (await stage?.token("jira", query))?.status === 200, "the lease has run out", 30_000);
      await stage.workingToken("jira", query);
    }
    await stage.service.kill();
    const issued = await stage.sql("select token_fingerprint from audit_events where kind = 'token.issued'");
    const onRecord = issued.map((row) => row.token_fingerprint);
    expect(onRecord).toEqual(expect.arrayContaining(handedOut));
  });

  test("between GitHub's answer and our commit ends as rotation_lost", async () => {
    stage = await createStage("embedded");
    const { controls } = stage.sandbox.github;
    const service = await stage.start();
    const installation_id = (await stage.connect("github-oauth")).installations[0]?.id ?? "";
    const { token_id } = await stage.workingToken("github-oauth", { installation_id });
    controls.beforeTokenAnswer = async () => service.signal("SIGKILL");
    const query = { installation_id, rejected_token_id: token_id };
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

test("kill -9 at any moment of the very first start leaves a directory that starts", { timeout: 90_000 }, async () => {
  const { directory, remove } = await createTestDirectory({ empty: true });
  try {
    const env = { DATA_DIR: directory };
    // In the order in which a start makes them; each start finds what the ones before it left.
    const made = ["lock", "encryption.key", "db.initializing", "db.initializing/PG_VERSION", "db"];
    for (const file of made) {
      const service = spawnService(env);
      await until(() => existsSync(join(directory, file)), `${file} is made`, 60_000);
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
