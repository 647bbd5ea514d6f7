import { describe, expect, test } from "vitest";
import type { ConnectionFacts, GrantFacts } from "../../../src/domain/health/connection-facts.ts";
import { findConcerns, type PlatformNow } from "../../../src/domain/health/find-concerns.ts";

const now = new Date("2026-06-01T12:00:00Z");
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const ago = (ms: number) => new Date(now.getTime() - ms);
const ahead = (ms: number) => new Date(now.getTime() + ms);

const grant = (changes: Partial<GrantFacts> = {}): GrantFacts => ({
  ...{ kind: "rotating", status: "active", natural: true, refreshedAt: ago(hourMs), endsAt: undefined },
  ...{ failures: 0, failingSince: undefined, lastError: undefined },
  ...changes,
});

function connection(changes: {
  installation?: Partial<ConnectionFacts["installation"]>;
  grants?: readonly GrantFacts[];
  webhook?: ConnectionFacts["webhook"];
}): ConnectionFacts {
  return {
    installation: {
      ...{
        id: "one",
        platform: "jira",
        status: "active",
        owner: undefined,
        externalOrgId: "1",
        externalOrgName: "One",
      },
      ...{ permissions: {}, metadata: {}, updatedAt: ago(dayMs) },
      ...changes.installation,
    },
    grants: changes.grants ?? [grant()],
    webhook: changes.webhook,
  };
}

const platform = (changes: Partial<PlatformNow["platform"]> = {}, more: Partial<PlatformNow> = {}): PlatformNow => ({
  platform: { keepAliveMs: 30 * dayMs, grantEnds: { moves: false, restMs: 90 * dayMs }, ...changes },
  ...{ lastProven: now, wanted: undefined },
  ...more,
});

const kinds = (facts: ConnectionFacts, known: PlatformNow | undefined = platform()) =>
  findConcerns(facts, known, now).findings.map(({ kind }) => kind);
const found = (facts: ConnectionFacts, known: PlatformNow | undefined = platform()) =>
  findConcerns(facts, known, now).findings;

test("nothing is wrong with a connection that works", () => {
  expect(findConcerns(connection({}), platform(), now)).toEqual({ findings: [], undecided: [] });
});

test("one that has stopped needs a person for that alone; one that has ended, or is not completed, for nothing", () => {
  const dead = grant({ status: "dead", lastError: "invalid_grant", endsAt: ahead(dayMs) });
  const silent = { silentSince: ago(dayMs), error: undefined, failures: 0 };
  const asked = (status: ConnectionFacts["installation"]["status"]) =>
    found(connection({ installation: { status }, grants: [dead], webhook: silent }));
  expect(asked("reauthorization_required")).toEqual([
    { kind: "reauthorization_required", since: ago(dayMs), detail: "invalid_grant", actBefore: undefined },
  ]);
  expect(asked("suspended")).toMatchObject([{ kind: "suspended", detail: undefined }]);
  expect([asked("revoked"), asked("pending")]).toEqual([[], []]);
});

