import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import { jiraContext, sites, slackContext, tokenSet, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What revoking promises, whatever the database. */
export function describeRevoke({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials } = storage;
  const now = () => clock.now();
  const connectOne = async (people: readonly string[] = []) => {
    const team = unique("T");
    const [made] = await installations.connect(workspace(team, team, people), slackContext(now()));
    if (made === undefined) throw new Error("not connected");
    return made;
  };
  const kept = (id: string) => raw("select * from installation_credentials where installation_id = $1", [id]);

  describe("revoking", () => {
    test("stops hand-out at once and names what to revoke, with its secrets", async () => {
      const { id, externalOrgId } = await connectOne(["U1"]);
      const begun = await installations.beginRevocation(id, "offboarding", now());
      expect(begun).toMatchObject({ finished: undefined, shared: false, installation: { id, status: "revoked" } });
      expect(begun?.installation.revokedAt).toBeInstanceOf(Date);
      const secrets = begun?.credentials.map(({ subject, secrets: known }) => [
        subject,
        known?.accessToken?.reveal(),
        known?.refreshToken?.reveal(),
      ]);
      expect(secrets?.toSorted()).toEqual([
        [`${externalOrgId}:U1`, `access-${externalOrgId}-U1`, `refresh-${externalOrgId}-U1`],
        [`${externalOrgId}:bot`, `access-${externalOrgId}`, `refresh-${externalOrgId}`],
      ]);
    });

    test("finished deletes what is kept and records the answer", async () => {
      const { id } = await connectOne();
      const begun = await installations.beginRevocation(id, "over", now());
      await installations.finishRevocation(id, "revoked");
      expect(await kept(id)).toEqual([]);
      expect(await credentials.read(begun?.credentials[0]?.id ?? "")).toBeUndefined();
      expect(await installations.find(id)).toMatchObject({ status: "revoked", tokenExpiresAt: undefined });
      expect(await installations.beginRevocation(id, "again", now())).toMatchObject({
        finished: "revoked",
        credentials: [],
        shared: false,
      });
    });

    test("is forgotten once it has ended so long ago, and nothing else is", async () => {
      const ended = await connectOne();
      const later = await connectOne();
      const unfinished = await connectOne();
      const live = await connectOne();
      for (const { id } of [ended, later, unfinished]) await installations.beginRevocation(id, "over", now());
      for (const { id } of [ended, later]) await installations.finishRevocation(id, "revoked");
      await raw("update installations set created_at = created_at - interval '5 days' where id = any($1::uuid[])", [
        [ended, later, unfinished, live].map(({ id }) => id),
      ]);
      await raw("update installations set revoked_at = revoked_at - interval '3 days' where id = any($1::uuid[])", [
        [ended, unfinished].map(({ id }) => id),
      ]);
      const before = new Date(now().getTime() - 2 * 24 * 3_600_000);
      expect(await installations.forgetRevoked(before)).toBe(1);
      expect(await installations.forgetRevoked(before)).toBe(0);
      expect(await installations.find(ended.id)).toBeUndefined();
      expect(await raw("select 1 from installation_products where installation_id = $1", [ended.id])).toEqual([]);
      const statuses = [later, unfinished, live].map(async ({ id }) => (await installations.find(id))?.status);
      expect(await Promise.all(statuses)).toEqual(["revoked", "revoked", "active"]);
      expect(await kept(unfinished.id)).toHaveLength(1);
    });

    test("by the thousand is forgotten in parts", async () => {
      await raw(`
        insert into installations (id, platform, products, status, external_org_id, external_org_name, scopes, permissions,
          metadata, created_at, updated_at, revoked_at, provider_revocation)
        select gen_random_uuid(), 'slack', '{slack}', 'revoked', 'org' || n, '', '{}', '{}', '{}',
          now() - interval '9 days', now(), now() - interval '8 days', 'revoked'
        from generate_series(1, 2500) n`);
      expect(await installations.forgetRevoked(new Date(now().getTime() - 7 * 24 * 3_600_000))).toBe(2_500);
    });

    test("again keeps time, reason and result of the first", async () => {
      const { id } = await connectOne();
      const first = await installations.beginRevocation(id, "first", now());
      clock.advance(60_000);
      const second = await installations.beginRevocation(id, "second", now());
      expect(second?.installation.revokedAt).toEqual(first?.installation.revokedAt);
      expect(second?.credentials).toHaveLength(1);
      await installations.finishRevocation(id, "failed");
      await installations.finishRevocation(id, "revoked");
      const [row] = await raw("select revoke_reason, provider_revocation from installations where id = $1", [id]);
      expect(row).toEqual({ revoke_reason: "first", provider_revocation: "failed" });
    });

    test("of what does not exist is undefined", async () => {
      expect(await installations.beginRevocation(crypto.randomUUID(), "over", now())).toBeUndefined();
      expect(await installations.beginRevocation("nobody", "over", now())).toBeUndefined();
      await installations.finishRevocation(crypto.randomUUID(), "revoked");
    });

    test("finished without having begun changes nothing", async () => {
      const { id } = await connectOne();
      await installations.finishRevocation(id, "revoked");
      expect((await installations.find(id))?.status).toBe("active");
      expect(await kept(id)).toHaveLength(1);
    });

    test("one site of a grant leaves the others working; the last one takes the grant along", async () => {
      const made = await installations.connect(
        sites(unique("p"), "grant", [unique("site"), unique("site")]),
        jiraContext(now()),
      );
      const [a = "", b = ""] = made.map(({ id }) => id);
      expect(await installations.beginRevocation(a, "over", now())).toMatchObject({ credentials: [], shared: true });
      await installations.finishRevocation(a, "shared");
      const [left] = await installations.select({ installationId: b }, sightOfEverything, 2);
      expect(left?.credential?.accessToken()?.reveal()).toBe("access-grant");
      const last = await installations.beginRevocation(b, "over", now());
      expect(last).toMatchObject({ shared: false });
      expect(last?.credentials).toHaveLength(1);
      await installations.finishRevocation(b, "unsupported");
      expect(await credentials.read(left?.credential?.id ?? "")).toBeUndefined();
    });

    test("all sites of a grant at once revokes the grant once", async () => {
      const cloudIds = Array.from({ length: 4 }, () => unique("site"));
      const made = await installations.connect(sites(unique("p"), "grant", cloudIds), jiraContext(now()));
      const begun = await Promise.all(made.map(({ id }) => installations.beginRevocation(id, "over", now())));
      expect(begun.filter((revocation) => revocation?.credentials.length === 1)).toHaveLength(1);
      expect(begun.filter((revocation) => revocation?.shared)).toHaveLength(3);
    });

    test("while somebody connects leaves a live installation with a live credential, or none", async () => {
      for (let round = 0; round < 10; round += 1) {
        const { id, externalOrgId } = await connectOne();
        const [again] = await Promise.all([
          installations.connect(workspace(externalOrgId, "again"), slackContext(now())),
          installations.beginRevocation(id, "over", now()),
        ]);
        const [found] = await installations.select({ installationId: again[0]?.id }, sightOfEverything, 2);
        const status = found?.installation.status === "active" ? "active" : "revoked";
        expect(found?.credential?.status).toBe(status);
      }
    });

    test("a site while its person connects another leaves that other with a live grant", async () => {
      for (let round = 0; round < 20; round += 1) {
        const [person, a, b] = [unique("p"), unique("site"), unique("site")];
        const [first] = await installations.connect(sites(person, "first", [a]), jiraContext(now()));
        const [made] = await Promise.all([
          installations.connect(sites(person, "second", [a, b]), jiraContext(now())),
          installations.beginRevocation(first?.id ?? "", "over", now()),
        ]);
        const [found] = await installations.select({ installationId: made[1]?.id }, sightOfEverything, 2);
        expect(found).toMatchObject({ installation: { status: "active" }, credential: { status: "active" } });
      }
    });

    test("while a refresh commits never waits for it in a circle", async () => {
      for (let round = 0; round < 10; round += 1) {
        const cloudIds = [unique("site"), unique("site"), unique("site")];
        const made = await installations.connect(sites(unique("p"), "grant", cloudIds), jiraContext(now()));
        const [{ credential } = {}] = await installations.select({ installationId: made[0]?.id }, sightOfEverything, 2);
        const lease = await credentials.acquire(credential?.id ?? "", 1, unique("attempt"), 30_000);
        if (lease === undefined) throw new Error("not leased");
        const [outcome] = await Promise.all([
          credentials.commit(lease, tokenSet("new"), undefined),
          ...made.map(({ id }) => installations.beginRevocation(id, "over", now())),
        ]);
        expect(["stored", "gone"]).toContain(outcome.kind);
      }
    });

    test("that was interrupted is found again", async () => {
      const [early, late, finished] = [await connectOne(), await connectOne(), await connectOne()];
      await installations.beginRevocation(early.id, "over", new Date("2020-01-01T00:00:00Z"));
      await installations.beginRevocation(finished.id, "over", new Date("2020-01-01T00:00:00Z"));
      await installations.finishRevocation(finished.id, "revoked");
      await installations.beginRevocation(late.id, "over", new Date("2020-03-01T00:00:00Z"));
      expect(await installations.unfinishedRevocations(new Date("2020-02-01T00:00:00Z"))).toEqual([early.id]);
    });
  });
}
