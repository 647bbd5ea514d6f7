import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createClock } from "../../../rig/clock.ts";
import { createGate, until } from "../../../rig/gate.ts";
import { createTestWorld } from "../../../rig/world.ts";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import type { Credential } from "../../../src/domain/model/credential.ts";
import type { CredentialRepository } from "../../../src/domain/model/credential-repository.ts";
import type { MintOutcome } from "../../../src/domain/model/platform.ts";
import { createRefresher } from "../../../src/domain/refreshing/refresher.ts";
import { ServiceError } from "../../../src/errors.ts";
import { Secret } from "../../../src/secret.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { openTestStorage } from "../../support/domain.ts";
import { connection, minted, onlyPlatforms, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";

const clock = createClock();
const world = createTestWorld(clock.now);
let storage: Storage;
let sql: postgres.Sql;
let close: () => Promise<void>;

beforeAll(async () => {
  const opened = await openTestStorage(world);
  ({ storage } = opened);
  sql = postgres(opened.url, { max: 2 });
  close = opened.close;
});

afterAll(async () => {
  await sql.end();
  await close();
});

async function connected(
  options: Parameters<typeof connection>[0] = {},
): Promise<{ id: string; credential: Credential }> {
  const context = { platform: "slack", holder: "organization", owner: undefined, now: clock.now() } as const;
  const [installation] = await storage.installations.connect(connection(options), context);
  return { id: installation!.id, credential: await credentialOf(installation!.id) };
}

async function credentialOf(installationId: string): Promise<Credential> {
  const [selection] = await storage.installations.select({ installationId }, sightOfEverything, 2);
  return selection!.credential!;
}

/** As many replicas as asked for, on one database. */
function replicas(count: number, platform: ReturnType<typeof scriptedPlatform>, credentials = storage.credentials) {
  const platforms = onlyPlatforms(platform);
  return Array.from({ length: count }, () => createRefresher({ credentials, platforms, world }));
}

const dead = { kind: "rejected", code: "invalid_refresh_token" } as const;

describe("one refresh", () => {
  test("spends a refresh token once, however many callers and replicas ask", async () => {
    const platform = scriptedPlatform();
    const gate = createGate();
    platform.answer = async () => {
      await gate.opened;
      return minted({ value: "the-new-one" });
    };
    const { credential } = await connected({ tokens: tokenSet({ refreshToken: "r1" }) });
    const two = replicas(2, platform);
    const asks = Array.from({ length: 40 }, (_, i) => two[i % 2]!.refresh(credential));
    await until(() => platform.spent.length > 0, "a refresh starts");
    gate.open();
    const outcomes = await Promise.all(asks);
    const tokens = outcomes.map((o) => (o.kind === "current" ? o.credential.accessToken()?.reveal() : o.failure));
    expect(new Set(tokens)).toEqual(new Set(["the-new-one"]));
    expect(platform.spent).toEqual(["r1"]);
  });

  test("asks again for a version that is newer than the one refreshed before", async () => {
    const platform = scriptedPlatform();
    const { id, credential } = await connected();
    const [replica] = replicas(1, platform);
    await replica!.refresh(credential);
    await replica!.refresh(await credentialOf(id));
    expect(platform.spent.length).toBe(2);
  });

  test("gives what another replica stored to whoever saw the version before", async () => {
    const platform = scriptedPlatform();
    const { credential } = await connected();
    const [a, b] = replicas(2, platform);
    await a!.refresh(credential);
    const second = await b!.refresh(credential);
    expect(second.kind).toBe("current");
    expect(platform.spent.length).toBe(1);
  });

  test("stores the answer even if the database refuses the commit at first", async () => {
    const platform = scriptedPlatform();
    let refusals = 3;
    const credentials: CredentialRepository = {
      ...storage.credentials,
      commit: async (...args) => {
        if (refusals-- > 0) throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
        return storage.credentials.commit(...args);
      },
    };
    const { id, credential } = await connected();
    platform.answer = () => minted({ value: "kept" });
    const [replica] = replicas(1, platform, credentials);
    await replica!.refresh(credential);
    expect((await credentialOf(id)).accessToken()?.reveal()).toBe("kept");
    expect(platform.spent.length).toBe(1);
  });

  test("ends a new token at the platform when its installation was revoked meanwhile", async () => {
    const platform = scriptedPlatform();
    const gate = createGate();
    platform.answer = async () => {
      await gate.opened;
      return minted({ value: "orphan" });
    };
    const { id, credential } = await connected();
    const [replica] = replicas(1, platform);
    const asked = replica!.refresh(credential);
    await until(() => platform.spent.length === 1, "the refresh is at the platform");
    await storage.installations.beginRevocation(id, "", clock.now());
    gate.open();
    expect(await asked).toMatchObject({ kind: "failed", failure: "gone" });
    expect(platform.revoked).toEqual(["orphan"]);
  });
});

describe("a refused token", () => {
  test("is believed only if the row still has the version that was sent", async () => {
    const platform = scriptedPlatform();
    const { id, credential } = await connected();
    platform.answer = async () => {
      // A person connects again while the platform refuses the old token.
      await storage.installations.connect(
        connection({ org: credential.subject.replace(":bot", ""), tokens: tokenSet({ value: "reconnected" }) }),
        { platform: "slack", holder: "organization", owner: undefined, now: clock.now() },
      );
      return dead;
    };
    const [replica] = replicas(1, platform);
    const outcome = await replica!.refresh(credential);
    expect(outcome.kind === "current" && outcome.credential.accessToken()?.reveal()).toBe("reconnected");
    expect((await storage.installations.find(id))?.status).toBe("active");
  });

  test("ends the grant when nothing else of it works", async () => {
    const platform = scriptedPlatform();
    platform.answer = () => dead;
    const { id, credential } = await connected();
    const [replica] = replicas(1, platform);
    expect(await replica!.refresh(credential)).toMatchObject({ kind: "failed", failure: "dead" });
    expect(await storage.installations.find(id)).toMatchObject({
      status: "reauthorization_required",
      lastError: "invalid_refresh_token",
    });
  });

  test("gives way to a second successor that was kept as a spare", async () => {
    const platform = scriptedPlatform();
    const { credential } = await connected({ tokens: tokenSet({ refreshToken: "first" }) });
    const lease = await storage.credentials.acquire(credential.id, credential.version, "late", 20_000);
    await sql`update credentials set lease_until = null where id = ${credential.id}`;
    const [replica] = replicas(1, platform);
    await replica!.refresh(credential);
    expect((await storage.credentials.commit(lease!, tokenSet({ refreshToken: "spare" }), undefined)).kind).toBe(
      "superseded",
    );
    platform.answer = ({ refreshToken }) => (refreshToken?.reveal() === "spare" ? minted() : dead);
    const state = await storage.credentials.read(credential.id);
    expect((await replica!.refresh(state!.credential)).kind).toBe("current");
    expect(platform.spent.at(-1)).toBe("spare");
  });

  test("that was slow leaves the spare to the next lease, so that no call outlives its own", async () => {
    const platform = scriptedPlatform();
    const { credential } = await connected({ tokens: tokenSet({ refreshToken: "first" }) });
    const lease = await storage.credentials.acquire(credential.id, credential.version, "late", 20_000);
    await sql`update credentials set lease_until = null where id = ${credential.id}`;
    const [replica] = replicas(1, platform);
    await replica!.refresh(credential);
    await storage.credentials.commit(lease!, tokenSet({ refreshToken: "spare" }), undefined);
    const monotonic = performance.now.bind(performance);
    let tookMs = 0;
    const clockOfProcess = vi.spyOn(performance, "now").mockImplementation(() => monotonic() + tookMs);
    platform.answer = ({ refreshToken }) => {
      if (refreshToken?.reveal() === "spare") return minted();
      tookMs += 9_000;
      return dead;
    };
    const state = await storage.credentials.read(credential.id);
    expect(await replica!.refresh(state!.credential)).toMatchObject({ failure: "unavailable" });
    expect(platform.spent).not.toContain("spare");
    clockOfProcess.mockRestore();
    tookMs = 0;
    platform.answer = ({ refreshToken }) => (refreshToken?.reveal() === "spare" ? minted() : dead);
    await sql`update credentials set lease_until = clock_timestamp() where id = ${credential.id}`;
    expect((await replica!.refresh(state!.credential)).kind).toBe("current");
  });

  test("gives way to its predecessor within the platform's leeway, and not after it", async () => {
    for (const [waitMs, works] of [
      [60_000, true],
      [11 * 60_000, false],
    ] as const) {
      const platform = scriptedPlatform({ reuseLeewayMs: 600_000 });
      const { credential } = await connected({ tokens: tokenSet({ refreshToken: "predecessor" }) });
      const [replica] = replicas(1, platform);
      await replica!.refresh(credential);
      clock.advance(waitMs);
      platform.answer = ({ refreshToken }) => (refreshToken?.reveal() === "predecessor" ? minted() : dead);
      const state = await storage.credentials.read(credential.id);
      const outcome = await replica!.refresh(state!.credential);
      expect(outcome.kind).toBe(works ? "current" : "failed");
    }
  });

  test("waits for an attempt that never reported, and then names the loss", async () => {
    const platform = scriptedPlatform();
    const { id, credential } = await connected();
    await storage.credentials.acquire(credential.id, credential.version, "crashed", 20_000);
    await sql`update credentials set lease_until = clock_timestamp() where id = ${credential.id}`;
    platform.answer = () => dead;
    const [replica] = replicas(1, platform);
    expect(await replica!.refresh(credential)).toMatchObject({ failure: "unavailable" });
    expect((await storage.installations.find(id))?.status).toBe("active");
    expect((await storage.installations.find(id))?.lastError).toBe("unclear");
    clock.advance(61_000);
    await sql`update credentials set lease_until = clock_timestamp() where id = ${credential.id}`;
    expect(await replica!.refresh(credential)).toMatchObject({ failure: "dead" });
    expect((await storage.installations.find(id))?.lastError).toBe("rotation_lost");
  });
});

describe("trouble that is not the grant's", () => {
  test.each([
    [
      "unavailable",
      { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: false, cause: "ECONNREFUSED" },
      "unavailable",
    ],
    [
      "unclear",
      { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: true, cause: "timeout" },
      "unavailable",
    ],
    ["misconfigured", { kind: "misconfigured", code: "bad_client_secret" }, "misconfigured"],
    ["rate_limited", { kind: "rate_limited", retryAfterMs: 5_000 }, "rate_limited"],
  ] as const)(
    "is recorded as %s, leaves the installation active and is not asked about again at once",
    async (lastError, answer, failure) => {
      const platform = scriptedPlatform();
      platform.answer = () => answer;
      const { id, credential } = await connected();
      const two = replicas(2, platform);
      for (const replica of two) {
        const outcome = await replica.refresh(credential);
        expect(outcome).toMatchObject({ kind: "failed", failure });
        expect(outcome.kind === "failed" && outcome.retryAfterMs).toBeGreaterThan(0);
      }
      expect(platform.spent.length).toBe(1);
      expect(await storage.installations.find(id)).toMatchObject({ status: "active", lastError });
    },
  );

  test("passes: the next refresh after the back-off clears it", async () => {
    const platform = scriptedPlatform();
    platform.answer = () => ({ kind: "misconfigured", code: "bad_client_secret" });
    const { id, credential } = await connected();
    const [replica] = replicas(1, platform);
    await replica!.refresh(credential);
    await sql`update credentials set lease_until = clock_timestamp() where id = ${credential.id}`;
    platform.answer = () => minted();
    expect((await replica!.refresh(credential)).kind).toBe("current");
    expect((await storage.installations.find(id))?.lastError).toBeUndefined();
  });

  test("waits as long as the platform asks for", async () => {
    const platform = scriptedPlatform();
    platform.answer = () => ({ kind: "rate_limited", retryAfterMs: 120_000 });
    const { credential } = await connected();
    const [replica] = replicas(1, platform);
    await replica!.refresh(credential);
    const second = await replica!.refresh(credential);
    expect(second.kind === "failed" && second.retryAfterMs).toBeGreaterThan(100_000);
  });

  test("an outage is looked at again within seconds, however long the platform says it takes", async () => {
    const platform = scriptedPlatform();
    const hours = { kind: "unavailable", retryAfterMs: 7_200_000, mayHaveBeenProcessed: false, cause: "http_503" };
    platform.answer = () => hours as MintOutcome;
    const { credential } = await connected();
    const [replica] = replicas(1, platform);
    const outcome = await replica!.refresh(credential);
    expect(outcome.kind === "failed" && outcome.retryAfterMs).toBeLessThan(10_000);
    const again = await replica!.refresh(credential);
    expect(again.kind === "failed" && again.retryAfterMs).toBeLessThan(10_000);
  });

  test("a suspension is shown, and lifted by the first token after it", async () => {
    const platform = scriptedPlatform();
    platform.answer = () => ({ kind: "suspended" });
    const { id, credential } = await connected({ kind: "app_installation", tokens: undefined });
    const [replica] = replicas(1, platform);
    expect(await replica!.refresh(credential)).toMatchObject({ failure: "suspended" });
    expect((await storage.installations.find(id))?.status).toBe("suspended");
    await sql`update credentials set lease_until = clock_timestamp() where id = ${credential.id}`;
    platform.answer = () => minted();
    await replica!.refresh(credential);
    expect((await storage.installations.find(id))?.status).toBe("active");
  });
});

test("a long-lived token that the platform confirms stays as it is", async () => {
  const platform = scriptedPlatform();
  platform.answer = ({ accessToken }) =>
    accessToken?.reveal() === "forever" ? { kind: "confirmed" } : { kind: "rejected", code: "token_revoked" };
  const tokens = { ...tokenSet({ value: "forever" }), refreshToken: undefined };
  const { credential } = await connected({ kind: "long_lived", tokens });
  const [replica] = replicas(1, platform);
  const outcome = await replica!.refresh(credential);
  expect(outcome.kind === "current" && outcome.credential.version).toBe(credential.version);
});

test.each([
  [{ kind: "confirmed" } as const, "client@https://platform.example"],
  [{ kind: "confirmed", ofAnyClient: true } as const, undefined],
])("whose a long-lived token is, is learnt from %j only if it says so", async (answer, registration) => {
  const platform = Object.assign(scriptedPlatform(), { answer: () => answer });
  const tokens = { ...tokenSet({ value: "forever" }), refreshToken: undefined };
  const { credential } = await connected({ kind: "long_lived", tokens });
  const [replica] = replicas(1, platform);
  expect((await replica!.refresh(credential)).kind).toBe("current");
  expect((await storage.credentials.read(credential.id))?.credential.registration).toBe(registration);
});

test("a row that no key opens is reported as unreadable and left alone", async () => {
  const platform = scriptedPlatform();
  const { id, credential } = await connected();
  const other = await connected({ tokens: { ...tokenSet(), refreshToken: new Secret("other") } });
  await sql`update credentials set refresh_token = (select refresh_token from credentials where id = ${other.credential.id}) where id = ${credential.id}`;
  const [replica] = replicas(1, platform);
  await expect(replica!.refresh(credential)).rejects.toMatchObject({ reason: "TOKEN_UNREADABLE" });
  expect(platform.spent).toEqual([]);
  expect((await storage.installations.find(id))?.status).toBe("active");
});
