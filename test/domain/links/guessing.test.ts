import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { guessesOfAll, guessesOfOne } from "../../../src/domain/links/guesses.ts";
import { linkSeconds, liveCodes } from "../../../src/domain/links/link-code.ts";
import { allCodes, codeDigits, newCode, readCode } from "../../../src/domain/links/typed-code.ts";
import { call } from "../../support/call.ts";
import { openReplicas } from "./replicas.ts";
import type { LinkStage } from "./stage.ts";

let replicas: Awaited<ReturnType<typeof openReplicas>>;
let one: Awaited<ReturnType<typeof replicas.open>>;
let other: typeof one;
beforeAll(async () => {
  replicas = await openReplicas();
  const keys = [replicas.newKey()];
  one = await replicas.open({ keys });
  other = await replicas.open({ keys });
});
afterAll(() => replicas.close());
beforeEach(async () => {
  await replicas.sql`delete from rate_limits`;
  await replicas.sql`delete from link_codes`;
});

const from = (address: string) => ({ address, requestId: "guess" });
const guess = () => newCode(randomBytes).reveal();
const slow = { kind: "refused", why: "slow_down", retryAfterMs: expect.any(Number) };

/** Live codes that nobody wrote down; `%` in the holder's name makes each of another one. */
const fill = (count: number, holder: string) => replicas.sql`
  insert into link_codes (id, platform, product, caller, holder, code_hash, key_id, secret_hash, state, started_at, expires_at)
  select gen_random_uuid(), 'slack', 'slack', 'ci', replace(${holder}, '%', n::text), gen_random_uuid()::text, 'key', 'secret', 'open',
    ${replicas.clock.now()}, ${new Date(replicas.clock.now().getTime() + 600_000)}
  from generate_series(1, ${count}::integer) as n`;

/** As many as the connections of both take without waiting. */
const atOnce = 8;

/** Sends guesses from that many sources, some at once, to both replicas in turn; gives how many were looked up. */
async function attack(sources: number, guessesEach: number): Promise<number> {
  const outcomes: Awaited<ReturnType<LinkStage["look"]>>[] = [];
  for (let sent = 0; sent < sources * guessesEach; sent += atOnce) {
    const round = Array.from({ length: atOnce }, (_, n) =>
      (n % 2 === 0 ? one : other).look(guess(), from(`203.0.113.${(sent + n) % sources}`)),
    );
    outcomes.push(...(await Promise.all(round)));
  }
  expect(outcomes.filter(({ kind }) => kind === "found")).toEqual([]);
  return outcomes.filter((outcome) => outcome.kind === "refused" && outcome.why !== "slow_down").length;
}

describe("guessing", () => {
  test("hits one of a thousand live codes in fewer than one of a hundred thousand windows, wherever the window begins", () => {
    expect(liveCodes.inAll).toBe(1_000);
    expect(guessesOfAll.windowSeconds).toBe(linkSeconds);
    const perWindow = (guessesOfAll.most * liveCodes.inAll) / allCodes;
    expect(perWindow).toBeLessThan(1e-5);
    // Any ten minutes touch two windows at most.
    expect(2 * perWindow).toBeLessThan(1e-5);
    expect(perWindow).toBeCloseTo(4e-6, 12);
  });

  test("ends with what is allowed to all, sent at once to two replicas by more sources than that takes", async () => {
    await fill(liveCodes.inAll, "caller ci");
    const sources = guessesOfAll.most / guessesOfOne.most + 4;
    const lookedUp = await attack(sources, guessesOfOne.most + 2);
    expect(lookedUp).toBe(guessesOfAll.most);
    expect((lookedUp * liveCodes.inAll) / allCodes).toBeLessThan(1e-5);
  });

  test("of one source ends with what is allowed to one, and uses up nothing of the others'", async () => {
    expect(await attack(1, 3 * guessesOfOne.most)).toBe(guessesOfOne.most);
    const [row] = await replicas.sql`select count from rate_limits where key = 'link guesses'`;
    expect(row?.count).toBe(guessesOfOne.most);
    const ipv6 = [];
    for (let n = 0; n <= guessesOfOne.most; n++) ipv6.push(await one.look(guess(), from(`2001:db8:0:1::${n}`)));
    expect(ipv6.at(-1)).toEqual(slow);
    expect((await one.look(guess(), from("2001:db8:0:2::1"))).kind).toBe("refused");
  });

  test("lets nobody off for a right code in between", async () => {
    const own = await one.start();
    const attacker = from("203.0.113.99");
    let lookedUp = 0;
    for (let n = 0; n < 2 * guessesOfOne.most; n++) {
      await one.look(own.code.reveal(), attacker);
      const outcome = await one.look(guess(), attacker);
      if (outcome.kind === "refused" && outcome.why === "unknown") lookedUp += 1;
    }
    expect(lookedUp).toBe(guessesOfOne.most);
    expect(await one.look(own.code.reveal(), attacker)).toEqual(slow);
  });

  test("does not stop who comes by the whole address, and no other proof does as well", async () => {
    const link = await one.start();
    const code = link.code.reveal();
    const url = new URL(link.verificationUrlComplete.reveal());
    const proof = url.searchParams.get("proof") ?? "";
    await replicas.sql`
      insert into rate_limits (key, count, ends_at) values ('link guesses', 9999, now() + interval '10 minutes')`;
    const person = from("192.0.2.1");
    expect(await one.look(code, person)).toEqual(slow);
    for (const wrong of ["", proof.slice(1), `${proof}A`, proof.toLowerCase()]) {
      expect(await one.look(code, { ...person, proof: wrong })).toEqual(slow);
    }
    expect(await one.look(guess(), { ...person, proof })).toEqual(slow);
    expect(await other.look(code, { ...person, proof })).toMatchObject({ kind: "found" });
    expect(await other.approve(code, { ...person, proof })).toMatchObject({ kind: "started" });
    expect(await one.deny(code, { ...person, proof })).toEqual({ kind: "denied" });
  });

  test("with what cannot be a code costs nobody anything", async () => {
    for (const typed of ["", "1234567890", "123456789012", "1234567890a", "x".repeat(100_000), "\0".repeat(11)]) {
      expect(await one.look(typed, from("192.0.2.2"))).toEqual({ kind: "refused", why: "unknown" });
    }
    expect(await replicas.sql`select key from rate_limits`).toEqual([]);
  });
});

