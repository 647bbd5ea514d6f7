import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { anonymous, createCaller } from "../../../src/domain/access/caller.ts";
import { linkSeconds } from "../../../src/domain/links/link-code.ts";
import { createLinkTail } from "../../../src/domain/links/link-tail.ts";
import type { StartedLink } from "../../../src/domain/links/start-link.ts";
import { createWatchLink } from "../../../src/domain/links/watch-link.ts";
import { ServiceError } from "../../../src/errors.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { type LinkStage, openLinks, visitor } from "./stage.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  await domain.sql`delete from rate_limits`;
});

/** What a stream has told so far, and what it came to. */
function watching(
  { linkDesk: desk }: LinkStage,
  { code, pollSecret }: Pick<StartedLink, "code" | "pollSecret">,
  by = call({ method: "WatchLink" }),
  openOf = domain.storage.linkCodes.openOf,
) {
  const hangUp = new AbortController();
  const watchLink = createWatchLink({ desk, tail: createLinkTail({ openOf }), world: domain.world });
  const told: string[] = [];
  const read = async () => {
    for await (const standing of watchLink({ code: code.reveal(), pollSecret }, by, hangUp.signal)) {
      told.push(standing.kind === "gone" ? standing.why : standing.kind);
    }
  };
  const ended = read();
  // Looked at where it matters.
  ended.catch(() => undefined);
  return { told, ended, hangUp: () => hangUp.abort(new Error("hung up")) };
}

describe("WatchLink", () => {
  test("tells that it waits, then what was connected, and ends", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    const watch = watching(links, link);
    await until(async () => watch.told.length === 1, "it waits");
    await links.connect(link);
    await watch.ended;
    expect(watch.told).toEqual(["pending", "connected"]);
    expect(await links.poll(link)).toEqual({ kind: "gone", why: "delivered" });
  });

  test("beside a poll and other streams hands over once", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    const streams = Array.from({ length: 5 }, () => watching(links, link));
    await until(async () => streams.every(({ told }) => told.length === 1), "all wait");
    await links.connect(link);
    const polled = await links.poll(link);
    await Promise.all(streams.map(({ ended }) => ended));
    const ends = [...streams.map(({ told }) => told.at(-1)), polled.kind === "gone" ? polled.why : polled.kind];
    expect(ends.filter((end) => end === "connected")).toHaveLength(1);
    expect(ends.filter((end) => end === "delivered")).toHaveLength(5);
  });

  test("takes nothing from others once its reader has gone", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    await links.connect(link);
    const watch = watching(links, link);
    watch.hangUp();
    await expect(watch.ended).rejects.toThrow("hung up");
    expect(watch.told).not.toContain("connected");
    expect(await links.poll(link)).toMatchObject({ kind: "connected" });
  });

  test("hears of a denial, and of the end of its time", async () => {
    const links = openLinks(domain);
    const [denied, late] = [await links.start(), await links.start()];
    const watch = watching(links, denied);
    await until(async () => watch.told.length === 1, "it waits");
    await links.deny(denied.code.reveal(), visitor);
    await watch.ended;
    expect(watch.told).toEqual(["pending", "denied"]);
    domain.clock.advance(linkSeconds * 1_000 - 1_500);
    const ending = watching(links, late);
    await until(async () => ending.told.length === 1, "it waits");
    domain.clock.advance(1_500);
    await ending.ended;
    expect(ending.told).toEqual(["pending", "expired"]);
  });

  test("is refused for a secret that is not its own, and for a caller of other owners", async () => {
    const [rule] = anonymous.rules;
    if (rule === undefined) throw new Error("no rule");
    const ofGlobex = createCaller("portal", [{ ...rule, owners: new Set(["globex"]) }], "hash");
    const links = openLinks(domain);
    const link = await links.start();
    const other = { code: link.code, pollSecret: new Secret("another") };
    await expect(watching(links, other).ended).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
    const theirs = watching(links, link, call({ as: ofGlobex, method: "WatchLink" }));
    await expect(theirs.ended).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
    expect(theirs.told).toEqual([]);
  });

  test("gives up when its reader does, and when the database stays away", async () => {
    const links = openLinks(domain);
    const link = await links.start();
    const left = watching(links, link);
    await until(async () => left.told.length === 1, "it waits");
    left.hangUp();
    await expect(left.ended).rejects.toThrow("hung up");
    const away = () => Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "away"));
    await expect(watching(links, link, undefined, away).ended).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
  });
});
