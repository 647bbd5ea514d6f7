import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Client, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { Change, TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { until } from "../../rig/gate.ts";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { startBufCurl } from "../support/buf-curl.ts";
import { connectClient, type Message, readRefusal } from "../support/grpc-client.ts";
import { type Replica, startService, type TestService } from "../support/service.ts";

const keys = { portal: createApiKey(randomBytes).key, tenant: createApiKey(randomBytes).key };
const bearer = (name: keyof typeof keys) => `Bearer ${keys[name].reveal()}`;
const entry = (name: keyof typeof keys, owners: string) => `
  - name: ${name}
    match: { api_key: "sha256:${hashOfApiKey(keys[name].reveal()).toString("hex")}" }
    allow: [{ methods: [WatchInstallations, RevokeInstallation, Metrics], platforms: [slack, jira], ${owners} }]`;
const everybody = `version: 1\ncallers:${entry("portal", "all_owners: true")}${entry("tenant", "owners: [acme]")}\n`;
const portalAlone = `version: 1\ncallers:${entry("portal", "all_owners: true")}\n`;

let directory: string;
let service: TestService;
const clients: Client[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "watch-"));
  await writeFile(join(directory, "callers.yaml"), everybody);
  service = await startService({ replicas: 2, env: { AUTH_CONFIG: join(directory, "callers.yaml") } });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await service.close();
  await rm(directory, { recursive: true });
});

interface Watched {
  readonly seen: Message[];
  readonly ended: Promise<ServiceError>;
  cancel(): void;
}

function watch(replica: Replica | undefined, as: keyof typeof keys, request: Message = {}): Watched {
  const client = connectClient("oauth.token.v1.TokenService", replica?.app.ports.grpc ?? 0);
  clients.push(client);
  const metadata = new Metadata();
  metadata.set("authorization", bearer(as));
  const stream = (
    client as unknown as { watchInstallations(...args: unknown[]): ClientReadableStream<Message> }
  ).watchInstallations(request, metadata);
  const seen: Message[] = [];
  stream.on("data", (message: Message) => seen.push(message));
  const ended = new Promise<ServiceError>((resolve) => stream.on("error", resolve));
  return { seen, ended, cancel: () => stream.cancel() };
}

const steps = ({ seen }: Watched) =>
  seen.map(({ change, installation }) => {
    const { id, status, owner } = (installation ?? {}) as Message;
    return [change, id, status, owner].filter(Boolean).join(" ");
  });
const isSynced = ({ seen }: Watched) => seen.some(({ change }) => change === "CHANGE_SYNCED");

