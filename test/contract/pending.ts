import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { Connection } from "../../src/domain/model/connection.ts";
import type { ConnectContext } from "../../src/domain/model/installation-repository.ts";
import {
  githubApp,
  githubContext,
  jiraContext,
  sites,
  slackContext,
  tokenSet,
  unique,
  workspace,
} from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What keeping apart, completing and undoing promise, whatever the database. */
export function describePending({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials, pendingInstalls } = storage;
  const now = () => clock.now();
  const owned = (owner = "acme") => ({ ...slackContext(now(), owner), owner });
  const link = {
    ...{ caller: "portal", policyHash: undefined, product: "slack", scopes: [] },
    ...{ installationId: undefined, awaitsOwner: true },
  };

  async function keep(connection: Connection, context: ConnectContext & { owner: string } = owned()) {
    const codeHash = unique("code");
    const expiresAt = new Date(now().getTime() + 300_000);
    const kept = await pendingInstalls.keep(connection, context, { codeHash, expiresAt, link });
    const found = await pendingInstalls.find(codeHash, now());
    if (found === undefined) throw new Error("not kept");
    return { kept, codeHash, id: found.id, found, expiresAt };
  }
  const tokenOf = async (installationId = "", person?: string) => {
    const selector = { installationId, actor: person === undefined ? undefined : ("user" as const) };
    const [found] = await installations.select({ ...selector, externalUserId: person }, sightOfEverything, 2);
    return found?.credential?.accessToken()?.reveal();
  };

  describe("what is kept apart", () => {
    test("is listed as pending, serves nobody, and leaves no token in the open", async () => {
      const team = unique("T");
      const { kept, found, codeHash } = await keep(workspace(team, "first", ["U1"]));
      expect(kept).toMatchObject([
        { status: "pending", owner: "acme", externalOrgId: team, tokenExpiresAt: undefined },
      ]);
      expect(found).toMatchObject({ platform: "slack", owner: "acme", link, installationIds: [kept[0]?.id] });
      expect(await installations.find(kept[0]?.id ?? "")).toEqual(kept[0]);
      expect(await tokenOf(kept[0]?.id)).toBeUndefined();
      expect(await installations.select({ platform: "slack", externalOrgId: team }, sightOfEverything, 2)).toEqual([]);
      const [row] = await raw("select p::text as row from pending_installs p where code_hash = $1", [codeHash]);
      expect(String(row?.row)).not.toMatch(/access-|refresh-/);
      expect(await raw("select * from installation_credentials where installation_id = $1", [kept[0]?.id])).toEqual([]);
    });

    test("leaves what is live of the same organization as it is", async () => {
      const team = unique("T");
      const [live] = await installations.connect(workspace(team, "live"), owned());
      const { kept } = await keep(workspace(team, "new"));
      expect(kept[0]?.id).not.toBe(live?.id);
      expect(await installations.find(live?.id ?? "")).toEqual(live);
      expect(await tokenOf(live?.id)).toBe("access-live");
      const [found] = await installations.select({ platform: "slack", externalOrgId: team }, sightOfEverything, 2);
      expect(found).toMatchObject({ installation: { id: live?.id }, credential: { version: 1 } });
    });

    test("is kept once, however often the same callback stores it", async () => {
      const team = unique("T");
      const { kept, codeHash, expiresAt } = await keep(workspace(team, "first"));
      const again = await pendingInstalls.keep(workspace(team, "first"), owned(), { codeHash, expiresAt, link });
      expect(again).toEqual(kept);
      expect(await raw("select id from installations where external_org_id = $1", [team])).toHaveLength(1);
    });

    test("is refused where the organization is another owner's, and claims nothing itself", async () => {
      const team = unique("T");
      await keep(workspace(team, "somebody's"), owned("globex"));
      await keep(workspace(team, "mine"));
      await installations.connect(workspace(team, "live"), owned("globex"));
      await expect(keep(workspace(team, "mine"))).rejects.toMatchObject({ reason: "INSTALLATION_TAKEN" });
    });
  });

  describe("completing", () => {
    test("connects it under the id it had, with its tokens, once", async () => {
      const [team, person] = [unique("T"), unique("U")];
      const { kept, id, codeHash } = await keep(workspace(team, "first", [person]));
      const made = await pendingInstalls.complete(id, owned());
      expect(made).toMatchObject([{ id: kept[0]?.id, status: "active", owner: "acme" }]);
      expect(await tokenOf(kept[0]?.id)).toBe("access-first");
      expect(await tokenOf(kept[0]?.id, person)).toBe(`access-first-${person}`);
      expect(await pendingInstalls.find(codeHash, now())).toBeUndefined();
      expect(await pendingInstalls.complete(id, owned())).toBeUndefined();
      expect(await pendingInstalls.beginUndo(id, "revoked", now())).toBeUndefined();
      expect(await raw("select id from pending_installs where id = $1", [id])).toEqual([]);
    });

    test("brings back every fact of the tokens", async () => {
      const person = unique("p");
      const connection = sites(person, "first", [unique("site")]);
      const endsAt = new Date("2027-01-01T00:00:00.000Z");
      const [grant] = connection.credentials;
      if (grant === undefined) throw new Error("no grant");
      const tokens = { ...tokenSet("first"), permissions: { a: "read" }, grantExpiresAt: endsAt };
      const { id } = await keep({ ...connection, credentials: [{ ...grant, tokens }] }, jira());
      const [made] = (await pendingInstalls.complete(id, jira())) ?? [];
      const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      expect(found?.credential).toMatchObject({
        ...{ kind: "rotating", actor: "user", subject: person, externalUserId: person, version: 1 },
        ...{ scopes: ["read", "write"], permissions: { a: "read" } },
        ...{ issuedAt: tokens.token.issuedAt, expiresAt: tokens.token.expiresAt },
      });
      const [row] = await raw("select grant_expires_at from credentials where id = $1", [found?.credential?.id]);
      expect(row?.grant_expires_at).toEqual(endsAt);
      const lease = await credentials.acquire(found?.credential?.id ?? "", 1, unique("attempt"), 1_000);
      expect(lease?.refreshToken?.reveal()).toBe("refresh-first");
    });

    test("updates what is live, which keeps its id and gets a new version", async () => {
      const team = unique("T");
      const [live] = await installations.connect(workspace(team, "live"), owned());
      const { kept, id } = await keep(workspace(team, "new"));
      expect(await pendingInstalls.complete(id, owned())).toMatchObject([{ id: live?.id, status: "active" }]);
      const [found] = await installations.select({ installationId: live?.id }, sightOfEverything, 2);
      expect([found?.credential?.version, found?.credential?.accessToken()?.reveal()]).toEqual([2, "access-new"]);
      expect(await installations.find(kept[0]?.id ?? "")).toBeUndefined();
    });

    test("of several sites updates one and adds the other", async () => {
      const [person, a, b] = [unique("p"), unique("site"), unique("site")];
      const [live] = await installations.connect(sites(person, "live", [a]), jira());
      const { kept, id } = await keep(sites(person, "new", [a, b]), jira());
      const made = await pendingInstalls.complete(id, jira());
      expect(made?.map((installation) => installation.id)).toEqual([live?.id, kept[1]?.id]);
      expect(await Promise.all((made ?? []).map((one) => tokenOf(one.id)))).toEqual(["access-new", "access-new"]);
    });

    test("of a GitHub App keeps nothing secret", async () => {
      const { kept, id } = await keep(githubApp(unique("org"), unique("i")), {
        ...githubContext(now(), "acme"),
        owner: "acme",
      });
      await pendingInstalls.complete(id, { ...githubContext(now(), "acme") });
      const [found] = await installations.select({ installationId: kept[0]?.id }, sightOfEverything, 2);
      expect(found?.credential).toMatchObject({ kind: "app_installation", version: 1 });
    });

    test("by fifty at once connects it once", async () => {
      const { id } = await keep(workspace(unique("T"), "first"));
      const made = await Promise.all(Array.from({ length: 50 }, () => pendingInstalls.complete(id, owned())));
      expect(made.filter((one) => one !== undefined)).toHaveLength(1);
    });

    test("spends nothing where the organization became another owner's", async () => {
      const team = unique("T");
      const { id, kept } = await keep(workspace(team, "first"));
      await installations.connect(workspace(team, "theirs"), owned("globex"));
      await expect(pendingInstalls.complete(id, owned())).rejects.toMatchObject({ reason: "INSTALLATION_TAKEN" });
      expect(await installations.find(kept[0]?.id ?? "")).toMatchObject({ status: "pending" });
      expect(await pendingInstalls.beginUndo(id, "taken", now())).toMatchObject({ reason: "taken" });
    });

    test("is too late after its end", async () => {
      const { id, codeHash, expiresAt } = await keep(workspace(unique("T"), "first"));
      expect(await pendingInstalls.find(codeHash, expiresAt)).toBeUndefined();
      expect(await pendingInstalls.complete(id, { ...owned(), now: expiresAt })).toBeUndefined();
    });
  });

  describe("undoing", () => {
    test("spends the code, gives what was obtained, and deletes it in the end", async () => {
      const team = unique("T");
      const { id, codeHash, kept } = await keep(workspace(team, "first"));
      const undoing = await pendingInstalls.beginUndo(id, "binding_rejected", now());
      expect(undoing).toMatchObject({ id, reason: "binding_rejected", recorded: false, owner: "acme" });
      expect(undoing?.connection?.credentials[0]?.tokens?.refreshToken?.reveal()).toBe("refresh-first");
      expect(await pendingInstalls.find(codeHash, now())).toBeUndefined();
      expect(await pendingInstalls.complete(id, owned())).toBeUndefined();
      expect(await pendingInstalls.beginUndo(id, "revoked", now())).toBeUndefined();
      await pendingInstalls.finishUndo(id);
      expect(await installations.find(kept[0]?.id ?? "")).toBeUndefined();
      expect(await raw("select id from pending_installs where id = $1", [id])).toEqual([]);
    });

    test("is begun for what nobody completed in time, by one of many replicas", async () => {
      const { id, expiresAt } = await keep(workspace(unique("T"), "first"));
      const early = await pendingInstalls.beginExpired(new Date(expiresAt.getTime() - 1), 50);
      expect(early.map((undoing) => undoing.id)).not.toContain(id);
      const rounds = await Promise.all(Array.from({ length: 10 }, () => pendingInstalls.beginExpired(expiresAt, 50)));
      expect(rounds.flat().filter((undoing) => undoing.id === id)).toMatchObject([{ reason: "expired" }]);
    });

    test("that was interrupted is taken up again after a minute, with its reason and what is on record", async () => {
      const { id } = await keep(workspace(unique("T"), "first"));
      const begunAt = now();
      await pendingInstalls.beginUndo(id, "binding_rejected", begunAt);
      await pendingInstalls.recordUndo(id, () => []);
      const takenUp = async (ms: number) => {
        const begun = await pendingInstalls.beginExpired(new Date(begunAt.getTime() + ms), 500);
        return begun.find((undoing) => undoing.id === id);
      };
      expect(await takenUp(59_999)).toBeUndefined();
      expect(await takenUp(60_000)).toMatchObject({ reason: "binding_rejected", recorded: true });
      expect(await takenUp(119_999)).toBeUndefined();
    });

    test("and completing at once: one of them wins", async () => {
      for (let round = 0; round < 10; round += 1) {
        const { id, kept } = await keep(workspace(unique("T"), "first"));
        const [undoing, made] = await Promise.all([
          pendingInstalls.beginUndo(id, "expired", now()),
          pendingInstalls.complete(id, owned()),
        ]);
        expect([undoing, made].filter((one) => one !== undefined)).toHaveLength(1);
        const status = (await installations.find(kept[0]?.id ?? ""))?.status;
        expect(status).toBe(made === undefined ? "pending" : "active");
      }
    });

    test("knows what else of the same grants may still be completed", async () => {
      const [person, other] = [unique("p"), unique("p")];
      const first = await keep(sites(person, "first", [unique("site")]), jira());
      const open = (except?: string) => pendingInstalls.openSubjects("jira", [person, other], except);
      expect([await open(), await open(first.id)]).toEqual([[person], []]);
      const second = await keep(sites(person, "second", [unique("site")]), jira());
      expect(await open(first.id)).toEqual([person]);
      await pendingInstalls.beginUndo(second.id, "expired", now());
      expect(await open(first.id)).toEqual([]);
    });
  });

  test("a pending installation is found by its id, and is not revoked like a live one", async () => {
    const { kept, id } = await keep(workspace(unique("T"), "first"));
    expect((await pendingInstalls.findByInstallation(kept[0]?.id ?? ""))?.id).toBe(id);
    expect(await pendingInstalls.findByInstallation("nobody")).toBeUndefined();
    expect(await installations.beginRevocation(kept[0]?.id ?? "", "over", now())).toBeUndefined();
    expect(await installations.find(kept[0]?.id ?? "")).toMatchObject({ status: "pending" });
  });

  describe("what is related to a grant", () => {
    test("are live credentials of its subject, of any owner, and people's of the same organization", async () => {
      const [person, hidden, site] = [unique("p"), unique("p"), unique("site")];
      const [mine] = await installations.connect(sites(person, "mine", [site]), jiraContext(now(), "acme"));
      await installations.connect(sites(person, "theirs", [unique("site")]), jiraContext(now(), "globex"));
      await installations.connect(sites(hidden, "hidden", [site]), jiraContext(now(), "acme"));
      await keep(sites(person, "pending", [site]), jira());
      const tokens = async (orgIds: string[]) =>
        (await credentials.related("jira", [person], orgIds)).map((one) => one.accessToken()?.reveal()).sort();
      expect(await tokens([])).toEqual(["access-mine", "access-theirs"]);
      expect(await tokens([site])).toEqual(["access-hidden", "access-mine", "access-theirs"]);
      await installations.beginRevocation(mine?.id ?? "", "over", now());
      expect(await tokens([])).toEqual(["access-theirs"]);
    });
  });

  function jira() {
    return { ...jiraContext(now(), "acme"), owner: "acme" };
  }
}
