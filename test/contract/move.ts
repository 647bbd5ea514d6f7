import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import { slackContext, tokenSet, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What moving an organization, and ending an owner's belongings, rest on. */
export function describeMove({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials } = storage;
  const now = () => clock.now();
  const connect = (team: string, owner: string | undefined, tokens = team) =>
    installations.connect(workspace(team, tokens), slackContext(now(), owner));
  const ownersOf = (team: string) => raw("select owner from credentials where subject = $1", [`${team}:bot`]);

  describe("moving", () => {
    test.each([
      ["acme", "globex"],
      ["acme", undefined],
      [undefined, "globex"],
    ])("from %s to %s takes what it is served with along", async (from, to) => {
      const team = unique("T");
      const [made] = await connect(team, from);
      expect(made?.installedBy).toBeDefined();
      const moved = await installations.move(made?.id ?? "", to, now());
      // Nor whom the owner before had connect it.
      expect(moved).toMatchObject([{ id: made?.id, owner: to, installedBy: undefined }]);
      expect(await ownersOf(team)).toEqual([{ owner: to ?? null }]);
      const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      expect(found).toMatchObject({ installation: { owner: to }, credential: { version: 1 } });
      await expect(connect(team, from)).rejects.toMatchObject({ reason: "INSTALLATION_TAKEN" });
      expect((await connect(team, to, "again"))[0]?.id).toBe(made?.id);
    });

    test("lets a refresh that is under way be stored", async () => {
      const team = unique("T");
      const [made] = await connect(team, "acme");
      const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const lease = await credentials.acquire(found?.credential?.id ?? "", 1, unique("attempt"), 30_000);
      if (lease === undefined) throw new Error("not leased");
      await installations.move(made?.id ?? "", "globex", now());
      expect(await credentials.commit(lease, tokenSet("new"), undefined)).toMatchObject({ kind: "stored" });
    });

    test("is undefined for what is not live", async () => {
      const [made] = await connect(unique("T"), "acme");
      await installations.beginRevocation(made?.id ?? "", "over", now());
      expect(await installations.move(made?.id ?? "", "globex", now())).toBeUndefined();
      expect(await installations.move(crypto.randomUUID(), "globex", now())).toBeUndefined();
      expect(await installations.move("nobody", "globex", now())).toBeUndefined();
    });

    test("to two owners while the old one connects never waits in a circle, and leaves one owner", async () => {
      for (let round = 0; round < 10; round += 1) {
        const team = unique("T");
        const [made] = await connect(team, "acme");
        await Promise.allSettled([
          installations.move(made?.id ?? "", "globex", now()),
          installations.move(made?.id ?? "", "initech", now()),
          connect(team, "acme", "again"),
          connect(team, "globex", "again"),
        ]).then((results) => {
          for (const result of results) {
            if (result.status === "rejected") expect(result.reason).toMatchObject({ reason: "INSTALLATION_TAKEN" });
          }
        });
        const live = await raw("select owner from installations where external_org_id = $1", [team]);
        expect(live).toHaveLength(1);
        expect(await ownersOf(team)).toEqual(live);
      }
    });
  });

  test("what of an owner is not revoked, or not to the end, is found, and nothing of others", async () => {
    const owner = unique("owner");
    const [live, begun, finished] = [unique("T"), unique("T"), unique("T")];
    const ids = [];
    for (const team of [live, begun, finished]) ids.push((await connect(team, owner))[0]?.id ?? "");
    await connect(unique("T"), unique("owner"));
    await installations.beginRevocation(ids[1] ?? "", "over", now());
    await installations.beginRevocation(ids[2] ?? "", "over", now());
    expect(await installations.finishRevocation(ids[2] ?? "", "revoked")).toBe(true);
    expect(await installations.finishRevocation(ids[2] ?? "", "failed")).toBe(false);
    expect(await installations.notRevokedOf(owner)).toEqual([ids[0], ids[1]]);
  });
}
