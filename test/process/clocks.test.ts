import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChildService, startChildService } from "../../rig/child-service.ts";
import { until } from "../../rig/gate.ts";
import { createStage, type Stage } from "./stage.ts";

const hourMs = 3_600_000;
/** Of the sandbox's tokens. */
const lifeSeconds = 3_600;

let stage: Stage;
let others: ChildService[] = [];
beforeEach(async () => {
  stage = await createStage("Postgres");
});
afterEach(async () => {
  await Promise.all(others.map((service) => service.kill()));
  others = [];
  await stage.close();
});

/** One more replica, with another clock. */
async function replica(aheadMs: number, env: Readonly<Record<string, string>> = {}): Promise<ChildService> {
  const service = await startChildService({
    ...stage.env,
    ...{ PORT: "0", CLOCK_AHEAD_MS: String(aheadMs) },
    ...env,
  });
  others.push(service);
  return service;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly token_id: string; readonly expire_time: string; readonly access_token: string };
}

async function ask(service: ChildService, installation_id: string): Promise<Answer> {
  const query = new URLSearchParams({ installation_id, min_ttl: "1" });
  const response = await fetch(`${service.internalUrl}/oauth/token/jira?${query}`);
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

async function connect(): Promise<string> {
  return (await stage.connect("jira")).installations[0]?.id ?? "";
}

/** Moves every stored end, as if that much time had gone by. */
async function age(seconds: number): Promise<void> {
  await stage.sql(`update credentials set issued_at = issued_at - interval '${seconds} s',
    expires_at = expires_at - interval '${seconds} s', refresh_after = refresh_after - interval '${seconds} s'`);
}

async function scrape(service: ChildService, name: string): Promise<number> {
  const text = await (await fetch(`${service.internalUrl}/metrics`)).text();
  return Number(new RegExp(`^oauth_token_service_${name} (.*)$`, "m").exec(text)?.[1]);
}

describe("two replicas, one with a wrong clock", { timeout: 120_000 }, () => {
  test.each([
    ["two hours fast", 2 * hourMs],
    ["ten minutes slow", -hourMs / 6],
    ["420 days fast", 420 * 24 * hourMs],
  ])("%s: both serve the same token, and 20 calls make no refresh", async (_, aheadMs) => {
    const right = await stage.start();
    const wrong = await replica(aheadMs);
    const id = await connect();
    const first = await ask(right, id);
    expect(first.status).toBe(200);
    const { controls } = stage.sandbox.atlassian;
    const refreshes = controls.refreshCalls;
    for (let call = 0; call < 20; call++) expect(await ask(wrong, id)).toEqual(first);
    expect(controls.refreshCalls).toBe(refreshes);

    const health = (await (await fetch(`${wrong.internalUrl}/health?full=1`)).json()) as { clock: { skew_ms: number } };
    expect(health.clock).toMatchObject({ state: "skewed" });
    expect(Math.abs(health.clock.skew_ms - aheadMs)).toBeLessThan(2_000);
    expect(Math.abs((await scrape(wrong, "clock_skew_seconds")) - aheadMs / 1000)).toBeLessThan(2);
    expect(wrong.lines).toContainEqual(expect.objectContaining({ level: "warn", event: "clock.skewed" }));
    expect(Math.abs(await scrape(right, "clock_skew_seconds"))).toBeLessThan(2);
  });

  test.each([
    ["two hours fast", 2 * hourMs],
    ["ten minutes slow", -hourMs / 6],
  ])("%s: what it stores ends when it ends, for both, and no dead token is served", async (_, aheadMs) => {
    await stage.start();
    const id = await connect();
    const first = await ask(stage.service, id);
    await stage.service.kill();
    await age(lifeSeconds);
    const wrong = await replica(aheadMs);
    const begun = Date.now();
    const fresh = await ask(wrong, id);
    expect(fresh.status).toBe(200);
    expect(fresh.body.token_id, "the first has ended").not.toBe(first.body.token_id);
    const endsIn = Date.parse(fresh.body.expire_time) - begun;
    expect(endsIn).toBeGreaterThan((lifeSeconds - 2) * 1000);
    expect(endsIn).toBeLessThan((lifeSeconds + 60) * 1000);
    expect(await ask(await stage.start(), id)).toEqual(fresh);
  });

  test("a clock that is set while it runs changes nothing, and is noticed", async () => {
    await stage.start();
    const stepped = await replica(0, { CLOCK_STEP_MS: String(2 * hourMs) });
    const id = await connect();
    const first = await ask(stepped, id);
    expect(first.status).toBe(200);
    const refreshes = stage.sandbox.atlassian.controls.refreshCalls;
    stepped.signal("SIGUSR2");
    const told = stepped.line("clock.stepped");
    await until(async () => {
      expect(await ask(stepped, id)).toEqual(first);
      return stepped.lines.some(({ event }) => event === "clock.stepped");
    }, "the step is noticed");
    expect(await told).toMatchObject({ level: "warn", machineSteppedMs: expect.closeTo(2 * hourMs, -3) });
    expect(Math.abs((await told).movedMs as number)).toBeLessThan(1_000);
    expect(await ask(stepped, id)).toEqual(first);
    expect(stage.sandbox.atlassian.controls.refreshCalls).toBe(refreshes);
  });
});
