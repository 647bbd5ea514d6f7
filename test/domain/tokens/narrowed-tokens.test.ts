import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import type { Narrowing } from "../../../src/domain/model/platform.ts";
import { connection, minted, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDesk, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
  // Until then everything may have been missed, and what was minted before is old.
  await until(() => domain.storage.changes.isAlive(), "changes are heard of");
});
afterAll(() => domain.close());

const minute = 60_000;
const readOnly: Narrowing = { repositoryIds: [], repositories: [], permissions: { contents: "read" } };
const down = { kind: "unavailable", retryAfterMs: 3_000, mayHaveBeenProcessed: false, cause: "http_503" } as const;

/** An app's installation, whose tokens are numbered in the order in which they are minted. */
async function installed() {
  const platform = scriptedPlatform({ name: "github", actors: ["app"] });
  let serial = 0;
  const mint = () => minted({ value: `narrow-${++serial}`, now: domain.clock.now() });
  platform.answer = mint;
  const [made] = await domain.connect(
    connection({ kind: "app_installation", tokens: undefined, installation: { products: ["github"] } }),
    { platform: "github" },
  );
  const id = made!.id;
  const desk = openDesk(domain, [platform]);
  const ask = async (narrowing: Narrowing, more: { minTtlMs?: number; rejectedTokenId?: string } = {}) =>
    (await desk.getToken({ installationId: id, narrowing, ...more })).token.reveal();
  return { platform, desk, id, ask, mint };
}

describe("a narrowed token", () => {
  test("is minted once for each shape, whatever the order of its parts", async () => {
    const { platform, ask } = await installed();
    const shape: Narrowing = {
      repositoryIds: [],
      repositories: ["web", "api"],
      permissions: { issues: "write", contents: "read" },
    };
    const turned: Narrowing = {
      repositoryIds: [],
      repositories: ["api", "web"],
      permissions: { contents: "read", issues: "write" },
    };
    expect(await ask(shape)).toBe("narrow-1");
    expect(await ask(turned)).toBe("narrow-1");
    expect(await ask({ ...shape, permissions: {} })).toBe("narrow-2");
    expect(await ask({ ...shape, repositories: ["api"] })).toBe("narrow-3");
    expect(await ask({ ...shape, repositories: [], repositoryIds: [5n] })).toBe("narrow-4");
    expect(await ask({ ...shape, repositories: [], repositoryIds: [6n] })).toBe("narrow-5");
    expect(platform.narrowings).toHaveLength(5);
    expect(platform.narrowings[0]).toEqual(shape);
  });

  test("is another one once the platform told that its grant has changed, whoever heard it", async () => {
    const [{ id, ask, platform }, other] = [await installed(), await installed()];
    expect([await ask(readOnly), await other.ask(readOnly)]).toEqual(["narrow-1", "narrow-1"]);
    const { registration } = platform;
    const found = await domain.storage.installations.find(id);
    const about = { externalOrgId: found!.externalOrgId };
    const told = { platform: "github", registration, about, news: { kind: "changed" }, happenedAt: undefined } as const;
    await domain.storage.questions.note(told);
    expect(await ask(readOnly)).not.toBe("narrow-1");
    expect(await other.ask(readOnly)).toBe("narrow-1");
  });

  test("is of one installation only", async () => {
    const [a, b] = [await installed(), await installed()];
    const desk = openDesk(domain, [a.platform]);
    const ask = async (installationId: string) =>
      (await desk.getToken({ installationId, narrowing: readOnly })).token.reveal();
    expect(await ask(a.id)).toBe("narrow-1");
    expect(await ask(b.id)).toBe("narrow-2");
  });

  test("is minted once for all who ask at the same time", async () => {
    const { platform, ask, mint } = await installed();
    const gate = createGate();
    platform.answer = async () => {
      await gate.opened;
      return mint();
    };
    const asks = Array.from({ length: 30 }, () => ask(readOnly));
    await until(() => platform.narrowings.length > 0, "a mint starts");
    gate.open();
    expect(new Set(await Promise.all(asks))).toEqual(new Set(["narrow-1"]));
    expect(platform.narrowings).toHaveLength(1);
  });

  test("is never stored", async () => {
    const { id, ask } = await installed();
    await ask(readOnly);
    const rows = await domain.sql`
      select access_token, version from credentials c
      join installation_credentials l on l.credential_id = c.id where l.installation_id = ${id}`;
    expect(rows).toEqual([{ access_token: null, version: "1" }]);
  });

  test("tells the permissions that it has", async () => {
    const { platform, desk, id } = await installed();
    const granted = { contents: "read", metadata: "read" };
    platform.answer = () => ({ kind: "minted", tokens: { ...tokenSet(), permissions: granted } });
    const issued = await desk.getToken({ installationId: id, narrowing: readOnly });
    expect([issued.permissions, issued.scopes]).toEqual([granted, []]);
  });

  test("is replaced when it lives too short for the caller, and kept otherwise", async () => {
    const { ask } = await installed();
    expect(await ask(readOnly)).toBe("narrow-1");
    domain.clock.advance(58 * minute);
    expect(await ask(readOnly)).toBe("narrow-1");
    expect(await ask(readOnly, { minTtlMs: minute })).toBe("narrow-1");
    expect(await ask(readOnly, { minTtlMs: 3 * minute })).toBe("narrow-2");
    expect(await ask(readOnly, { minTtlMs: 90 * minute })).toBe("narrow-2");
    domain.clock.advance(59.5 * minute);
    expect(await ask(readOnly)).toBe("narrow-3");
  });

  test("is replaced once the platform refused it, once for all who report it", async () => {
    const { platform, desk, id, ask } = await installed();
    const { tokenId } = await desk.getToken({ installationId: id, narrowing: readOnly });
    expect(await ask(readOnly, { rejectedTokenId: "0".repeat(64) })).toBe("narrow-1");
    const reports = Array.from({ length: 20 }, () => ask(readOnly, { rejectedTokenId: tokenId }));
    expect(new Set(await Promise.all(reports))).toEqual(new Set(["narrow-2"]));
    expect(await ask(readOnly, { rejectedTokenId: tokenId })).toBe("narrow-2");
    expect(platform.narrowings).toHaveLength(2);
  });

  test("is refused where the platform knows no narrowing", async () => {
    const platform = scriptedPlatform({ narrowing: false });
    const [made] = await domain.connect(connection());
    const asked = openDesk(domain, [platform]).getToken({ installationId: made!.id, narrowing: readOnly });
    await expect(asked).rejects.toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field: "github" }] });
    expect(platform.narrowings).toEqual([]);
  });
});

