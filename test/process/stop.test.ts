import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGate, type Gate, until } from "../../rig/gate.ts";
import { connectClient, unary } from "../support/grpc-client.ts";
import { connectAndUse, createStage, type Stage } from "./stage.ts";

let stage: Stage;
let gate: Gate;
beforeAll(async () => {
  stage = await createStage("Postgres");
});
afterAll(() => stage.close());

let owner = 0;
let query: { readonly installation_id: string; readonly rejected_token_id: string };
beforeEach(async () => {
  stage.sandbox.atlassian.controls.beforeTokenAnswer = async () => undefined;
  await stage.start();
  owner += 1;
  query = await connectAndUse(stage, "jira", `owner-${owner}`);
  gate = createGate();
  stage.sandbox.atlassian.controls.beforeTokenAnswer = () => gate.opened;
});

/** A caller asks, and the platform keeps its answer until the gate opens. */
async function refreshUnderWay<T>(ask: () => T): Promise<T> {
  const { controls } = stage.sandbox.atlassian;
  const calls = controls.refreshCalls;
  const answer = ask();
  await until(() => controls.refreshCalls > calls, "the platform is asked");
  return answer;
}

async function storedVersion(): Promise<unknown> {
  const rows = await stage.sql(`select version::int as version from credentials c
    join installation_credentials l on l.credential_id = c.id where l.installation_id = '${query.installation_id}'`);
  return rows[0]?.version;
}

describe("SIGTERM while a token is refreshed", { timeout: 120_000 }, () => {
  test("says NOT_SERVING first, answers the caller, stores the token, and ends with 0", async () => {
    const { service } = stage;
    const health = connectClient("grpc.health.v1.Health", service.ports.grpc);
    const tokens = connectClient("oauth.token.v1.TokenService", service.ports.grpc);
    const seen: string[] = [];
    const stream = (health as unknown as { Watch(request: object): NodeJS.EventEmitter }).Watch({ service: "" });
    stream.on("data", ({ status }: { status: string }) => void seen.push(status));
    stream.on("error", () => undefined);
    await until(() => seen.length === 1, "the first status");

    const answer = await refreshUnderWay(() => ({ value: unary(tokens, "GetToken", { platform: "jira", ...query }) }));
    service.signal("SIGTERM");
    await until(() => seen.length === 2, "a second status");
    expect(seen).toEqual(["SERVING", "NOT_SERVING"]);
    expect(await storedVersion(), "the platform has not answered yet").toBe(1);
    const ready = await fetch(new URL("/readyz", stage.env.BASE_URL));
    expect([ready.status, ready.headers.get("connection"), await ready.json()]).toEqual([
      503,
      "close",
      { status: "draining" },
    ]);
    gate.open();
    const { error, response } = await answer.value;
    expect(error).toBeUndefined();
    expect(response?.access_token).toBeTruthy();
    expect(await service.exited).toMatchObject({ code: 0 });
    expect(await storedVersion()).toBe(2);
    health.close();
    tokens.close();
  });

  test("stores the token also when its caller has gone", async () => {
    const hangUp = new AbortController();
    const url = `${stage.service.internalUrl}/oauth/token/jira?${new URLSearchParams(query)}`;
    const asked = await refreshUnderWay(() => ({ value: fetch(url, { signal: hangUp.signal }).catch(() => "gone") }));
    hangUp.abort();
    expect(await asked.value).toBe("gone");
    stage.service.signal("SIGTERM");
    await until(
      () =>
        fetch(stage.service.internalUrl).then(
          () => false,
          () => true,
        ),
      "the listener is closed",
    );
    // Time enough for a whole process to begin and end, and so for one that would not wait for the platform.
    await promisify(execFile)(process.execPath, ["--version"]);
    gate.open();
    expect(await stage.service.exited).toMatchObject({ code: 0 });
    expect(await storedVersion()).toBe(2);
  });

  test("a second time ends the process at once", async () => {
    const asked = await refreshUnderWay(() => ({ value: stage.token("jira", query) }));
    stage.service.signal("SIGTERM");
    await stage.service.line("service.stopping");
    expect(await stage.service.kill("SIGTERM")).toMatchObject({ code: 130 });
    expect(await asked.value).toBeUndefined();
    gate.open();
  });

  test("spends the drain time once, whatever is under way", async () => {
    await stage.service.kill();
    const service = await stage.start({ DRAIN_SECONDS: "4" });
    const tokens = connectClient("oauth.token.v1.TokenService", service.ports.grpc);
    const request = { platform: "jira", ...query };
    const calls = await refreshUnderWay(() => [unary(tokens, "GetToken", request), stage.token("jira", query)]);
    const started = performance.now();
    service.signal("SIGTERM");
    await Promise.all(calls);
    expect(performance.now() - started).toBeLessThan(7_900);
    gate.open();
    expect(await service.exited).toMatchObject({ code: 0 });
    tokens.close();
  });
});
