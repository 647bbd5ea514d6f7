import fc from "fast-check";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { type AuditFilter, createListAuditEvents, type RecordedEvent } from "../../../src/domain/record/list-events.ts";
import type { UseCases } from "../../../src/rpc/methods.ts";
import { call } from "../../support/call.ts";
import { openTestStorage } from "../../support/domain.ts";
import { onlyPlatforms, scriptedPlatform } from "../../support/scripted-platform.ts";

const platforms = onlyPlatforms(
  scriptedPlatform({ name: "jira", products: ["jira", "confluence"] }),
  scriptedPlatform({ name: "slack" }),
);
const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
const productsOf: Readonly<Record<string, readonly string[]>> = { [one]: ["jira", "confluence"], [two]: ["jira"] };
const start = Date.UTC(2026, 0, 1);
const event = (second: number, changes: Partial<AuditEvent>): AuditEvent => ({
  ...{ kind: "token.issued", at: new Date(start + 1_000 * second), caller: "ci", method: "GetToken", count: 1 },
  ...changes,
});
/** Oldest first; the last three at one moment. */
const written: readonly AuditEvent[] = [
  event(1, { owner: "acme", platform: "jira", installationId: one, detail: "d", policyHash: "p", requestId: "r" }),
  event(2, { owner: "globex", platform: "jira", installationId: two }),
  event(3, { owner: "acme", platform: "slack", tokenFingerprint: "f", address: "10.0.0.1" }),
  event(4, { platform: "slack", caller: "portal" }),
  event(5, { kind: "call.refused", caller: "portal", method: "GetInstallation", count: 7 }),
  event(6, { kind: "installation.revoked", owner: "acme", platform: "confluence", installationId: one }),
  event(6, { kind: "policy.loaded", caller: "service", method: "reload" }),
  event(6, { owner: "globex", platform: "slack" }),
];

let list: UseCases["listAuditEvents"];
let close: () => Promise<void>;
beforeAll(async () => {
  const opened = await openTestStorage();
  close = opened.close;
  const sql = postgres(opened.url, { max: 1 });
  for (const [id, products] of Object.entries(productsOf)) {
    await sql`insert into installations
      (id, platform, products, status, external_org_id, external_org_name, scopes, permissions, metadata, created_at, updated_at)
      values (${id}, 'jira', ${[...products]}, 'active', ${id}, 'site', '{}', '{}', '{}', now(), now())`;
  }
  await sql.end();
  for (const each of written) await opened.storage.audit.append([each]);
  list = createListAuditEvents(opened.storage.record, platforms);
});
afterAll(() => close());

function calling(...rules: readonly Partial<Rule>[]) {
  const whole = { methods: "all", products: "all", owners: "all", ceilings: new Map(), rate: undefined } as const;
  const rest = { ...whole, returnOrigins: new Set<string>(), completeInCallback: false };
  const as = createCaller(
    "reader",
    rules.map((rule) => ({ ...rest, ...rule })),
    undefined,
  );
  return call({ as, method: "ListAuditEvents" });
}

async function all(filter: AuditFilter = {}, as = calling({}), size = 3): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (let after: Parameters<typeof list>[1]["after"]; ; ) {
    const page = await list(filter, { size, after }, as);
    events.push(...page.events);
    if (page.next === undefined) return events;
    expect(page.events).toHaveLength(size);
    after = page.next;
  }
}
const numbers = (events: readonly RecordedEvent[]) =>
  events.map((found) => written.findIndex((each) => isSame(each, found)) + 1);
const isSame = (each: AuditEvent, { id: _, ...found }: RecordedEvent) =>
  JSON.stringify(sorted(each)) === JSON.stringify(sorted(found));
const sorted = (each: object) =>
  Object.entries(each)
    .filter(([, value]) => value !== undefined)
    .sort();

