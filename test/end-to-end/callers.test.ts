import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@grpc/grpc-js";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { bufCurl } from "../support/buf-curl.ts";
import { connectClient, readRefusal, unary } from "../support/grpc-client.ts";
import { startService, type TestService } from "../support/service.ts";

const path = "/oauth.token.v1.TokenService/GetToken";
const keys = {
  indexer: createApiKey(randomBytes).key,
  dashboard: createApiKey(randomBytes).key,
  prometheus: createApiKey(randomBytes).key,
  nobody: createApiKey(randomBytes).key,
};
type Name = keyof typeof keys;

const bearer = (name: Name) => `Bearer ${keys[name].reveal()}`;
const match = (name: Name) => `match: { api_key: "sha256:${hashOfApiKey(keys[name].reveal()).toString("hex")}" }`;
const rules = `version: 1
callers:
  - name: indexer
    ${match("indexer")}
    allow: [{ methods: [GetToken, GetInstallation], platforms: [slack], owners: [acme] }]
  - name: dashboard
    ${match("dashboard")}
    allow: [{ methods: [GetToken, ListInstallations, RevokeInstallation], platforms: [slack, jira], all_owners: true }]
  - name: prometheus
    ${match("prometheus")}
    allow: [{ methods: [Metrics] }]
`;

let directory: string;
let service: TestService;
let client: Client;
let sql: postgres.Sql;
const installed = { acme: "", umbrella: "" };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "callers-"));
  await writeFile(join(directory, "callers.yaml"), rules);
  service = await startService({ env: { AUTH_CONFIG: join(directory, "callers.yaml") } });
  installed.acme = (await service.connect("slack", { query: "?owner=acme" })).installation_id;
  installed.umbrella = (await service.connect("jira", { query: "?owner=umbrella" })).installation_id;
  client = connectClient("oauth.token.v1.TokenService", service.replicas[0]!.app.ports.grpc);
  sql = postgres(service.databaseUrl, { max: 1 });
});

afterAll(async () => {
  client.close();
  await sql.end();
  await service.close();
  await rm(directory, { recursive: true });
});

function ask(as: Name | undefined, method: string, request: Record<string, unknown>) {
  return unary(client, method, request, as === undefined ? {} : { metadata: { authorization: bearer(as) } });
}

async function refused(as: Name | undefined, method: string, request: Record<string, unknown>) {
  const { error } = await ask(as, method, request);
  if (error === undefined) throw new Error(`${as} was answered`);
  return readRefusal(error);
}

function overHttp(route: string, authorization?: string, body?: object): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization };
  const init =
    body === undefined
      ? { headers }
      : { method: "POST", body: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } };
  return fetch(`${service.replicas[0]!.internalUrl}${route}`, init);
}

describe("whoever proves who it is", () => {
  test("gets its token through every door, on record with its name and the policy", async () => {
    const { app } = service.replicas[0]!;
    const request = { installation_id: installed.acme };
    const overGrpc = await ask("indexer", "GetToken", request);
    const token = String(overGrpc.response?.access_token);
    expect(token).not.toBe("");
    const connect = await overHttp(path, bearer("indexer"), { installationId: installed.acme });
    expect(await connect.json()).toMatchObject({ accessToken: token });
    const rest = await overHttp(`/oauth/token/slack?installation_id=${installed.acme}`, bearer("indexer"));
    expect(await rest.json()).toMatchObject({ access_token: token });
    const header = `authorization: ${bearer("indexer")}`;
    const curled = await bufCurl(app.ports.grpc, "-H", header, "--data", JSON.stringify(request), path);
    expect(JSON.parse(curled.stdout)).toMatchObject({ accessToken: token });
    const [row] = await sql`select * from audit_events where kind = 'token.issued' and caller = 'indexer'`;
    expect(row).toMatchObject({ installation_id: installed.acme, owner: "acme", platform: "slack" });
    const [loaded] = await sql`select * from audit_events where kind = 'policy.loaded'`;
    expect(row?.policy_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(loaded?.policy_hash).toBe(row?.policy_hash);
  });

  test("is told what it may not, before anything is looked up, and sees nothing of others", async () => {
    const absent = crypto.randomUUID();
    expect(await refused("indexer", "ListInstallations", {})).toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    expect(await refused("indexer", "GetToken", { platform: "jira" })).toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    expect(await refused("indexer", "GetToken", { platform: "slack", owner: "umbrella" })).toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "CALLER_NOT_ALLOWED",
    });
    for (const method of ["GetToken", "GetInstallation"]) {
      const other = await refused("indexer", method, { installation_id: installed.umbrella });
      const none = await refused("indexer", method, { installation_id: absent });
      expect(other.reason).toBe("INSTALLATION_NOT_FOUND");
      expect({ ...other, message: other.message.replace(installed.umbrella, absent) }).toEqual(none);
    }
  });

  test("and may see all owners is shown all of them", async () => {
    const { response } = await ask("dashboard", "ListInstallations", {});
    const listed = response!.installations as { id: string; owner: string }[];
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining([installed.acme, installed.umbrella]));
    expect(new Set(listed.map(({ owner }) => owner))).toEqual(new Set(["acme", "umbrella"]));
  });
});