describe("trouble", () => {
  test.each([
    ["unavailable", down, { reason: "PROVIDER_UNAVAILABLE", retryAfterMs: 3_000 }],
    ["rate limited", { kind: "rate_limited", retryAfterMs: 7_000 }, { reason: "PROVIDER_RATE_LIMITED" }],
    ["misconfigured", { kind: "misconfigured", code: "bad_key" }, { reason: "PROVIDER_MISCONFIGURED" }],
  ] as const)(
    "(%s) does not take away what still works, unless the caller rules it out",
    async (_, answer, refusal) => {
      const { platform, desk, id, ask } = await installed();
      const { tokenId } = await desk.getToken({ installationId: id, narrowing: readOnly });
      platform.answer = () => answer;
      domain.clock.advance(59.5 * minute);
      expect(await ask(readOnly)).toBe("narrow-1");
      expect(await ask(readOnly, { minTtlMs: 20_000 })).toBe("narrow-1");
      await expect(ask(readOnly, { minTtlMs: 40_000 })).rejects.toMatchObject(refusal);
      await expect(ask(readOnly, { rejectedTokenId: tokenId })).rejects.toMatchObject(refusal);
      domain.clock.advance(minute);
      await expect(ask(readOnly)).rejects.toMatchObject(refusal);
      domain.clock.advance(7_000);
      platform.answer = () => minted({ value: "after it", now: domain.clock.now() });
      expect(await ask(readOnly)).toBe("after it");
    },
  );

  test("a limit is kept to for every shape, as long as the platform asks", async () => {
    const { platform, ask, mint } = await installed();
    platform.answer = () => ({ kind: "rate_limited", retryAfterMs: 60_000 });
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "PROVIDER_RATE_LIMITED" });
    platform.answer = mint;
    domain.clock.advance(50_000);
    const other = { ...readOnly, repositories: ["api"] };
    await expect(ask(other)).rejects.toMatchObject({ reason: "PROVIDER_RATE_LIMITED" });
    expect(platform.narrowings).toHaveLength(1);
    domain.clock.advance(10_000);
    expect(await ask(other)).toBe("narrow-1");
  });

  test("a shape whose answer is too large says so, and costs the whole token nothing", async () => {
    const { platform, desk, id, ask, mint } = await installed();
    const whole = await desk.getToken({ installationId: id });
    platform.answer = () => ({ kind: "refused", code: "answer_too_large" });
    for (let i = 0; i < 3; i++) await expect(ask(readOnly)).rejects.toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
    const lastError = "refused:answer_too_large";
    expect(await domain.storage.installations.find(id)).toMatchObject({ status: "active", lastError });
    expect((await desk.getToken({ installationId: id })).tokenId).toBe(whole.tokenId);
    expect(platform.narrowings.filter((narrowing) => narrowing === undefined)).toHaveLength(1);
    platform.answer = mint;
    await ask({ ...readOnly, repositories: ["api"] });
    expect((await domain.storage.installations.find(id))?.lastError).toBeUndefined();
  });

  test("what still works is served, however often an installation that refuses us was asked", async () => {
    const { platform, id, desk, ask } = await installed();
    const { tokenId } = await desk.getToken({ installationId: id, narrowing: readOnly });
    platform.answer = () => ({ kind: "refused", code: "ip_allow_list" });
    domain.clock.advance(59.5 * minute);
    for (let i = 0; i < 40; i++) expect(await ask(readOnly)).toBe("narrow-1");
    const strict = ask(readOnly, { minTtlMs: 5 * minute });
    await expect(strict).rejects.toMatchObject({ reason: "CALLER_RATE_LIMITED" });
    const rejected = ask(readOnly, { rejectedTokenId: tokenId });
    await expect(rejected).rejects.toMatchObject({ reason: "CALLER_RATE_LIMITED" });
  });

  test("an installation that lets us in again does not say otherwise for long, whatever is asked for", async () => {
    const { platform, id, ask, mint } = await installed();
    platform.answer = () => ({ kind: "refused", code: "ip_allow_list" });
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "INSTALLATION_SUSPENDED" });
    expect((await domain.storage.installations.find(id))?.lastError).toBe("refused:ip_allow_list");
    platform.answer = mint;
    await ask(readOnly);
    expect((await domain.storage.installations.find(id))?.lastError).toBeUndefined();
  });

  test("a shape that was not granted is the caller's to change and harms no installation", async () => {
    const { platform, id, ask, mint } = await installed();
    platform.answer = () => ({ kind: "not_granted" });
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "SCOPE_NOT_GRANTED" });
    expect((await domain.storage.installations.find(id))?.status).toBe("active");
    platform.answer = mint;
    expect(await ask(readOnly)).toBe("narrow-1");
  });

  test("a suspension is shown, takes living tokens away, and is lifted by the next token", async () => {
    const { platform, id, ask, mint } = await installed();
    await ask(readOnly);
    platform.answer = () => ({ kind: "suspended" });
    const other = { ...readOnly, repositories: ["api"] };
    await expect(ask(other)).rejects.toMatchObject({ reason: "INSTALLATION_SUSPENDED" });
    expect((await domain.storage.installations.find(id))?.status).toBe("suspended");
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "INSTALLATION_SUSPENDED" });
    platform.answer = mint;
    expect(await ask(readOnly)).toBe("narrow-2");
    expect((await domain.storage.installations.find(id))?.status).toBe("active");
  });

  test("a suspension that a narrowed mint found is lifted by a whole token, too", async () => {
    const { platform, desk, id, ask, mint } = await installed();
    platform.answer = () => ({ kind: "suspended" });
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "INSTALLATION_SUSPENDED" });
    platform.answer = mint;
    await desk.getToken({ installationId: id });
    expect((await domain.storage.installations.find(id))?.status).toBe("active");
  });

  test("an installation that is gone at the platform is condemned in one place", async () => {
    const { platform, desk, id, ask } = await installed();
    // One that has never worked may only be too young to be known everywhere.
    await desk.getToken({ installationId: id });
    platform.answer = () => ({ kind: "rejected", code: "installation_removed" });
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
    expect(await domain.storage.installations.find(id)).toMatchObject({
      status: "reauthorization_required",
      lastError: "installation_removed",
    });
    // The narrowed mint, and the one under the lease that decided it.
    expect(platform.narrowings.slice(1)).toEqual([readOnly, undefined]);
  });

  test("a refusal of one mint that the next one contradicts is trouble", async () => {
    const { platform, id, ask } = await installed();
    platform.answer = (_, narrowing) =>
      narrowing === undefined ? minted() : { kind: "rejected", code: "installation_removed" };
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
    expect((await domain.storage.installations.find(id))?.status).toBe("active");
  });

  test("nothing of an installation that was revoked meanwhile is served", async () => {
    const { platform, id, ask } = await installed();
    await ask(readOnly);
    domain.clock.advance(59.5 * minute);
    platform.answer = async () => {
      await domain.storage.installations.beginRevocation(id, "", domain.clock.now());
      return { kind: "rejected", code: "installation_removed" };
    };
    await expect(ask(readOnly)).rejects.toMatchObject({ reason: "INSTALLATION_REVOKED" });
  });
});
