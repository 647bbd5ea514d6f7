import type { ClientReadableStream } from "@grpc/grpc-js";
import { afterAll, beforeEach, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { createGate, until } from "../../rig/gate.ts";
import { githubDelivery } from "../../rig/signed-deliveries.ts";
import { connectClient, type Message, unary } from "../support/grpc-client.ts";
import { asJson } from "../support/service.ts";
import { callBack, walkToCallback } from "./support/flow.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ throughLine: true });
const services = ["", "oauth.token.v1.TokenService"];
const clients: ReturnType<typeof connectClient>[] = [];

function health() {
  const client = connectClient("grpc.health.v1.Health", shared.service.replicas[0]!.app.ports.grpc);
  clients.push(client);
  return client;
}

afterAll(() => {
  for (const client of clients) client.close();
});

function takeDatabaseAway(): void {
  shared.service.line?.set("hang_up");
  shared.service.line?.cut();
}

function giveDatabaseBack(): void {
  shared.service.line?.set("forward");
}

async function turns(status: string): Promise<void> {
  const client = health();
  const is = async () => (await unary(client, "Check", { service: "" })).response?.status === status;
  await until(is, `health turns ${status}`, 15_000);
}

async function answerOf(url: string) {
  const response = await fetch(url, { headers: asJson, redirect: "manual" });
  const { status, headers } = response;
  return { status, retryAfter: headers.get("retry-after"), body: await response.json() };
}

/** Whatever a replica remembers of its database ends within two seconds. */
async function refusedForLackOfDatabase(request: Message): Promise<void> {
  await until(async () => {
    const { refusal } = await shared.caller.getToken(request);
    if (refusal === undefined) return false;
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    return true;
  }, "the outage is noticed");
}

beforeEach(async () => {
  giveDatabaseBack();
  await turns("SERVING");
});

test("while the database is away every door says SERVICE_UNAVAILABLE and health NOT_SERVING; afterwards all is as before", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack");
  const token = await caller.token({ installation_id });
  const { internalUrl, publicUrl } = service.replicas[0]!;
  const client = health();
  const watch = (client as unknown as Record<string, (request: Message) => ClientReadableStream<Message>>).Watch!;
  const watched: unknown[] = [];
  const stream = watch.call(client, { service: services[1] });
  stream.on("data", ({ status }: Message) => watched.push(status)).on("error", () => undefined);
  await until(() => watched.length === 1, "the watch begins");

  takeDatabaseAway();
  await turns("NOT_SERVING");
  const why = /"health\.changed".*"NOT_SERVING","cause":\{"name":/;
  expect(shared.service.world.lines.some((line) => why.test(line))).toBe(true);
  for (const name of services) {
    expect((await unary(client, "Check", { service: name })).response).toMatchObject({ status: "NOT_SERVING" });
  }
  expect((await unary(client, "List", {})).response).toEqual({
    statuses: Object.fromEntries(services.map((name) => [name, { status: "NOT_SERVING" }])),
  });
  await refusedForLackOfDatabase({ installation_id });
  const [list, rest, full, alive, install] = await Promise.all([
    caller.call("ListInstallations", {}),
    answerOf(`${internalUrl}/oauth/token/slack`),
    answerOf(`${internalUrl}/health?full=1`),
    answerOf(`${publicUrl}/health`),
    answerOf(`${publicUrl}/oauth/install/slack`),
  ]);
  expect(list.error?.code).toBe(14);
  expect(rest).toMatchObject({ status: 503, retryAfter: "1", body: { error: { reason: "SERVICE_UNAVAILABLE" } } });
  expect(full).toMatchObject({ status: 503, body: { database: "unreachable" } });
  expect(alive.status).toBe(200);
  expect(install).toMatchObject({ status: 502, body: { error: { code: "service_unavailable" } } });

  giveDatabaseBack();
  await turns("SERVING");
  await until(() => watched.length === 3, "the watcher is told");
  expect(watched).toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
  stream.cancel();
  expect((await caller.token({ installation_id })).token_id).toBe(token.token_id);
  expect((await caller.list()).installations).toMatchObject([{ id: installation_id }]);
  expect((await service.connect("slack")).installation_id).toBe(installation_id);
});

test("a rotated token whose answer came while the database was away is stored when it is back", async () => {
  const { service, caller } = shared;
  const { controls } = service.sandbox.github;
  const { installation_id } = await service.connect("github-oauth");
  service.clock.advance(8 * 3_600_000 + 1_000);
  const [arrived, gate] = [createGate(), createGate()];
  controls.beforeTokenAnswer = () => {
    arrived.open();
    return gate.opened;
  };
  const before = controls.refreshCalls;
  const asked = caller.getToken({ installation_id });
  await arrived.opened;
  takeDatabaseAway();
  gate.open();
  const retried = () => service.world.lines.some((line) => /"token\.commit_retried".*"cause":\{"name":/.test(line));
  await until(retried, "the answer cannot be stored yet");
  giveDatabaseBack();
  await asked;
  const served = async () => (await caller.getToken({ installation_id })).token !== undefined;
  await until(served, "the token is there");
  expect(await isAccepted("github-oauth", await caller.token({ installation_id }))).toBe(true);
  expect([controls.refreshCalls - before, controls.deadTokenReuses]).toEqual([1, 0]);
});

test("a person whose approval arrives while the database is away is connected when it is back", async () => {
  const { service, caller } = shared;
  const { controls } = service.sandbox.slack;
  const browser = createBrowser();
  const callback = await walkToCallback(service.replicas[0]!, "slack", browser);
  const [arrived, gate] = [createGate(), createGate()];
  controls.beforeTokenAnswer = () => {
    arrived.open();
    return gate.opened;
  };
  const answer = callBack(browser, callback);
  await arrived.opened;
  takeDatabaseAway();
  gate.open();
  const retried = () => service.world.lines.some((line) => /"install\.store_retried".*"cause":\{"name":/.test(line));
  await until(retried, "the connection cannot be stored yet");
  giveDatabaseBack();
  const { status, installation_id } = await answer;
  expect(status).toBe(200);
  expect(await isAccepted("slack", await caller.token({ installation_id }))).toBe(true);
});

test("a state that could not be looked up is not spent", async () => {
  const { service } = shared;
  const browser = createBrowser();
  const callback = await walkToCallback(service.replicas[0]!, "jira", browser);
  const before = shared.platformCalls();
  takeDatabaseAway();
  expect(await callBack(browser, callback)).toMatchObject({ status: 502, error: { code: "service_unavailable" } });
  expect(shared.platformCalls()).toBe(before);
  giveDatabaseBack();
  await turns("SERVING");
  expect(await callBack(browser, callback)).toMatchObject({ status: 200, success: true });
});

test("hand-outs that were counted before an outage are written after it", async () => {
  const { service, caller, sql } = shared;
  const { installation_id } = await service.connect("slack");
  for (let n = 0; n < 8; n++) await caller.token({ installation_id });
  takeDatabaseAway();
  await turns("NOT_SERVING");
  giveDatabaseBack();
  const total = async () => {
    const [row] = await sql`
      select sum(count)::int as total from audit_events
      where installation_id = ${installation_id} and kind in ('token.issued', 'token.repeated')`;
    return row?.total;
  };
  await until(async () => (await total()) === 8, "every hand-out is on record");
});

test("what a platform tells meanwhile is not answered as kept, and is kept when it comes again", async () => {
  const { service, sql } = shared;
  const secret = service.sandbox.environment.GITHUB_WEBHOOK_SECRET ?? "";
  const delivery = githubDelivery(secret, "issues", { action: "opened" });
  const send = (headers: Readonly<Record<string, string>> = delivery.headers) =>
    fetch(`${service.replicas[0]!.publicUrl}/webhooks/github`, { method: "POST", headers, body: delivery.body });
  const rows = () =>
    sql`select id from webhook_deliveries where delivery_id = ${delivery.headers["x-github-delivery"] ?? ""}`;
  takeDatabaseAway();
  const answers = await Promise.all(Array.from({ length: 20 }, () => send()));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(answers[0]?.headers.get("retry-after")).toBe("5");
  // Who has no signature is told so all the same.
  expect((await send({ "x-github-event": "issues" })).status).toBe(401);
  giveDatabaseBack();
  await until(async () => (await send()).status === 200, "it is kept", 15_000);
  await send();
  expect(await rows()).toHaveLength(1);
});