describe("the record is listed", () => {
  test("newest first and whole, in pages of any size", async () => {
    for (const size of [1, 2, 3, 4, 7, 8, 100]) {
      const found = numbers(await all({}, calling({}), size));
      expect(found.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(found.slice(3)).toEqual([5, 4, 3, 2, 1]);
    }
  });

  test.each<[AuditFilter, readonly number[]]>([
    [{ installationId: one }, [6, 1]],
    [{ installationId: one.toUpperCase() }, [6, 1]],
    [{ installationId: crypto.randomUUID() }, []],
    [{ installationId: "no uuid" }, []],
    [{ caller: "portal" }, [5, 4]],
    [{ caller: "Portal" }, []],
    [{ kind: "call.refused" }, [5]],
    [{ kind: "made.up" }, []],
    [{ from: new Date(start + 5_000) }, [8, 7, 6, 5]],
    [{ until: new Date(start + 2_000) }, [1]],
    [{ from: new Date(start + 2_000), until: new Date(start + 4_000) }, [3, 2]],
    [{ caller: "ci", kind: "token.issued", from: new Date(start + 3_000) }, [8, 3]],
  ])("filtered by %o", async (filter, expected) => {
    expect(numbers(await all(filter)).toSorted()).toEqual(expected.toSorted());
  });

  test("to a caller without a rule for it not at all", () => {
    expect(() => calling({ methods: new Set(["GetToken"]) })).toThrow("may not call ListAuditEvents");
  });

  test.each<[string, readonly Partial<Rule>[], readonly number[]]>([
    ["an owner", [{ owners: new Set(["acme"]) }], [1, 3, 6]],
    ["two owners", [{ owners: new Set(["acme", "globex"]) }], [1, 2, 3, 6, 8]],
    ["a platform", [{ products: new Set(["slack"]) }], [3, 4, 8]],
    ["a product that one site has", [{ products: new Set(["confluence"]) }], [1, 6]],
    ["a product that both sites have", [{ products: new Set(["jira"]) }], [1, 2, 6]],
    ["both products of a platform", [{ products: new Set(["jira", "confluence"]) }], [1, 2, 6]],
    ["a platform and an owner", [{ products: new Set(["slack"]), owners: new Set(["acme"]) }], [3]],
    ["nothing that there is", [{ owners: new Set(["nobody"]) }], []],
    [
      "two rules",
      [{ products: new Set(["slack"]), owners: new Set(["globex"]) }, { owners: new Set(["acme"]) }],
      [1, 3, 6, 8],
    ],
    ["one rule that is limited and one that is not", [{ owners: new Set(["acme"]) }, {}], [1, 2, 3, 4, 5, 6, 7, 8]],
  ])("to a caller limited to %s", async (_, rules, expected) => {
    expect(numbers(await all({}, calling(...rules))).toSorted()).toEqual(expected);
  });

  test("to any caller as an oracle would, whatever is asked for", async () => {
    const some = (values: readonly string[]) =>
      fc.option(
        fc.subarray([...values]).map((chosen) => new Set(chosen)),
        { nil: "all" as const },
      );
    const rule = fc.record({ products: some(["jira", "confluence", "slack"]), owners: some(["acme", "globex"]) });
    const filter: fc.Arbitrary<AuditFilter> = fc.record({
      installationId: fc.constantFrom(undefined, one, two),
      caller: fc.constantFrom(undefined, "ci", "portal"),
      kind: fc.constantFrom(undefined, "token.issued", "policy.loaded"),
      from: fc.constantFrom(undefined, new Date(start + 3_000)),
      until: fc.constantFrom(undefined, new Date(start + 6_000)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 3 }), filter, async (rules, asked) => {
        const expected = written.flatMap((each, index) => {
          const shown = rules.some(({ products: named, owners }) => {
            const products = productsOf[each.installationId ?? ""] ?? [each.platform ?? "none"];
            const platformFits = named === "all" || products.some((product) => named.has(product));
            return platformFits && (owners === "all" || owners.has(each.owner ?? "none"));
          });
          const fits =
            (asked.installationId ?? each.installationId) === each.installationId &&
            (asked.caller ?? each.caller) === each.caller &&
            (asked.kind ?? each.kind) === each.kind &&
            (asked.from === undefined || each.at >= asked.from) &&
            (asked.until === undefined || each.at < asked.until);
          return shown && fits ? [index + 1] : [];
        });
        expect(numbers(await all(asked, calling(...rules))).toSorted()).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});