test("what one replica does is seen at the other, through both doors, by whom it concerns", async () => {
  const [one, other] = service.replicas;
  const all = watch(other, "portal");
  const tenant = watch(other, "tenant");
  await until(() => isSynced(all) && isSynced(tenant), "both are in step");
  const mine = (await service.connect("slack", { query: "?owner=acme" })).installation_id;
  const theirs = (await service.connect("jira", { query: "?owner=umbrella" })).installation_id;
  await until(() => all.seen.length >= 3 && tenant.seen.length >= 2, "both connections are seen");
  expect(steps(all).slice(1, 3)).toEqual([
    `CHANGE_CREATED ${mine} INSTALLATION_STATUS_ACTIVE acme`,
    expect.stringMatching(/^CHANGE_CREATED \S+ INSTALLATION_STATUS_ACTIVE umbrella$/),
  ]);

  const baseUrl = one?.internalUrl ?? "";
  const connectClient = createClient(TokenService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  const resumed: string[] = [];
  const headers = { authorization: bearer("tenant") };
  await connectClient.revokeInstallation({ installationId: mine }, { headers });
  const resumeToken = String(tenant.seen[0]?.resume_token);
  const hangUp = new AbortController();
  const options = { headers, signal: hangUp.signal };
  for await (const { change, installation } of connectClient.watchInstallations({ resumeToken }, options)) {
    if (change === Change.SYNCED) break;
    resumed.push(`${Change[change]} ${installation?.id}`);
  }
  // Leaving the loop alone hangs up nothing.
  hangUp.abort();
  expect(resumed).toEqual([`CREATED ${mine}`, `ENDED ${mine}`]);
  await until(() => tenant.seen.length >= 3, "the end is seen");
  expect(steps(tenant).slice(1)).toEqual([
    `CHANGE_CREATED ${mine} INSTALLATION_STATUS_ACTIVE acme`,
    `CHANGE_ENDED ${mine} INSTALLATION_STATUS_REVOKED acme`,
  ]);
  expect(JSON.stringify(tenant.seen)).not.toContain(theirs);

  // A token is its caller's own.
  const stolen = watch(one, "portal", { resume_token: resumeToken });
  expect(readRefusal(await stolen.ended)).toMatchObject({ reason: "INVALID_REQUEST", fields: ["resume_token"] });
  for (const stream of [all, tenant]) stream.cancel();
});

test("who asks for changes alone is told where they begin, and then of each", async () => {
  const [one, other] = service.replicas;
  const before = (await service.connect("slack", { query: "?owner=acme" })).installation_id;
  const stream = watch(other, "tenant", { changes_only: true });
  await until(() => isSynced(stream), "it is in step");
  const client = createClient(
    TokenService,
    createConnectTransport({ baseUrl: one?.internalUrl ?? "", httpVersion: "1.1" }),
  );
  await client.revokeInstallation({ installationId: before }, { headers: { authorization: bearer("tenant") } });
  await until(() => stream.seen.length >= 2, "the change is told");
  const told = ["CHANGE_SYNCED", `CHANGE_ENDED ${before} INSTALLATION_STATUS_REVOKED acme`];
  expect(steps(stream)).toEqual(told);
  // Its places are those of every stream of the same filters.
  const resumed = watch(one, "tenant", { resume_token: String(stream.seen[0]?.resume_token), changes_only: true });
  await until(() => isSynced(resumed), "it is in step");
  expect(steps(resumed)).toEqual(told.toReversed());
  for (const open of [stream, resumed]) open.cancel();
});

test("buf curl shows it, by reflection alone", async () => {
  const path = "/oauth.token.v1.TokenService/WatchInstallations";
  const authorization = `authorization: ${bearer("portal")}`;
  const port = service.replicas[0]?.app.ports.grpc ?? 0;
  let shown = "";
  const hear = (printed: string) => {
    shown += printed;
  };
  const curl = startBufCurl(hear, port, "--header", authorization, "--data", '{"platform":"slack"}', path);
  onTestFinished(curl.stop);
  await until(() => shown.includes("CHANGE_SYNCED") && shown.includes("resumeToken"), "it is in step");
});

test("whoever is taken out of the caller file is cut, and the others are not", async () => {
  const [one] = service.replicas;
  const [tenant, portal] = [watch(one, "tenant"), watch(one, "portal")];
  const baseUrl = one?.internalUrl ?? "";
  const overConnect = (async () => {
    const client = createClient(TokenService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
    for await (const _ of client.watchInstallations({}, { headers: { authorization: bearer("tenant") } }));
  })().catch((error: unknown) => ConnectError.from(error));
  await until(() => isSynced(tenant) && isSynced(portal), "both are in step");
  await until(async () => {
    const metrics = await fetch(`${baseUrl}/metrics`, { headers: { authorization: bearer("portal") } });
    return (await metrics.text()).includes("\noauth_token_service_open_streams 3\n");
  }, "three streams are open");
  await writeFile(join(directory, "callers.yaml"), portalAlone);
  for (let looks = 0; looks < 2; looks++) await one?.jobs.run("look at the caller file");
  await one?.jobs.run("check streams");
  expect(readRefusal(await tenant.ended).reason).toBe("CALLER_UNAUTHENTICATED");
  const failure = await overConnect;
  expect(failure?.findDetails(ErrorInfoSchema)[0]?.reason).toBe("CALLER_UNAUTHENTICATED");
  const before = portal.seen.length;
  await service.connect("slack", { query: "?owner=globex" });
  await until(() => portal.seen.length > before, "the other one goes on");
  portal.cancel();
  const rows = await service.openStorage();
  await one?.jobs.run("flush counts");
  const record = await rows.storage.record.list(
    { kind: "call.refused" },
    [{ platforms: "all", partly: [], owners: "all" }],
    undefined,
    10,
  );
  expect(record.map(({ caller, method, detail }) => [caller, method, detail])).toContainEqual([
    "tenant",
    "WatchInstallations",
    "CALLER_UNAUTHENTICATED",
  ]);
  await rows.close();
});

test("a replica that stops ends its streams at once, and clients go on at the other", async () => {
  const [one, other] = service.replicas;
  const stream = watch(other, "portal");
  await until(() => isSynced(stream), "it is in step");
  const stopped = other?.app.close();
  const refusal = readRefusal(await stream.ended);
  expect(refusal).toMatchObject({ code: "UNAVAILABLE", message: "this replica is shutting down" });
  const next = watch(one, "portal", { resume_token: stream.seen.at(-1)?.resume_token });
  await until(() => isSynced(next), "it goes on");
  expect(steps(next)).toEqual(["CHANGE_SYNCED"]);
  next.cancel();
  await stopped;
});