describe("an end that comes near", () => {
  test("is told 30 days before, of the grant that ends first, and not of grants that have ended", () => {
    const ends = (...days: number[]) =>
      connection({ grants: days.map((day) => grant({ endsAt: ahead(day * dayMs) })) });
    expect(kinds(ends(30.1))).toEqual([]);
    expect(found(ends(29, 12))).toMatchObject([{ kind: "absolute_end", actBefore: ahead(12 * dayMs) }]);
    const gone = grant({ endsAt: ahead(dayMs), status: "revoked" });
    expect(kinds(connection({ grants: [gone] }))).toEqual([]);
    // Also where its platform lost its settings.
    expect(findConcerns(ends(3), undefined, now).findings).toMatchObject([{ kind: "absolute_end" }]);
  });

  test("of disuse is told once it should long have been kept alive", () => {
    const rests = (days: number) => connection({ grants: [grant({ refreshedAt: ago(days * dayMs) })] });
    expect(kinds(rests(31))).toEqual([]);
    expect(kinds(rests(59))).toEqual([]);
    expect(found(rests(61))).toEqual([
      { kind: "idle_end", since: ago(61 * dayMs), detail: undefined, actBefore: ahead(29 * dayMs) },
    ]);
    // A platform that lets it rest for only a little longer than it is let rest here.
    const short = platform({ keepAliveMs: 14 * dayMs, grantEnds: { moves: false, restMs: 30 * dayMs } });
    expect([kinds(rests(15), short), kinds(rests(23), short)]).toEqual([[], ["idle_end"]]);
    // Who names no such end is believed.
    expect(kinds(rests(500), { ...platform(), platform: { keepAliveMs: 14 * dayMs } })).toEqual([]);
    expect(kinds(connection({ grants: [grant({ kind: "long_lived", refreshedAt: ago(500 * dayMs) })] }))).toEqual([]);
  });

  test("that moves on with each refresh is of disuse, however the platform names it", () => {
    const github = platform({ keepAliveMs: 60 * dayMs, grantEnds: { moves: true } });
    const since = (days: number) => grant({ refreshedAt: ago(days * dayMs), endsAt: ahead((184 - days) * dayMs) });
    expect(kinds(connection({ grants: [since(150)] }), github)).toEqual([]);
    expect(kinds(connection({ grants: [since(155)] }), github)).toEqual(["idle_end"]);
  });

  test("of disuse stays as it was while nobody knows how long it may rest", () => {
    const { findings, undecided } = findConcerns(connection({}), undefined, now);
    expect([findings, undecided]).toEqual([[], ["idle_end", "permissions_pending", "repeated_failures"]]);
  });
});

describe("repeated failures", () => {
  const fails = (forMs: number, changes: Partial<GrantFacts> = {}) =>
    connection({ grants: [grant({ failures: 5, failingSince: ago(forMs), lastError: "refused:saml", ...changes })] });
  const proven = (agoMs: number) => platform({}, { lastProven: ago(agoMs) });

  test("are told after an hour in which others were served", () => {
    expect(kinds(fails(hourMs - 1_000), proven(0))).toEqual([]);
    expect(found(fails(hourMs), proven(60_000))).toEqual([
      { kind: "repeated_failures", since: ago(hourMs), detail: "refused:saml", actBefore: undefined },
    ]);
    expect(kinds(fails(hourMs, { failures: 2 }), proven(0))).toEqual([]);
  });

  test("of everybody are the platform's, for a day", () => {
    expect(kinds(fails(23 * hourMs), proven(24 * hourMs))).toEqual([]);
    // The last one was served while it broke down.
    expect(kinds(fails(5 * hourMs), proven(5 * hourMs - 60_000))).toEqual([]);
    expect(kinds(fails(24 * hourMs), proven(24 * hourMs))).toEqual(["repeated_failures"]);
    expect(kinds(fails(2 * hourMs), platform({}, { lastProven: undefined }))).toEqual([]);
  });
});

test("webhooks that are silent, or were refused again and again, are told; what was refused now and then is not", () => {
  const webhook = (silentSince: Date | undefined, error: string | undefined, failures: number) =>
    found(connection({ webhook: { silentSince, error, failures } }));
  expect(webhook(undefined, undefined, 0)).toEqual([]);
  expect(webhook(undefined, "timeout", 6)).toEqual([]);
  expect(webhook(undefined, "scope_missing", 7)).toMatchObject([{ kind: "silent_webhooks", detail: "scope_missing" }]);
  expect(webhook(ago(dayMs), undefined, 0)).toMatchObject([{ kind: "silent_webhooks", since: ago(dayMs) }]);
});

test("permissions that wait are named, a dozen at most; not known is not approved, and not fine", () => {
  const lacking = Array.from({ length: 12 }, (_, i) => `permission_${i}:read`);
  const asks = (names: readonly string[], wanted: PlatformNow["wanted"] = {}) =>
    platform({ approvals: { wanted: async () => wanted, lacking: () => names } }, { wanted });
  expect(found(connection({}), asks(["issues:write", "members:read"]))).toMatchObject([
    { kind: "permissions_pending", detail: "issues:write, members:read" },
  ]);
  expect(found(connection({}), asks(lacking))[0]?.detail).toMatch(/permission_9:read, …$/);
  expect(kinds(connection({}), asks([]))).toEqual([]);
  const unknown = platform({ approvals: { wanted: async () => undefined, lacking: () => ["issues:write"] } });
  expect(findConcerns(connection({}), unknown, now)).toEqual({ findings: [], undecided: ["permissions_pending"] });
});
