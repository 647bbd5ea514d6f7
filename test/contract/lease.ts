import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { Credential } from "../../src/domain/model/credential.ts";
import type { Lease } from "../../src/domain/model/credential-repository.ts";
import { slackContext, tokenSet, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

const leaseMs = 30_000;

/** What refreshing exactly once rests on, whatever the database. */
export function describeLease({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials } = storage;

  async function connectOne(people: readonly string[] = []) {
    const team = unique("T");
    const [installation] = await installations.connect(workspace(team, team, people), slackContext(clock.now()));
    const [found] = await installations.select({ installationId: installation?.id }, sightOfEverything, 2);
    if (installation === undefined || found?.credential === undefined) throw new Error("not connected");
    return { id: installation.id, credential: found.credential };
  }
  async function acquire({ id, version }: Pick<Credential, "id" | "version">, forMs = leaseMs): Promise<Lease> {
    const lease = await credentials.acquire(id, version, unique("attempt"), forMs);
    if (lease === undefined) throw new Error("not leased");
    return lease;
  }
  const failed = { error: "unavailable", backoffMs: 0, unclear: false };

  describe("a lease", () => {
    test("is given to one of fifty who ask at once", async () => {
      const { credential } = await connectOne();
      const asked = Array.from({ length: 50 }, () =>
        credentials.acquire(credential.id, credential.version, unique("attempt"), leaseMs),
      );
      expect((await Promise.all(asked)).filter((lease) => lease !== undefined)).toHaveLength(1);
    });

    test("hands over the refresh token and never changes the version", async () => {
      const { id, credential } = await connectOne();
      const lease = await acquire(credential);
      expect(lease.refreshToken?.reveal()).toMatch(/^refresh-T-/);
      expect(lease).toMatchObject({
        previousRefreshToken: undefined,
        spareRefreshToken: undefined,
        openAttemptAt: undefined,
        credential: { version: 1 },
      });
      expect((await installations.select({ installationId: id }, sightOfEverything, 2))[0]?.credential?.version).toBe(
        1,
      );
    });

    test("shows others how long it lasts", async () => {
      const { credential } = await connectOne();
      await acquire(credential);
      const state = await credentials.read(credential.id);
      expect(state?.attemptOpen).toBe(true);
      expect(state?.leaseRemainingMs).toBeGreaterThan(leaseMs - 5_000);
      expect(state?.leaseRemainingMs).toBeLessThanOrEqual(leaseMs);
    });

    test("is refused on another version, another status and an unknown credential", async () => {
      const { id, credential } = await connectOne();
      expect(await credentials.acquire(credential.id, 2, "a", leaseMs)).toBeUndefined();
      expect(await credentials.acquire(crypto.randomUUID(), 1, "a", leaseMs)).toBeUndefined();
      expect(await credentials.acquire("nobody", 1, "a", leaseMs)).toBeUndefined();
      await installations.beginRevocation(id, "over", clock.now());
      expect(await credentials.acquire(credential.id, 1, "a", leaseMs)).toBeUndefined();
    });

    test("that ran out goes to the next, who learns of the attempt that never reported", async () => {
      const { credential } = await connectOne();
      const startedAt = clock.now();
      await acquire(credential, 0);
      const second = await acquire(credential, 0);
      expect(second.openAttemptAt?.getTime()).toBeGreaterThanOrEqual(startedAt.getTime());
      const third = await acquire(credential);
      expect(third.openAttemptAt).toEqual(second.openAttemptAt);
    });

    test("of a clock that jumped holds nobody up", async () => {
      const { credential } = await connectOne();
      await acquire(credential);
      await raw("update credentials set lease_until = clock_timestamp() + interval '62 minutes' where id = $1", [
        credential.id,
      ]);
      expect((await credentials.read(credential.id))?.leaseRemainingMs).toBe(0);
      await acquire(credential);
    });

    test("given back leaves no trace", async () => {
      const { credential } = await connectOne();
      await credentials.abandon(await acquire(credential));
      const state = await credentials.read(credential.id);
      expect(state).toMatchObject({ leaseRemainingMs: 0, attemptOpen: false, credential: { failures: 0 } });
      expect((await acquire(credential)).openAttemptAt).toBeUndefined();
    });

    test("that is not held any more ends nothing", async () => {
      const { credential } = await connectOne();
      const late = await acquire(credential, 0);
      const current = await acquire(credential);
      await credentials.release(late, failed);
      await credentials.confirm(late);
      await credentials.abandon(late);
      expect(await credentials.condemn(late, "invalid_grant")).toBe(false);
      expect(await credentials.read(credential.id)).toMatchObject({ attemptOpen: true, credential: { failures: 0 } });
      expect(await credentials.condemn(current, "invalid_grant")).toBe(true);
    });
  });

  describe("a failed attempt", () => {
    test("backs off, counts, and is shown with its error", async () => {
      const { id, credential } = await connectOne();
      await credentials.release(await acquire(credential), {
        error: "rate_limited",
        backoffMs: 60_000,
        unclear: false,
      });
      const state = await credentials.read(credential.id);
      expect(state).toMatchObject({ attemptOpen: false, credential: { failures: 1, lastError: "rate_limited" } });
      expect(state?.leaseRemainingMs).toBeGreaterThan(50_000);
      expect(await credentials.acquire(credential.id, 1, "a", leaseMs)).toBeUndefined();
      expect((await installations.find(id))?.lastError).toBe("rate_limited");
    });

    test("is remembered as open only if it was unclear, and from the first such attempt on", async () => {
      const { credential } = await connectOne();
      await credentials.release(await acquire(credential), failed);
      const first = await acquire(credential);
      expect(first.openAttemptAt).toBeUndefined();
      await credentials.release(first, { ...failed, unclear: true });
      clock.advance(5_000);
      const second = await acquire(credential);
      expect(second.openAttemptAt).toBeDefined();
      await credentials.release(second, { ...failed, unclear: true });
      const third = await acquire(credential);
      expect(third.openAttemptAt).toEqual(second.openAttemptAt);
      await credentials.release(third, failed);
      expect((await acquire(credential)).openAttemptAt).toEqual(second.openAttemptAt);
    });

    test("never backs off for more than an hour", async () => {
      const { credential } = await connectOne();
      await credentials.release(await acquire(credential), { ...failed, backoffMs: 86_400_000 });
      const remaining = (await credentials.read(credential.id))?.leaseRemainingMs ?? 0;
      expect(remaining).toBeGreaterThan(3_500_000);
      expect(remaining).toBeLessThanOrEqual(3_600_000);
    });

    test("is forgotten when the platform confirms the token", async () => {
      const { credential } = await connectOne();
      await credentials.release(await acquire(credential), { ...failed, unclear: true });
      await credentials.confirm(await acquire(credential));
      expect(await credentials.read(credential.id)).toMatchObject({
        leaseRemainingMs: 0,
        attemptOpen: false,
        credential: { failures: 0, lastError: undefined, version: 1 },
      });
      expect((await acquire(credential)).openAttemptAt).toBeUndefined();
    });
  });

  describe("a commit", () => {
    test("stores the token set, raises the version and frees the credential", async () => {
      const { id, credential } = await connectOne();
      const refreshAfter = new Date("2026-01-01T00:31:00.000Z");
      const before = await installations.find(id);
      clock.advance(1_000);
      const outcome = await credentials.commit(await acquire(credential), tokenSet("new"), refreshAfter);
      if (outcome.kind !== "stored") throw new Error(outcome.kind);
      expect(outcome.credential).toMatchObject({ version: 2, refreshAfter, failures: 0, lastError: undefined });
      expect(outcome.credential.accessToken()?.reveal()).toBe("access-new");
      const after = await installations.find(id);
      expect(after?.updatedAt.getTime()).toBeGreaterThan(before?.updatedAt.getTime() ?? Number.POSITIVE_INFINITY);
      expect(after?.lastRefreshedAt).toEqual(after?.updatedAt);
      const next = await acquire(outcome.credential);
      expect(next.refreshToken?.reveal()).toBe("refresh-new");
      expect(next.previousRefreshToken?.reveal()).toMatch(/^refresh-T-/);
      expect(next.previousSpentAt).toEqual(after?.updatedAt);
    });

    test("keeps the refresh token when none is given", async () => {
      const { credential } = await connectOne();
      const outcome = await credentials.commit(
        await acquire(credential),
        { ...tokenSet("new", { rotating: false }), scopes: undefined },
        undefined,
      );
      if (outcome.kind !== "stored") throw new Error(outcome.kind);
      expect(outcome.credential.scopes).toEqual(["read", "write"]);
      const next = await acquire(outcome.credential);
      expect(next.refreshToken?.reveal()).toMatch(/^refresh-T-/);
      expect(next.previousRefreshToken).toBeUndefined();
    });

    test("repeated is stored once", async () => {
      const { credential } = await connectOne();
      const lease = await acquire(credential);
      await credentials.commit(lease, tokenSet("new"), undefined);
      const again = await credentials.commit(lease, tokenSet("new"), undefined);
      expect(again).toMatchObject({ kind: "stored", credential: { version: 2 } });
      expect((await acquire({ id: credential.id, version: 2 })).spareRefreshToken).toBeUndefined();
    });

    test("is accepted late, while another holds the lease, and keeps the other's as a spare", async () => {
      const { credential } = await connectOne();
      const late = await acquire(credential, 0);
      const current = await acquire(credential);
      expect(await credentials.commit(late, tokenSet("late"), undefined)).toMatchObject({ kind: "stored" });
      expect(await credentials.commit(current, tokenSet("current"), undefined)).toEqual({ kind: "superseded" });
      const next = await acquire({ id: credential.id, version: 2 });
      expect(next.refreshToken?.reveal()).toBe("refresh-late");
      expect(next.spareRefreshToken?.reveal()).toBe("refresh-current");
    });

    test("keeps the first spare only, and drops it with the next token set", async () => {
      const { credential } = await connectOne();
      const leases = [await acquire(credential, 0), await acquire(credential, 0), await acquire(credential, 0)];
      for (const [n, lease] of leases.entries()) await credentials.commit(lease, tokenSet(`n${n}`), undefined);
      const next = await acquire({ id: credential.id, version: 2 });
      expect(next.spareRefreshToken?.reveal()).toBe("refresh-n1");
      await credentials.commit(next, tokenSet("n3"), undefined);
      expect((await acquire({ id: credential.id, version: 3 })).spareRefreshToken).toBeUndefined();
    });

    test("after a reconnect neither overwrites the new grant nor becomes its spare", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "old"), slackContext(clock.now()));
      const [{ credential } = {}] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const lease = await acquire(credential ?? { id: "", version: 0 });
      await installations.connect(workspace(team, "new"), slackContext(clock.now()));
      expect(await credentials.commit(lease, tokenSet("late"), undefined)).toEqual({ kind: "superseded" });
      const next = await acquire({ id: lease.credential.id, version: 2 });
      expect(next.refreshToken?.reveal()).toBe("refresh-new");
      expect(next.spareRefreshToken).toBeUndefined();
    });

    test("onto a revoked credential is gone, and onto a deleted one", async () => {
      const { id, credential } = await connectOne();
      const lease = await acquire(credential);
      await installations.beginRevocation(id, "over", clock.now());
      const gone = { kind: "gone", inUse: { live: false, pending: false } };
      expect(await credentials.commit(lease, tokenSet("late"), undefined)).toEqual(gone);
      await installations.finishRevocation(id, "revoked");
      expect(await credentials.commit(lease, tokenSet("late"), undefined)).toEqual(gone);
    });

    test("that comes after the grant was condemned brings it back to life", async () => {
      const { id, credential } = await connectOne();
      const slow = await acquire(credential, 0);
      expect(await credentials.condemn(await acquire(credential), "invalid_grant")).toBe(true);
      expect((await installations.find(id))?.status).toBe("reauthorization_required");
      const outcome = await credentials.commit(slow, tokenSet("slow"), undefined);
      expect(outcome).toMatchObject({ kind: "stored", credential: { status: "active", version: 2 } });
      expect((await installations.find(id))?.status).toBe("active");
    });

    test("simultaneous ones store one token set and keep another", async () => {
      const { credential } = await connectOne();
      const leases: Lease[] = [];
      for (let n = 0; n < 8; n += 1) leases.push(await acquire(credential, 0));
      const outcomes = await Promise.all(
        leases.map((lease, n) => credentials.commit(lease, tokenSet(`n${n}`), undefined)),
      );
      expect(outcomes.filter(({ kind }) => kind === "stored")).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === "superseded")).toHaveLength(7);
      expect((await acquire({ id: credential.id, version: 2 })).spareRefreshToken).toBeDefined();
    });
  });

  describe("a condemned grant", () => {
    test("is dead, and its installation asks for reauthorization", async () => {
      const { id, credential } = await connectOne();
      expect(await credentials.condemn(await acquire(credential), "invalid_grant")).toBe(true);
      expect(await installations.find(id)).toMatchObject({
        status: "reauthorization_required",
        lastError: "invalid_grant",
      });
      expect((await credentials.read(credential.id))?.credential.status).toBe("dead");
      expect(await credentials.acquire(credential.id, 1, "a", leaseMs)).toBeUndefined();
    });

    test("of one person leaves the workspace's bot alone", async () => {
      const { id } = await connectOne(["U1"]);
      const [user] = await installations.select({ installationId: id, actor: "user" }, sightOfEverything, 2);
      if (user?.credential === undefined) throw new Error("no credential");
      expect(await credentials.condemn(await acquire(user.credential), "token_revoked")).toBe(true);
      expect((await installations.find(id))?.status).toBe("active");
    });

    test("is not condemned if its version moved", async () => {
      const { credential } = await connectOne();
      const slow = await acquire(credential, 0);
      const current = await acquire(credential);
      await credentials.commit(slow, tokenSet("slow"), undefined);
      expect(await credentials.condemn(current, "invalid_grant")).toBe(false);
      expect((await credentials.read(credential.id))?.credential.status).toBe("active");
    });
  });

  test("suspending follows the platform both ways and leaves other states alone", async () => {
    const { id, credential } = await connectOne();
    await credentials.setSuspended(credential.id, true);
    expect((await installations.find(id))?.status).toBe("suspended");
    await credentials.setSuspended(credential.id, false);
    expect((await installations.find(id))?.status).toBe("active");
    await credentials.condemn(await acquire(credential), "invalid_grant");
    await credentials.setSuspended(credential.id, true);
    expect((await installations.find(id))?.status).toBe("reauthorization_required");
  });
}
