import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { IssuedToken } from "../../../src/domain/tokens/issued-token.ts";
import { createRejections, replacements } from "../../../src/domain/tokens/rejections.ts";
import { connection, minted, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDesk, openDomain, type TokenRequest } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
afterEach(() => void vi.useRealTimers());

const narrowing = { repositoryIds: [], repositories: ["api"], permissions: {} };
const down = { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: false, cause: "http_503" } as const;

async function open() {
  const platform = scriptedPlatform();
  let mints = 0;
  const mint = () => minted({ value: `fresh-${mints++}-${crypto.randomUUID()}`, now: domain.clock.now() });
  platform.answer = mint;
  const [made] = await domain.connect(connection({ tokens: tokenSet({ now: domain.clock.now() }) }));
  const desk = openDesk(domain, [platform]);
  const ask = (request: TokenRequest, caller = "loop") =>
    desk.getToken({ installationId: made!.id, ...request }, { caller });
  /** Rejects what it was given last, until it is refused. */
  async function chain(request: TokenRequest, caller?: string): Promise<unknown> {
    let last: IssuedToken = await ask(request, caller);
    for (let n = 0; n < 30; n++) {
      try {
        const next = await ask({ ...request, rejectedTokenId: last.tokenId }, caller);
        expect(next.tokenId).not.toBe(last.tokenId);
        last = next;
      } catch (error) {
        return error;
      }
    }
    throw new Error("never refused");
  }
  return { platform, ask, chain, mint, mints: () => mints };
}

describe.each<[string, TokenRequest, number]>([
  ["a stored token", {}, 5],
  ["a narrowed token", { narrowing }, 6],
])("%s that is rejected again and again", (_, request, most) => {
  test("is replaced five times for one caller, then one more every ten seconds, and others have their own share", async () => {
    const { ask, chain, mints } = await open();
    const refused = await chain(request);
    expect(refused).toMatchObject({ reason: "CALLER_RATE_LIMITED" });
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(10_000);
    expect(mints()).toBe(most);
    // What is current is still served: nobody said that it is rejected.
    const { tokenId } = await ask(request);
    expect((await ask({ ...request, rejectedTokenId: tokenId }, "neighbour")).tokenId).not.toBe(tokenId);
    expect(mints()).toBe(most + 1);
    domain.clock.advance(10_000);
    expect(await chain(request)).toMatchObject({ reason: "CALLER_RATE_LIMITED" });
    expect(mints()).toBe(most + 2);
  });

  test("by a hundred calls at once is replaced once, and that counts once", async () => {
    const { ask, mints } = await open();
    for (let round = 0; round < 5; round++) {
      const { tokenId } = await ask(request);
      const before = mints();
      const asks = Array.from({ length: 100 }, () => ask({ ...request, rejectedTokenId: tokenId }));
      expect(new Set((await Promise.all(asks)).map((issued) => issued.tokenId)).size).toBe(1);
      expect(mints()).toBe(before + 1);
    }
  });

  test("at a platform that is down is told so, however often", async () => {
    const { platform, ask, mint } = await open();
    const { tokenId } = await ask(request);
    platform.answer = () => down;
    for (let n = 0; n < 20; n++) {
      await expect(ask({ ...request, rejectedTokenId: tokenId })).rejects.toMatchObject({
        reason: "PROVIDER_UNAVAILABLE",
      });
      await domain.endBackoffs();
    }
    platform.answer = mint;
    expect((await ask({ ...request, rejectedTokenId: tokenId })).tokenId).not.toBe(tokenId);
  });
});

const refusals = [
  ["not granted", { kind: "not_granted" }],
  ["of a suspended installation", { kind: "suspended" }],
  ["refused by the organization", { kind: "refused", code: "ip_allow_list" }],
] as const;

describe("one caller's share", () => {
  const who = { caller: "loop", subject: "credential" };
  const now = () => new Date(0);

  test("is spent once by all who get the same, however late they come", async () => {
    const rejections = createRejections({ now });
    const get = (version: number) =>
      rejections.replace(
        who,
        async () => ({ version }),
        (got) => got.version,
      );
    for (let version = 1; version < replacements.rate.burst; version++) {
      for (let n = 0; n < 3; n++) await get(version);
    }
    await get(8);
    await expect(get(9)).rejects.toMatchObject({ reason: "CALLER_RATE_LIMITED" });
  });

  test("when it is spent, still has what needs no platform", async () => {
    const rejections = createRejections({ now });
    for (let n = 0; n < replacements.rate.burst; n++)
      await rejections.replace(
        who,
        async () => ({ n }),
        (got) => got,
      );
    const work = vi.fn(async () => ({ n: 9 }));
    const counted = (got: { n: number }) => got;
    expect(await rejections.replace(who, work, counted, async () => ({ n: 7 }))).toEqual({ n: 7 });
    const without = rejections.replace(who, work, counted, async () => undefined);
    await expect(without).rejects.toMatchObject({ reason: "CALLER_RATE_LIMITED" });
    expect(work).not.toHaveBeenCalled();
  });
});

test.each(refusals)("narrowed tokens that are %s are not asked for without end", async (_, refusal) => {
  // Shares are refilled as time goes by.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const { platform, ask, mint } = await open();
  const kept = await ask({ narrowing });
  const shape = (n: number) => ({ narrowing: { ...narrowing, repositories: [`none-${n}`] } });
  const denied = (n: number, caller?: string) =>
    ask(shape(n), caller).then(
      () => "served",
      (error: { reason: string }) => error.reason,
    );
  let asked = 0;
  platform.answer = (_credential, narrowed) => {
    if (narrowed !== undefined) asked++;
    return refusal;
  };
  const heard: string[] = [];
  for (let n = 0; n < 60; n++) heard.push(await denied(n));
  expect(heard[0]).toMatch(/^(?:SCOPE_NOT_GRANTED|INSTALLATION_SUSPENDED)$/);
  expect([asked, heard.at(-1)]).toEqual([30, "CALLER_RATE_LIMITED"]);
  if (refusal.kind === "not_granted") expect((await ask({ narrowing })).tokenId).toBe(kept.tokenId);
  expect(await denied(60, "neighbour")).toBe(heard[0]);
  platform.answer = mint;
  domain.clock.advance(1_000);
  expect(await denied(61)).toBe("served");
});
