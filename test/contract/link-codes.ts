import { describe, expect, test } from "vitest";
import type { LinkCode } from "../../src/domain/links/link-code.ts";
import { slackContext, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

let serial = 10_000_000_000;

/** What headless sign-ins rest on, whatever the database. */
export function describeLinkCodes({ storage, clock, raw }: OpenedStorage): void {
  const { linkCodes, linkAccounts, linkedInstalls, links } = storage;
  const now = () => clock.now();
  const nothing = () => [];

  async function start(owner = unique("owner")) {
    const code = String(serial++);
    const link: Omit<LinkCode, "id" | "state" | "accountId"> = {
      ...{ platform: "slack", product: "slack", owner, clientName: "ci", caller: "portal", policyHash: "hash" },
      ...{ fromAddress: "192.0.2.1", startedAt: now(), expiresAt: new Date(now().getTime() + 600_000) },
      secretHash: unique("secret"),
    };
    expect(await linkCodes.create(link, { code, holder: unique("holder") }, nothing)).toBe("kept");
    const kept = await linkCodes.find(code);
    if (kept === undefined) throw new Error("not found");
    return { code, link, kept };
  }

  async function connected(owner?: string, team = unique("T")) {
    const { code, kept } = await start(owner);
    const by = { linkCodeId: kept.id, attemptId: unique("attempt") };
    const context = slackContext(now(), kept.owner);
    const made = await linkedInstalls.connect(by, workspace(team, team), context);
    const accountId = (await linkCodes.find(code))?.accountId ?? "";
    return { code, kept, by, context, team, accountId, installationId: made?.[0]?.id ?? "" };
  }

  describe("a link code", () => {
    test("comes back whole, by its digits alone, of which nothing is kept", async () => {
      const { code, link, kept } = await start();
      expect(kept).toEqual({ ...link, id: expect.any(String), state: "open", accountId: undefined });
      expect(await linkCodes.find(code.replace(/.$/, "x"))).toBeUndefined();
      const [row] = await raw("select row_to_json(one)::text as text from link_codes one where id = $1", [kept.id]);
      expect(row?.text).not.toContain(code);
      const again = { code, holder: "another" };
      expect(await linkCodes.create(link, again, nothing)).toBe("taken");
    });

    test("has one turn of many that are taken at once", async () => {
      const { kept } = await start();
      const turns = await Promise.all(Array.from({ length: 6 }, () => linkCodes.takeTurn(kept.id, now())));
      expect(turns.filter((wait) => wait === 0)).toHaveLength(1);
    });

    test("is connected, or denied, once; and delivered once", async () => {
      const { code, kept, by, context, team, accountId } = await connected();
      expect(await linkCodes.openOf([kept.id])).toEqual([]);
      expect(await linkCodes.deny(kept.id, now(), nothing)).toBeUndefined();
      const other = { ...by, attemptId: "another" };
      expect(await linkedInstalls.connect(other, workspace(team, "other"), context)).toBeUndefined();
      const delivered = await Promise.all(
        Array.from({ length: 4 }, () => linkCodes.deliver(kept.id, "hash", now(), nothing)),
      );
      expect(delivered.filter(Boolean)).toHaveLength(1);
      expect(await linkCodes.find(code)).toMatchObject({ state: "delivered", accountId });
      expect(await linkAccounts.find(accountId)).toMatchObject({ secretHash: "hash", owner: kept.owner });

      const denied = await start();
      expect(await linkCodes.openOf([denied.kept.id])).toEqual([denied.kept.id]);
      expect(await linkCodes.deny(denied.kept.id, now(), nothing)).toMatchObject({ id: denied.kept.id });
      const late = { linkCodeId: denied.kept.id, attemptId: "late" };
      const nobody = unique("T");
      expect(await linkedInstalls.connect(late, workspace(nobody, nobody), context)).toBeUndefined();
      expect(await raw("select id from installations where external_org_id = $1", [nobody])).toEqual([]);
    });

    test("goes after its end, and with its owner, whose accounts go too", async () => {
      const { kept, accountId } = await connected();
      await linkCodes.prune(new Date(now().getTime() + 700_000));
      expect(await raw("select id from link_codes where id = $1", [kept.id])).toEqual([]);
      const theirs = await connected(kept.owner);
      await links.forgetOwner(kept.owner ?? "");
      expect(await linkAccounts.find(accountId)).toBeUndefined();
      expect(await linkAccounts.find(theirs.accountId)).toBeUndefined();
      expect(await linkCodes.find(theirs.code)).toBeUndefined();
    });
  });

  describe("an account", () => {
    test("made alone what nothing else was connected to", async () => {
      const { accountId, installationId, team, context } = await connected();
      expect(await linkAccounts.madeAlone(accountId)).toEqual([installationId]);
      clock.advance(1_000);
      const second = await connected(context.owner, team);
      expect(second.installationId).toBe(installationId);
      for (const id of [accountId, second.accountId]) expect(await linkAccounts.madeAlone(id)).toEqual([]);
      expect(await linkAccounts.forget(second.accountId, nothing)).toBe(true);
      expect(await linkAccounts.forget(second.accountId, nothing)).toBe(false);
      // It was connected again since, whoever remembers.
      expect(await linkAccounts.madeAlone(accountId)).toEqual([]);
    });

    test("takes another secret for the newer one, or the older while that counts", async () => {
      const { kept, accountId } = await connected();
      await linkCodes.deliver(kept.id, "first", now(), nothing);
      const times = { now: now(), until: new Date(now().getTime() + 60_000) };
      const rotate = (presented: string, made: string) =>
        linkAccounts.rotate(accountId, { presented, made }, times, nothing);
      expect(await rotate("wrong", "second")).toBe(false);
      expect(await rotate("first", "second")).toBe(true);
      expect(await rotate("first", "third")).toBe(true);
      expect(await linkAccounts.find(accountId)).toMatchObject({ secretHash: "third", previous: { hash: "first" } });
      // Neither is the newer one any more, whatever it was when the account was read.
      const at = now();
      for (const older of ["first", "second"]) await linkAccounts.noteUse(accountId, at, older);
      expect(await linkAccounts.find(accountId)).toMatchObject({ previous: { hash: "first" }, usedAt: at });
      await linkAccounts.noteUse(accountId, now(), "third");
      expect(await rotate("first", "fourth")).toBe(false);
      expect(await linkAccounts.find(accountId)).toMatchObject({ previous: undefined });
    });
  });
}