describe("whoever does not", () => {
  test.each([
    ["nothing", undefined],
    ["a key nobody has", bearer("nobody")],
    ["a mistyped key", bearer("indexer").slice(0, -1)],
    ["another scheme", `Basic ${keys.indexer.reveal()}`],
  ])("(%s) gets nothing through any door, the same words for all", async (_what, authorization) => {
    const metadata: Record<string, string> = authorization === undefined ? {} : { authorization };
    const { error } = await unary(client, "GetToken", { installation_id: installed.acme }, { metadata });
    expect(readRefusal(error!)).toMatchObject({ code: "UNAUTHENTICATED", reason: "CALLER_UNAUTHENTICATED" });
    const { error: plain } = await unary(client, "GetToken", { installation_id: installed.acme });
    expect(error?.details).toBe(plain?.details);
    const connect = await overHttp(path, authorization, { installationId: installed.acme });
    expect([connect.status, await connect.json()]).toMatchObject([401, { code: "unauthenticated" }]);
    const rest = await overHttp("/oauth/token/slack", authorization);
    expect([rest.status, await rest.json()]).toMatchObject([401, { error: { reason: "CALLER_UNAUTHENTICATED" } }]);
    expect((await overHttp("/oauth/installations", authorization)).status).toBe(401);
    expect((await overHttp("/metrics", authorization)).status).toBe(401);
  });

  test("is on record, counted", async () => {
    await service.replicas[0]!.jobs.run("flush counts");
    const rows = await sql`select detail, caller, sum(count)::int as count from audit_events
      where kind = 'call.refused' group by 1, 2 order by 1, 2`;
    expect(rows).toEqual([
      { detail: "CALLER_NOT_ALLOWED", caller: "indexer", count: 3 },
      expect.objectContaining({ detail: "CALLER_UNAUTHENTICATED", caller: "unauthenticated" }),
    ]);
  });
});

test("metrics are for whoever may read them", async () => {
  expect((await overHttp("/metrics", bearer("indexer"))).status).toBe(403);
  await service.replicas[0]!.jobs.run("flush counts");
  const refusals = await sql`select caller, address, detail from audit_events
    where kind = 'call.refused' and method = 'Metrics' and detail = 'CALLER_NOT_ALLOWED'`;
  expect(refusals).toEqual([{ caller: "indexer", address: "127.0.0.1", detail: "CALLER_NOT_ALLOWED" }]);
  const answer = await overHttp("/metrics", bearer("prometheus"));
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('caller="indexer"');
  expect((await overHttp("/health")).status).toBe(200);
});

test("a change of the file counts from then on, and a broken one changes nothing", async () => {
  const look = () => service.replicas[0]!.jobs.run("look at the caller file");
  const file = join(directory, "callers.yaml");
  await writeFile(file, rules.replace("platforms: [slack], owners: [acme]", "platforms: [slack], owners: [umbrella]"));
  await look();
  await look();
  expect(await refused("indexer", "GetToken", { installation_id: installed.acme })).toMatchObject({
    reason: "INSTALLATION_NOT_FOUND",
  });
  await writeFile(file, "version: 1\ncallers: [{ name: everybody }]\n");
  await look();
  await look();
  expect(await refused("indexer", "GetToken", { installation_id: installed.acme })).toMatchObject({
    reason: "INSTALLATION_NOT_FOUND",
  });
  await writeFile(file, rules);
  await look();
  await look();
  expect((await ask("indexer", "GetToken", { installation_id: installed.acme })).error).toBeUndefined();
  const kinds = await sql`select kind from audit_events where kind like 'policy.%' order by at, id`;
  expect(kinds.map(({ kind }) => kind)).toEqual(["policy.loaded", "policy.loaded", "policy.refused", "policy.loaded"]);
});
