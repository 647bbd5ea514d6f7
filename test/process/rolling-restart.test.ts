import { connect } from "node:http2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { createBrowser } from "../../rig/browser.ts";
import { addressOf, retryingChannel } from "../../rig/channels.ts";
import { type ChildService, startChildService } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { createGate, until } from "../../rig/gate.ts";
import { openRpcClient } from "../../rig/rpc-client.ts";
import { createStage, type Stage } from "./stage.ts";

const getToken = TokenService.method.getToken;

let stage: Stage;
afterEach(() => stage.close());

describe("SIGTERM", { timeout: 60_000 }, () => {
  beforeEach(async () => {
    stage = await createStage("Postgres");
  });

  test("says NOT_SERVING, then GOAWAY, answers the call that waits for a refresh, stores it and ends with 0", async () => {
    const service = await stage.start();
    const installationId = (await stage.connect("jira")).installations[0]?.id ?? "";
    const { token_id } = await stage.workingToken("jira", { installation_id: installationId });
    const { controls } = stage.sandbox.atlassian;
    const gate = createGate();
    const calls = controls.refreshCalls;
    controls.beforeTokenAnswer = () => gate.opened;
    const client = openRpcClient(addressOf([service.ports.grpc]), {});
    const seen = watchConnection(service.ports.grpc);
    await until(() => seen.events.length > 0, "the health service answers");

    let answered = false;
    const answer = client.call(getToken, { installationId, rejectedTokenId: token_id }, 20_000);
    answer.then(() => (answered = true));
    await until(() => controls.refreshCalls > calls, "the platform is asked");
    service.signal("SIGTERM");
    await until(() => seen.events.includes("GOAWAY"), "the connection is told to go away");
    expect(seen.events).toEqual(["SERVING", "NOT_SERVING", "GOAWAY"]);
    expect(answered, "the call still runs").toBe(false);

    gate.open();
    const outcome = await answer;
    expect(outcome.kind).toBe("answered");
    expect(await service.exited).toMatchObject({ code: 0, signal: undefined });
    client.close();
    seen.close();

    await stage.start();
    const stored = await stage.workingToken("jira", { installation_id: installationId });
    expect(outcome).toMatchObject({ response: { tokenId: stored.token_id } });
    expect(controls.refreshCalls, "what was stored is served").toBe(calls + 1);
  });

  test("stores a refresh that nobody waits for any more", async () => {
    const service = await stage.start();
    const installationId = (await stage.connect("jira")).installations[0]?.id ?? "";
    const { token_id } = await stage.workingToken("jira", { installation_id: installationId });
    const { controls } = stage.sandbox.atlassian;
    const gate = createGate();
    const calls = controls.refreshCalls;
    controls.beforeTokenAnswer = () => gate.opened;
    const client = openRpcClient(addressOf([service.ports.grpc]), {});
    const answer = await client.call(getToken, { installationId, rejectedTokenId: token_id }, 200);
    expect(answer.kind).toBe("refused");
    client.close();
    await until(() => controls.refreshCalls > calls, "the platform is asked");

    service.signal("SIGTERM");
    await service.line("service.stopping");
    gate.open();
    expect(await service.exited).toMatchObject({ code: 0, signal: undefined });

    await stage.start();
    const stored = await stage.workingToken("jira", { installation_id: installationId });
    expect(stored.token_id).not.toBe(token_id);
    expect(controls.refreshCalls, "what was stored is served").toBe(calls + 1);
  });
});

test("a rolling restart of two replicas fails no call of a client with the standard retry policy", {
  timeout: 60_000,
}, async () => {
  // There is always a refresh under way, or about to be.
  stage = await createStage("Postgres", { atlassian: { lifetimes: { accessSeconds: 6 } } });
  const ports = [await freePort(), await freePort()];
  const replicas: ChildService[] = [];
  const start = async (index: number) => {
    const own = { GRPC_PORT: String(ports[index]), LOG_LEVEL: "debug", ...(index === 0 ? {} : { PORT: "0" }) };
    replicas[index] = await startChildService({ ...stage.env, ...own });
    return replicas[index];
  };
  await start(0);
  await start(1);
  const installations: string[] = [];
  for (const owner of ["a", "b", "c", "d"]) {
    const { answer } = await stage.follow(createBrowser(), `/oauth/install/jira?owner=${owner}`);
    installations.push(answer?.body.installations[0]?.id ?? "");
  }

  const client = openRpcClient(addressOf(ports), retryingChannel);
  const failures: unknown[] = [];
  let calls = 0;
  let over = false;
  const callers = installations.map(async (installationId) => {
    for (; !over; calls++) {
      const outcome = await client.call(getToken, { installationId }, 10_000);
      if (outcome.kind !== "answered") failures.push(outcome);
    }
  });
  for (const index of [0, 1]) {
    const before = calls;
    await until(() => calls > before + 100, "calls are made");
    expect(await replicas[index]?.kill("SIGTERM")).toMatchObject({ code: 0, signal: undefined });
    // As a deployment does before it goes on: until the client has found the new process.
    await (await start(index)).line("rpc");
  }
  over = true;
  await Promise.all(callers);
  client.close();
  await Promise.all(replicas.map((replica) => replica.kill()));

  expect(failures).toEqual([]);
  const { controls } = stage.sandbox.atlassian;
  expect(controls.maxConcurrentUsesOfOneRefreshToken).toBeLessThanOrEqual(1);
  expect(controls.deadTokenReuses).toBe(0);
});

/** What one connection is told, in order: the words of Health/Watch, and the end of the connection. */
function watchConnection(port: number): { readonly events: readonly string[]; close(): void } {
  const events: string[] = [];
  const session = connect(`http://127.0.0.1:${port}`);
  session.once("goaway", () => void events.push("GOAWAY"));
  session.on("error", () => undefined);
  const watch = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Watch",
    "content-type": "application/grpc",
    te: "trailers",
  });
  watch.on("error", () => undefined);
  // A frame: not compressed, length, and for HealthCheckResponse one field with the number of its status.
  watch.on("data", (frame: Buffer) => void events.push(frame.at(-1) === 1 ? "SERVING" : "NOT_SERVING"));
  watch.end(Buffer.alloc(5));
  return { events, close: () => session.destroy() };
}
