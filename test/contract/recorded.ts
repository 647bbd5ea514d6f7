import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/domain/model/audit-event.ts";
import { slackContext, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** A change is stored with its rows of the record, or not at all. */
export function describeRecorded({ storage, clock, raw }: OpenedStorage): void {
  const { installations, pendingInstalls, links } = storage;
  const now = () => clock.now();
  const link = {
    ...{ caller: "portal", policyHash: undefined, product: "slack", scopes: [] },
    ...{ installationId: undefined, awaitsOwner: true },
  };
  const storedLink = (owner: string) => ({
    ...{ platform: "slack", owner, returnTo: undefined, facts: link },
    expiresAt: new Date(now().getTime() + 600_000),
  });
  const owned = (owner = "acme") => ({ ...slackContext(now(), owner), owner });
  const connect = async (team: string) => (await installations.connect(workspace(team, team), owned()))[0]?.id ?? "";
  async function keep(team: string) {
    const codeHash = unique("code");
    const completion = { codeHash, expiresAt: new Date(now().getTime() + 300_000), link };
    await pendingInstalls.keep(workspace(team, team), owned(), completion);
    return (await pendingInstalls.find(codeHash, now()))?.id ?? "";
  }
  type MakeRows = () => readonly AuditEvent[];
  type Count = () => Promise<number>;
  const count = async (text: string, values: readonly unknown[]) => (await raw(text, values)).length;
  const ofTeam = (team: string, condition: string) =>
    count(`select 1 from installations where external_org_id = $1 and ${condition}`, [team]);

  /** What is changed, and how many rows show it. */
  const changes: Record<
    string,
    (name: string) => Promise<[change: (record: MakeRows) => Promise<unknown>, done: Count]>
  > = {
    connecting: async (team) => [
      (record) => installations.connect(workspace(team, team), owned(), record),
      () => ofTeam(team, "status = 'active'"),
    ],
    "keeping apart": async (team) => {
      const completion = { codeHash: unique("code"), expiresAt: new Date(now().getTime() + 300_000), link };
      return [
        (record) => pendingInstalls.keep(workspace(team, team), owned(), completion, record),
        () => ofTeam(team, "status = 'pending'"),
      ];
    },
    completing: async (team) => {
      const id = await keep(team);
      return [(record) => pendingInstalls.complete(id, owned(), record), () => ofTeam(team, "status = 'active'")];
    },
    moving: async (team) => {
      const id = await connect(team);
      return [(record) => installations.move(id, "globex", now(), record), () => ofTeam(team, "owner = 'globex'")];
    },
    "finishing a revocation": async (team) => {
      const id = await connect(team);
      await installations.beginRevocation(id, "over", now());
      return [
        (record) => installations.finishRevocation(id, "revoked", record),
        () => ofTeam(team, "provider_revocation = 'revoked'"),
      ];
    },
    undoing: async (team) => {
      const id = await keep(team);
      await pendingInstalls.beginUndo(id, "expired", now());
      return [
        (record) => pendingInstalls.recordUndo(id, record),
        () => count("select 1 from pending_installs where id = $1 and recorded", [id]),
      ];
    },
    "making a link": async (name) => [
      (record) => links.create(storedLink(name), unique("secret"), now(), record),
      () => count("select 1 from install_links where owner = $1", [name]),
    ],
    "forgetting an owner": async (name) => {
      await links.create(storedLink(name), unique("secret"), now());
      return [
        (record) => links.forgetOwner(name, record),
        async () => 1 - (await count("select 1 from install_links where owner = $1", [name])),
      ];
    },
  };

  const event = (caller: string, rows: number): AuditEvent => {
    return { kind: "installation.moved", at: now(), caller, method: "test", count: rows };
  };
  const rowsOf = (caller: string) => count("select 1 from audit_events where caller = $1", [caller]);

  describe.each(Object.keys(changes))("%s", (what) => {
    const prepare = changes[what];
    if (prepare === undefined) throw new Error("no such change");

    test("does not happen if its row is refused, and neither stays if the change fails", async () => {
      const [change, done] = await prepare(unique("T"));
      const caller = unique("caller");
      const refused = change(() => [event(caller, 1), event(caller, 0)]);
      await expect(refused).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE", message: /on record/ });
      expect([await done(), await rowsOf(caller)]).toEqual([0, 0]);
      const failing = () => {
        throw new Error("the process is gone");
      };
      await expect(change(failing)).rejects.toThrow("the process is gone");
      expect(await done()).toBe(0);
      await change(() => [event(caller, 1)]);
      expect([await done(), await rowsOf(caller)]).toEqual([1, 1]);
    });
  });

  test("an undoing is on record once, however often it is gone on with", async () => {
    const id = await keep(unique("T"));
    const caller = unique("caller");
    await pendingInstalls.beginUndo(id, "expired", now());
    for (const _ of ["first", "again"]) await pendingInstalls.recordUndo(id, () => [event(caller, 1)]);
    expect(await rowsOf(caller)).toBe(1);
  });

  test("who wanted a revocation first stays known to whoever finishes it", async () => {
    const id = await connect(unique("T"));
    const by = { caller: "portal", method: "RevokeInstallation", address: "10.0.0.1", requestId: "r", policyHash: "p" };
    await installations.beginRevocation(id, "over", now(), by);
    expect(await installations.beginRevocation(id, "", now(), { caller: "service", method: "job" })).toMatchObject({
      by,
    });
  });
}
