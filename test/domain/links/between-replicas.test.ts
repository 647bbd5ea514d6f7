import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { linkSeconds } from "../../../src/domain/links/link-code.ts";
import { connection } from "../../support/scripted-platform.ts";
import { openReplicas } from "./replicas.ts";
import { visitor } from "./stage.ts";

let replicas: Awaited<ReturnType<typeof openReplicas>>;
beforeAll(async () => {
  replicas = await openReplicas();
});
afterAll(() => replicas.close());
beforeEach(async () => {
  await replicas.sql`delete from rate_limits`;
});

describe("a live code", () => {
  test("survives that another key comes first in the ring, with its address", async () => {
    const [old, fresh] = [replicas.newKey(), replicas.newKey()];
    const before = await replicas.open({ keys: [old] });
    const during = await replicas.open({ keys: [fresh, old] });
    const link = await before.start();
    const proof = new URL(link.verificationUrlComplete.reveal()).searchParams.get("proof") ?? "";
    await replicas.sql`
      insert into rate_limits (key, count, ends_at) values ('link guesses', 9999, now() + interval '10 minutes')`;
    expect(await during.look(link.code.reveal(), { ...visitor, proof })).toMatchObject({ kind: "found" });
    await replicas.sql`delete from rate_limits`;
    expect(await during.connect(link)).toMatchObject({ kind: "connected" });
    expect(await during.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("goes with the key that hashed it; an account's secret does not", async () => {
    const [old, fresh] = [replicas.newKey(), replicas.newKey()];
    const before = await replicas.open({ keys: [old] });
    const link = await before.start();
    const { accountId, accountSecret } = await before.signIn();
    const after = await replicas.open({ keys: [fresh] });
    expect(await after.poll(link)).toEqual({ kind: "unknown" });
    // The account is known: it is the token that no key opens.
    await expect(after.token(accountId, accountSecret)).rejects.toMatchObject({ reason: "TOKEN_UNREADABLE" });
    const both = await replicas.open({ keys: [fresh, old] });
    expect(await both.token(accountId, accountSecret)).toMatchObject({ kind: "token" });
  });

  test("is finished by another process when one dies between approval and callback, and fetched after a death, too", async () => {
    const keys = [replicas.newKey()];
    const dies = await replicas.open({ keys });
    const link = await dies.start();
    const approved = await dies.approve(link.code.reveal(), visitor);
    if (approved.kind !== "started") throw new Error(approved.why);
    const made = connection();
    const next = await replicas.open({ keys });
    next.platform.answerExchange = () => ({ kind: "connected", connection: made });
    expect(await next.comeBack(approved.attempt)).toMatchObject({ kind: "connected" });
    const last = await replicas.open({ keys });
    expect(await last.poll(link)).toMatchObject({ kind: "connected" });
    expect(await next.poll(link)).toEqual({ kind: "gone", why: "delivered" });
  });

  test("that a commit stored without our hearing of it is connected, and its account is one", async () => {
    const keys = [replicas.newKey()];
    const replica = await replicas.open({ keys });
    const link = await replica.start();
    const { linkedInstalls, linkCodes } = replica.storage;
    const code = await linkCodes.find(link.code.reveal());
    const context = { platform: "slack", holder: "organization" as const, owner: "acme", now: replicas.clock.now() };
    const made = connection();
    const by = { linkCodeId: code?.id ?? "", attemptId: "the attempt" };
    const rows: number[] = [];
    const connect = (attemptId: string) =>
      linkedInstalls.connect({ ...by, attemptId }, made, context, (news) => {
        rows.push(news.length);
        return [];
      });
    const first = await connect("the attempt");
    expect(first).toHaveLength(1);
    expect(await connect("the attempt")).toEqual(first);
    expect(await connect("another attempt")).toBeUndefined();
    expect(rows).toEqual([1]);
    const [accounts] = await replicas.sql`select count(*)::integer from link_accounts where owner = 'acme'
      and installation_ids = array[${first?.[0]?.id ?? ""}]::uuid[]`;
    expect(accounts?.count).toBe(1);
    expect(await replica.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("is as long for replicas whose machines disagree as their service's time is", async () => {
    const keys = [replicas.newKey()];
    const [here, ahead] = [await replicas.open({ keys }), await replicas.open({ keys, aheadMs: 3_000 })];
    const link = await here.start();
    expect(await here.poll(link)).toEqual({ kind: "pending" });
    // It waits for what is left, and never longer than a whole interval.
    expect(await ahead.poll(link)).toEqual({ kind: "slow_down", retryAfterMs: expect.toSatisfy((ms) => ms <= 5_000) });
    const late = await ahead.start();
    expect(await ahead.poll(late)).toEqual({ kind: "pending" });
    expect(await here.poll(late)).toEqual({ kind: "slow_down", retryAfterMs: 5_000 });
    const farAhead = await replicas.open({ keys, aheadMs: 60_000 });
    replicas.clock.advance((linkSeconds - 50) * 1_000);
    expect(await here.look(link.code.reveal(), visitor)).toMatchObject({ kind: "found" });
    expect(await farAhead.look(link.code.reveal(), visitor)).toEqual({ kind: "refused", why: "ended" });
  });
});