describe("live codes", () => {
  test("are never more than a thousand, started at once at two replicas", async () => {
    await fill(liveCodes.inAll - 3, "network %");
    const starts = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? one : other).start()));
    expect(starts.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    const refused = starts.flatMap((start) => (start.status === "rejected" ? [start.reason] : []));
    expect(new Set(refused.map(({ reason }) => reason))).toEqual(new Set(["SERVICE_UNAVAILABLE"]));
    expect(refused[0].retryAfterMs).toBeGreaterThan(0);
  });

  test("that few hold keep nobody out: who has most loses the newest", async () => {
    for (const name of ["a", "b", "c"]) await fill(liveCodes.each, `network ${name}`);
    await fill(liveCodes.inAll - 3 * liveCodes.each - 1, "network d");
    const first = await one.start({}, call({ address: "203.0.113.1", method: "StartLink" }));
    replicas.clock.advance(1_000);
    const kept = await other.start({}, call({ address: "203.0.113.2", method: "StartLink" }));
    const live = await replicas.sql`
      select holder, count(*)::integer as codes from link_codes
      where expires_at > ${replicas.clock.now()} group by holder order by codes desc, holder`;
    expect(live.map(({ codes }) => codes)).toEqual([250, 250, 249, 249, 1, 1]);
    expect(await one.poll(first)).toEqual({ kind: "pending" });
    expect(await one.poll(kept)).toEqual({ kind: "pending" });
  });

  test("of one caller, or network where callers are not told apart, leave room for others", async () => {
    const ci = call({ caller: "ci", method: "StartLink" });
    await fill(liveCodes.each, "caller ci");
    await expect(one.start({}, ci)).rejects.toMatchObject({ reason: "CALLER_RATE_LIMITED" });
    await one.start({}, call({ caller: "portal", method: "StartLink" }));
    await fill(liveCodes.each, "network 127.0.0.1");
    await expect(one.start()).rejects.toMatchObject({ reason: "CALLER_RATE_LIMITED" });
    // What was answered waits for nobody any more.
    await replicas.sql`update link_codes set state = 'denied' where holder = 'caller ci'`;
    await one.start({}, ci);
  });

  test("have digits of their own, whichever key hashed them", async () => {
    const keys = [replicas.newKey(), replicas.newKey()] as const;
    const before = await replicas.open({ keys: [keys[0]] });
    const after = await replicas.open({ keys: [keys[1], keys[0]] });
    const link = await before.start();
    const made = { code: link.code.reveal(), holder: "caller ci" };
    const at = { startedAt: replicas.clock.now(), expiresAt: new Date(replicas.clock.now().getTime() + 1_000) };
    const again = { ...{ platform: "slack", product: "slack", owner: undefined, clientName: undefined }, ...at };
    const stored = { ...again, caller: "ci", policyHash: undefined, fromAddress: undefined, secretHash: "x" };
    expect(await after.storage.linkCodes.create(stored, made, () => [])).toBe("taken");
  });
});

describe("a code", () => {
  test("is any eleven digits, each as likely as the others", () => {
    expect(allCodes).toBe(1e11);
    const bytes = (value: number) => {
      const drawn = Buffer.alloc(5);
      drawn.writeUIntBE(value, 0, 5);
      return drawn;
    };
    const drawn = [2 ** 40 - 1, 10 * allCodes, 10 * allCodes - 1].map(bytes);
    // What lies above ten times all codes would make the low ones likelier, and is drawn again.
    expect(newCode(() => drawn.shift() ?? bytes(0)).reveal()).toBe("99999999999");
    expect(newCode(() => bytes(7)).reveal()).toBe("00000000007");
    const counts = Array.from({ length: codeDigits }, () => new Array<number>(10).fill(0));
    const codes = 20_000;
    for (let n = 0; n < codes; n++) {
      for (const [place, digit] of [...guess()].entries()) (counts[place] ?? [])[Number(digit)]! += 1;
    }
    // Chi squared with 9 degrees of freedom: 40 is beyond one in a hundred thousand.
    for (const place of counts) {
      const expected = codes / 10;
      expect(place.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(40);
    }
  });

  test("is read whatever is put between its digits", () => {
    for (const typed of [
      "123-4567-8901",
      " 123 4567 8901\n",
      "123\u00a04567\u20118901",
      "123–4567—8901",
      "１２３４５６７８９０１",
    ]) {
      expect(readCode(typed)).toBe("12345678901");
    }
    for (const typed of ["123.4567.8901", "+12345678901", "12345678901,", "١٢٣٤٥٦٧٨٩٠١"]) {
      expect(readCode(typed)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (typed) => {
        const read = readCode(typed);
        expect(read === undefined || /^[0-9]{11}$/.test(read)).toBe(true);
      }),
    );
  });
});
