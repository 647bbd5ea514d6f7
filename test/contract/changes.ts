import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { InstallationChange } from "../../src/domain/watching/installation-changes.ts";
import { connected, githubApp, githubContext, slackContext, tokenSet, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What watching rests on: that no change is missing, and none out of turn. */
export function describeChanges({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials, pendingInstalls, installationChanges: changes } = storage;
  const now = () => clock.now();

  /** The changes that `work` makes, read as somebody does who knew all before. */
  async function changesOf(work: () => Promise<unknown>): Promise<readonly InstallationChange[]> {
    const before = await changes.latest();
    await work();
    const found = await changes.after(before, 1_000);
    expect(found.map(({ sequence }) => sequence)).toEqual(found.map((_, i) => before + 1 + i));
    return found;
  }
  const connect = (team: string, owner?: string, tokens = team) =>
    installations.connect(workspace(team, tokens), slackContext(now(), owner));
  async function made(team = unique("T"), owner?: string): Promise<string> {
    const [installation] = await connect(team, owner);
    return installation?.id ?? "";
  }

  describe("the changes of installations", () => {
    test("tell of a life, each with how it was then", async () => {
      const team = unique("T");
      let id = "";
      const life = await changesOf(async () => {
        id = await made(team, "acme");
        const renamed = { ...workspace(team, "again"), installations: [connected(team, { externalOrgName: "New" })] };
        await installations.connect(renamed, slackContext(now(), "acme"));
        await installations.move(id, "globex", now());
        await installations.beginRevocation(id, "over", now());
        await installations.finishRevocation(id, "revoked");
        await installations.forgetRevoked(new Date(now().getTime() + 1_000));
      });
      expect(life.map(({ kind, installation }) => [kind, installation.externalOrgName, installation.status])).toEqual([
        ["created", `Name of ${team}`, "active"],
        ["updated", "New", "active"],
        ["updated", "New", "active"],
        ["ended", "New", "revoked"],
      ]);
      expect(
        life.map(({ installation: { owner, installedBy }, before }) => [owner, installedBy, before?.owner]),
      ).toEqual([
        ["acme", "U1", undefined],
        ["acme", "U1", undefined],
        ["globex", undefined, "acme"],
        ["globex", undefined, undefined],
      ]);
      expect(new Set(life.map(({ installation }) => installation.id))).toEqual(new Set([id]));
      expect(await installations.find(id)).toBeUndefined();
    });

    test("are what the installation is listed as", async () => {
      const [change] = await changesOf(() => connect(unique("T"), "acme"));
      expect(change?.installation).toEqual(await installations.find(change?.installation.id ?? ""));
      expect(Math.abs((change?.at.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    test("are not what is counted, timed or written as it was", async () => {
      const id = await made();
      const [selected] = await installations.select({ installationId: id }, sightOfEverything, 2);
      const found = await changesOf(async () => {
        await installations.recordUse(new Map([[id, now()]]));
        await installations.setPermissions(id, {});
        const lease = await credentials.acquire(selected?.credential?.id ?? "", 1, unique("attempt"), 30_000);
        if (lease === undefined) throw new Error("not leased");
        await credentials.commit(lease, tokenSet("next"), undefined);
      });
      expect(found).toEqual([]);
    });

    test("are permissions, suspensions and what lifts them", async () => {
      const [app] = await installations.connect(githubApp(unique("o"), unique("i")), githubContext(now()));
      const id = app?.id ?? "";
      const [selected] = await installations.select({ installationId: id }, sightOfEverything, 2);
      const found = await changesOf(async () => {
        await installations.setPermissions(id, { contents: "write" });
        await credentials.setSuspended(selected?.credential?.id ?? "", true);
        await credentials.setSuspended(selected?.credential?.id ?? "", false);
      });
      expect(found.map(({ kind, installation: { status, permissions } }) => [kind, status, permissions])).toEqual([
        ["updated", "active", { contents: "write" }],
        ["updated", "suspended", { contents: "write" }],
        ["updated", "active", { contents: "write" }],
      ]);
    });

    test("of what is pending: made, completed as one change, or ended as it was last", async () => {
      const link = {
        ...{ caller: "portal", policyHash: undefined, product: "slack", scopes: [] },
        ...{ installationId: undefined, awaitsOwner: true },
      };
      const owned = { ...slackContext(now(), "acme"), owner: "acme" };
      const keep = async () => {
        const codeHash = unique("code");
        const expiresAt = new Date(now().getTime() + 300_000);
        await pendingInstalls.keep(workspace(unique("T"), "first"), owned, { codeHash, expiresAt, link });
        return (await pendingInstalls.find(codeHash, now()))?.id ?? "";
      };
      const found = await changesOf(async () => {
        await pendingInstalls.complete(await keep(), owned);
        await pendingInstalls.finishUndo(await keep());
      });
      expect(found.map(({ kind, installation: { status, owner } }) => [kind, status, owner])).toEqual([
        ["created", "pending", "acme"],
        ["updated", "active", "acme"],
        ["created", "pending", "acme"],
        ["ended", "pending", "acme"],
      ]);
      expect(found[1]?.installation.id).toBe(found[0]?.installation.id);
    });

    test("are one for each installation and transaction, and none for one that is taken back", async () => {
      const [one, other] = [await made(), await made()];
      const set = (id: string, name: string) =>
        raw("update installations set external_org_name = $2 where id = $1", [id, name]);
      const found = await changesOf(async () => {
        await raw("begin");
        await set(one, "first");
        await set(other, "first");
        await set(one, "second");
        await raw("commit");
        await raw("begin");
        await set(one, "never");
        await raw("rollback");
      });
      expect(found.map(({ installation: { id, externalOrgName } }) => [id, externalOrgName])).toEqual([
        [one, "second"],
        [other, "first"],
      ]);
    });

    test("are read without a gap while many are made at once", async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, () => made()));
      const begun = await changes.latest();
      const seen: InstallationChange[] = [];
      let done = false;
      const making = Promise.all(
        ids.map(async (id) => {
          for (let level = 0; level < 20; level++) await installations.setPermissions(id, { level: String(level) });
        }),
      ).finally(() => {
        done = true;
      });
      for (let last = false; !last; ) {
        last = done;
        seen.push(...(await changes.after(begun + seen.length, 7)));
        if (last && (await changes.latest()) > begun + seen.length) last = false;
      }
      await making;
      expect(seen.map(({ sequence }) => sequence)).toEqual(seen.map((_, i) => begun + 1 + i));
      for (const id of ids) {
        const levels = seen.filter(({ installation }) => installation.id === id);
        expect(levels.map(({ installation }) => installation.permissions.level)).toEqual(
          Array.from({ length: 20 }, (_, level) => String(level)),
        );
      }
    });

    test("go after a week, the oldest first, and never the last one", async () => {
      await changesOf(() => Promise.all([made(), made(), made()]));
      const last = await changes.latest();
      expect(await changes.markOf(0)).toMatch(/^[0-9a-f-]{36}$/);
      // A clock that was set back has left a young one among the old.
      await raw("update installation_changes set at = at - interval '8 days' where sequence <> $1", [last - 1]);
      await changes.forget();
      expect((await changes.after(0, 1_000)).map(({ sequence }) => sequence)).toEqual([last - 1, last]);
      expect(await changes.markOf(0)).toBeUndefined();
      expect(await changes.markOf(last - 2)).toBeUndefined();
      expect(await changes.markOf(last + 1)).toBeUndefined();
      expect(await changes.markOf(last)).toBe((await changes.after(last - 1, 1))[0]?.at.toISOString());
      await raw("update installation_changes set at = at - interval '8 days'");
      expect(await changes.forget()).toBe(1);
      expect(await changes.latest()).toBe(last);
      expect(await changes.forget()).toBe(0);
      expect(await changesOf(() => made())).toHaveLength(1);
    });
  });
}
