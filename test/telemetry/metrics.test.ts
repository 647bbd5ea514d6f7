import { describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { familyOf, type Scrape, scrape } from "./scrape.ts";

const shared = useService();
const prefix = "oauth_token_service_";
const read = () => scrape(shared.service.replicas[0]!.internalUrl);

/** What every label may say: nothing that grows with installations, owners, addresses or requests. */
const labelValues: Readonly<Record<string, RegExp>> = {
  task: /^(apply|forward|alert|dead)$/,
  method: /^(GetToken|ListInstallations|GetInstallation|RevokeInstallation)$/,
  caller: /^(anonymous|unauthenticated)$/,
  code: /^(OK|[A-Z_]{2,30}|HTTP_\d{3})$/,
  reason: /^([A-Z_]{2,40})?$/,
  rpc_system_name: /^grpc$/,
  rpc_method: /^oauth\.token\.v1\.TokenService\/(GetToken|ListInstallations|GetInstallation|RevokeInstallation)$/,
  rpc_status_code: /^(OK|[A-Z_]{2,30}|HTTP_\d{3})$/,
  error_type: /^([A-Z_]{2,30})?$/,
  outcome: /^[a-z_]{2,30}$/,
  kind: /^(first|repeated|reauthorization_required|suspended|repeated_failures|(absolute|idle)_end|permissions_pending|silent_webhooks)$/,
  platform: /^(github|github-oauth|jira|slack|sentry|unknown)$/,
  state: /^(registered|failed|silent|waiting|by_hand)$/,
  status: /^(pending|active|suspended|reauthorization_required|revoked)$/,
  key: /^([0-9a-f]{16}|not_in_ring)$/,
  within_seconds: /^\d+$/,
  quantile: /^(0\.5|0\.99|1)$/,
  le: /^([\d.]+|\+Inf)$/,
};

/** Calls, installs and revocations of every kind, with names that must not be seen again. */
async function script() {
  const { service, caller } = shared;
  const [owner, requestId] = ["canary-owner", "canary-request"];
  const { installation_id: id } = await service.connect("slack", { query: `?owner=${owner}` });
  await service.connect("jira");
  const first = await caller.token({ platform: "slack", owner }, { metadata: { "x-request-id": requestId } });
  await caller.token({ platform: "slack", owner });
  service.clock.advance(12 * 3_600_000 + 1_000);
  await caller.token({ platform: "slack", owner });
  await caller.refusal({ platform: "canary-platform" });
  await caller.refusal({ platform: "slack", owner: "canary-nobody" });
  await fetch(`${service.replicas[0]!.publicUrl}/oauth/callback/canary-platform?state=canary-state`);
  await fetch(`${service.replicas[0]!.publicUrl}/oauth/callback/slack?state=canary-state&code=canary-code`);
  return { id, owner, first };
}

describe("/metrics after a scripted run", () => {
  test("counts calls by method, caller, code and reason, with a latency histogram", async () => {
    const before = await read();
    await script();
    const after = await read();
    const grew = (name: string, labels: Record<string, string>) =>
      after.sum(prefix + name, labels) - before.sum(prefix + name, labels);
    const getToken = { method: "GetToken", caller: "anonymous" };
    expect(grew("calls_total", { ...getToken, code: "OK", reason: "" })).toBe(3);
    expect(grew("calls_total", { ...getToken, code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST" })).toBe(1);
    expect(grew("calls_total", { ...getToken, code: "NOT_FOUND", reason: "INSTALLATION_NOT_FOUND" })).toBe(1);
    expect(grew("call_duration_seconds_count", { ...getToken, outcome: "answered" })).toBe(3);
    expect(grew("call_duration_seconds_count", { ...getToken, outcome: "refused" })).toBe(2);
    expect(grew("call_duration_seconds_bucket", { ...getToken, outcome: "answered", le: "+Inf" })).toBe(3);
    expect(grew("call_duration_seconds_sum", { ...getToken, outcome: "answered" })).toBeGreaterThan(0);
    expect(grew("mints_total", { platform: "slack", outcome: "minted" })).toBe(1);
    expect(grew("mint_duration_seconds_count", { platform: "slack" })).toBe(1);
    expect(grew("refreshes_total", { platform: "slack", outcome: "current" })).toBe(1);
    expect(grew("installs_total", { platform: "slack", outcome: "connected" })).toBe(1);
    expect(grew("installs_total", { platform: "slack", outcome: "state_unknown" })).toBe(1);
    expect(grew("installs_total", { platform: "unknown", outcome: "platform_unknown" })).toBe(1);
    expect(grew("hand_outs_total", { kind: "first" })).toBe(2);
  });

  test("counts look-ups, repeated hand-outs once they are written, and revocations", async () => {
    const flush = () => Promise.all(shared.service.replicas.map((replica) => replica.jobs.run("flush counts")));
    // What earlier calls left to be written is not of this script.
    await flush();
    const before = await read();
    const { id } = await script();
    await shared.caller.revoke(id);
    await flush();
    const after = await read();
    const repeated = (at: Scrape) => at.sum(`${prefix}hand_outs_total`, { kind: "repeated" });
    expect(repeated(after)).toBe(repeated(before) + 1);
    const lookUps = (at: Scrape, outcome: string) => at.sum(`${prefix}cache_lookups_total`, { outcome });
    expect(lookUps(after, "hit") - lookUps(before, "hit")).toBeGreaterThan(0);
    expect(lookUps(after, "miss") - lookUps(before, "miss")).toBeGreaterThan(0);
    const revoked = { outcome: "revoked" };
    const name = `${prefix}revocations_total`;
    expect(after.sum(name, revoked) - before.sum(name, revoked)).toBe(1);
  });

  test("counts every door, and what could not be read", async () => {
    const before = await read();
    const { internalUrl } = shared.service.replicas[0]!;
    await fetch(`${internalUrl}/oauth/token/slack`);
    const post = (body: string) =>
      fetch(`${internalUrl}/oauth.token.v1.TokenService/GetToken`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    await post('{"platform":"slack"}');
    await post('{"platform":');
    const after = await read();
    const calls = (at: Scrape, code: string) => at.sum(`${prefix}calls_total`, { method: "GetToken", code });
    expect(calls(after, "NOT_FOUND") - calls(before, "NOT_FOUND")).toBe(2);
    expect(calls(after, "INVALID_ARGUMENT") - calls(before, "INVALID_ARGUMENT")).toBe(1);
  });

  test("shows what is stored, and how the parts are", async () => {
    const { id } = await script();
    await shared.caller.revoke(id);
    await until(async () => (await read()).sum(`${prefix}installations`, { status: "revoked" }) === 1, "a new count");
    const now = await read();
    // Two sites of one Atlassian grant.
    expect(now.sum(`${prefix}installations`, { platform: "jira", status: "active" })).toBe(2);
    expect(now.sum(`${prefix}sealed_credentials`)).toBe(1);
    expect(now.sum(`${prefix}sealed_credentials`, { key: "not_in_ring" })).toBe(0);
    expect(now.sum(`${prefix}tokens_ending`, { platform: "jira", within_seconds: "0" })).toBe(1);
    for (const name of ["database_up", "change_feed_up", "statistics_up"]) expect(now.sum(prefix + name)).toBe(1);
    expect(now.samples.some(({ name }) => name === `${prefix}event_loop_delay_seconds`)).toBe(true);
    for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes"]) {
      expect(now.sum(name)).toBeGreaterThan(0);
    }
  });

  test("has no label but the known ones, no unbounded value, no secret", async () => {
    const { id, first } = await script();
    const now = await read();
    const strange = now.samples.flatMap(({ name, labels }) =>
      Object.entries(labels)
        .filter(([label, value]) => labelValues[label]?.test(value) !== true)
        .map(([label, value]) => `${name}{${label}="${value}"}`),
    );
    expect(strange).toEqual([]);
    expect(now.text).not.toContain("canary");
    for (const text of [id, first.token_id, first.external_org_id, "127.0.0.1", "localhost"]) {
      expect(now.text).not.toContain(text);
    }
    expect(shared.secrets.all.length).toBeGreaterThan(0);
    for (const secret of shared.secrets.all) expect(now.text).not.toContain(secret);
  });

  test("is the text format, with a type and a help for every family", async () => {
    const now = await read();
    expect(now.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const { name, value } of now.samples) {
      expect(familyOf(name, now.types)).toBeDefined();
      expect(value).not.toBeNaN();
    }
    for (const name of now.types.keys()) {
      expect(now.text).toMatch(new RegExp(`^# HELP ${name} \\S`, "m"));
      expect(name).toMatch(/^(oauth_token_service|rpc_server|process|nodejs)_[a-z_]+$/);
    }
    for (const [name, type] of now.types)
      expect(name.endsWith("_total") || name.startsWith("process_cpu"), name).toBe(type === "counter");
  });
});

test("/metrics is on the internal listener only, and for reading only", async () => {
  const { publicUrl, internalUrl } = shared.service.replicas[0]!;
  expect((await fetch(`${publicUrl}/metrics`)).status).toBe(404);
  expect((await fetch(`${internalUrl}/metrics`, { method: "POST" })).status).toBe(405);
  expect((await fetch(`${internalUrl}/metrics`, { method: "HEAD" })).status).toBe(200);
});
