import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import { linkSeconds } from "../../../src/domain/links/link-code.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { openLinks, visitor } from "./stage.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  await domain.sql`delete from rate_limits`;
});

const rows = () =>
  domain.sql<{ kind: string; caller: string; detail: string | null; owner: string | null }[]>`
    select kind, caller, detail, owner from audit_events order by at, id`;
const pass = (seconds: number) => domain.clock.advance(seconds * 1_000);

const down = { kind: "unavailable", cause: "down", retryAfterMs: undefined, mayHaveBeenProcessed: false } as const;
const soon = (seconds: number) => ({
  kind: "slow_down",
  retryAfterMs: expect.closeTo(seconds * 1_000, -3),
});

describe("a link code", () => {
  test("leads from start to the first token, with everything on record", async () => {
    const before = (await rows()).length;
    const links = openLinks(domain);
    const link = await links.start();
    expect(link.code.reveal()).toMatch(/^[0-9]{11}$/);
    expect(link.verificationUrl.href).toBe("https://tokens.example/link");
    const complete = new URL(link.verificationUrlComplete.reveal());
    expect(complete.searchParams.get("code")).toBe(link.code.reveal());
    expect(link.intervalSeconds).toBe(5);

    expect(await links.poll(link)).toEqual({ kind: "pending" });
    const typed = link.code.reveal().replace(/(...)(....)(....)/, " $1-$2 $3\n");
    expect(await links.look(typed, visitor)).toMatchObject({
      kind: "found",
      link: { platform: "slack", owner: "acme", clientName: "a laptop", caller: "anonymous", fromAddress: "127.0.0.1" },
    });
    const outcome = await links.connect(link);
    expect(outcome).toMatchObject({
      kind: "connected",
      installations: [{ externalOrgId: links.org, owner: "acme", status: "active" }],
      linkCodeId: expect.any(String),
    });
    const delivered = await links.poll(link);
    expect(delivered).toMatchObject({
      kind: "connected",
      payload: { tokenType: "Bearer", installations: [{ externalOrgId: links.org }] },
    });
    if (delivered.kind !== "connected") throw new Error("not connected");
    const { accountId, accountSecret, tokenId, accessToken } = delivered.payload;
    expect(accessToken.fingerprint()).toBe(tokenId);
    expect(accountSecret?.reveal()).toMatch(/^[\w-]{43}$/);
    expect(await links.poll(link)).toEqual({ kind: "gone", why: "delivered" });

    expect(links.moves).toEqual(["slack started", "slack approved", "slack delivered"]);

    const told = (await rows()).slice(before);
    expect(told.map(({ kind, caller }) => [kind, caller])).toEqual([
      ["link.started", "anonymous"],
      ["link.approved", "anonymous"],
      ["install.finished", "anonymous"],
      ["token.issued", `link:${accountId}`],
      ["link.delivered", `link:${accountId}`],
    ]);
    expect(new Set(told.map(({ owner }) => owner))).toEqual(new Set(["acme"]));
  });

  test("yields nothing without its secret, and says no more of itself than a code nobody made", async () => {
    const links = openLinks(domain);
    const [link, other] = [await links.start(), await links.start()];
    await links.connect(link);
    expect(await links.pollWith(link.code.reveal(), "")).toEqual({ kind: "unknown" });
    expect(await links.pollWith(link.code.reveal(), other.pollSecret.reveal())).toEqual({ kind: "unknown" });
    expect(await links.pollWith("00000000000", link.pollSecret.reveal())).toEqual({ kind: "unknown" });
    expect(await links.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("is polled at once, then every five seconds, with room for what happens on the way", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    expect(await links.poll(link)).toEqual({ kind: "pending" });
    expect(await links.poll(link)).toEqual(soon(5));
    // Coming too early does not put off the next turn: who goes on at a steady beat is heard again.
    pass(2);
    expect(await links.poll(link)).toEqual(soon(3));
    pass(2.1);
    expect(await links.poll(link)).toEqual({ kind: "pending" });
    const turns = await Promise.all(Array.from({ length: 10 }, () => links.poll(link)));
    expect(turns.filter(({ kind }) => kind === "pending")).toEqual([]);
    pass(5);
    const next = await Promise.all(Array.from({ length: 10 }, () => links.poll(link)));
    expect(next.filter(({ kind }) => kind === "pending")).toHaveLength(1);
  });

  test("is delivered once to eight who ask at once", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    await links.connect(link);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => links.poll(link)));
    expect(outcomes.filter(({ kind }) => kind === "connected")).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === "gone")).toHaveLength(7);
  });

  test("is not handed over to who has gone meanwhile", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    await links.connect(link);
    expect(await links.poll(link, AbortSignal.abort())).toEqual({ kind: "pending" });
    expect(await links.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("that cannot be handed out yet is not lost", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    await links.connect(link);
    await domain.sql`update credentials set expires_at = ${domain.clock.now()}`;
    links.platform.answer = () => down;
    await expect(links.poll(link)).rejects.toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
    links.platform.answer = openLinks(domain).platform.answer;
    await domain.endBackoffs();
    expect(await links.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("ends after ten minutes", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    const approved = await links.approve(link.code.reveal(), visitor);
    pass(linkSeconds);
    expect(await links.poll(link)).toEqual({ kind: "gone", why: "expired" });
    expect(await links.look(link.code.reveal(), visitor)).toEqual({ kind: "refused", why: "ended" });
    expect(await links.approve(link.code.reveal(), visitor)).toEqual({ kind: "refused", why: "ended" });
    expect(approved.kind).toBe("started");
  });

  test("that ended while its person was at the platform connects nothing", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    pass(300);
    const approved = await links.approve(link.code.reveal(), visitor);
    if (approved.kind !== "started") throw new Error(approved.why);
    pass(300);
    expect(await links.comeBack(approved.attempt)).toMatchObject({ kind: "failed", failure: "link_code_ended" });
    const found = await domain.storage.installations.list(
      { externalOrgId: links.org },
      sightOfEverything,
      undefined,
      9,
    );
    expect(found).toEqual([]);
    expect(links.platform.revoked).toHaveLength(1);
  });

  test("that was connected in its last second can be fetched for a minute", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    pass(linkSeconds - 1);
    expect(await links.connect(link)).toMatchObject({ kind: "connected" });
    pass(59);
    expect(await links.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("connects once, in whichever browser is first", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    const attempts = [];
    for (const _ of ["one browser", "another"]) {
      const approved = await links.approve(link.code.reveal(), visitor);
      if (approved.kind === "started") attempts.push(approved.attempt);
    }
    const outcomes = await Promise.all(attempts.map((attempt) => links.comeBack(attempt)));
    expect(outcomes.map((outcome) => (outcome.kind === "failed" ? outcome.failure : outcome.kind)).sort()).toEqual([
      "connected",
      "link_code_ended",
    ]);
  });

  test.each([
    ["the link page", undefined],
    ["the platform", { error: "access_denied" }],
  ])("that is denied at %s stays so", async (_, query) => {
    const links = openLinks(domain);
    const link = await links.start();
    const attempt = await links.approve(link.code.reveal(), visitor);
    if (attempt.kind !== "started") throw new Error(attempt.why);
    if (query === undefined) expect(await links.deny(link.code.reveal(), visitor)).toEqual({ kind: "denied" });
    else expect(await links.comeBack(attempt.attempt, query)).toMatchObject({ kind: "failed", failure: "denied" });
    expect(await links.poll(link)).toEqual({ kind: "denied" });
    // As after the browser's way back.
    expect(await links.approve(link.code.reveal(), visitor)).toEqual({ kind: "refused", why: "ended" });
    if (query === undefined) {
      expect(await links.comeBack(attempt.attempt)).toMatchObject({ kind: "failed", failure: "link_code_ended" });
    }
    expect((await rows()).filter(({ kind }) => kind === "link.denied").at(-1)).toMatchObject({ owner: "acme" });
  });

  test("is good for another try after what failed on the way", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    const answerExchange = links.platform.answerExchange;
    links.platform.answerExchange = () => down;
    expect(await links.connect(link)).toMatchObject({
      ...{ kind: "failed", failure: "provider_unavailable" },
      linkCodeId: expect.any(String),
    });
    expect(await links.poll(link)).toEqual({ kind: "pending" });
    links.platform.answerExchange = answerExchange;
    expect(await links.connect(link)).toMatchObject({ kind: "connected" });
  });

  test("does not connect what is another owner's", async () => {
    const links = openLinks(domain);
    await links.connect(await links.start({ owner: "globex" }));
    const link = await links.start();
    expect(await links.connect(link)).toMatchObject({ kind: "failed", failure: "installation_taken" });
    expect(await links.poll(link)).toEqual({ kind: "pending" });
  });
});
