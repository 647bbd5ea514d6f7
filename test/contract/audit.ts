import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/domain/model/audit-event.ts";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What the record promises, whatever the database. */
export function describeAudit({ storage, raw }: OpenedStorage): void {
  const event = (caller: string, changes: Partial<AuditEvent> = {}): AuditEvent => ({
    kind: "token.issued",
    at: new Date("2026-01-01T00:00:00.123Z"),
    caller,
    method: "GetToken",
    installationId: crypto.randomUUID(),
    tokenFingerprint: "ab".repeat(32),
    address: "127.0.0.1",
    requestId: unique("request"),
    owner: unique("owner"),
    platform: "github",
    policyHash: "cd".repeat(32),
    detail: "CALLER_NOT_ALLOWED",
    count: 1,
    ...changes,
  });
  const recorded = (caller: string) => raw("select * from audit_events where caller = $1 order by id", [caller]);

  describe("the record", () => {
    test("keeps every field of every event", async () => {
      const caller = unique("caller 'quoted' \\ \"twice\"");
      const full = event(caller, { kind: "token.repeated", count: 7 });
      await storage.audit.append([full]);
      const [row] = await recorded(caller);
      expect(row).toMatchObject({
        kind: "token.repeated",
        caller,
        method: "GetToken",
        installation_id: full.installationId,
        token_fingerprint: full.tokenFingerprint,
        address: "127.0.0.1",
        request_id: full.requestId,
        owner: full.owner,
        platform: "github",
        policy_hash: full.policyHash,
        detail: "CALLER_NOT_ALLOWED",
        count: 7,
        at: full.at,
      });
    });

    test("leaves out what is not known", async () => {
      const caller = unique("caller");
      const unknown = {
        installationId: undefined,
        tokenFingerprint: undefined,
        address: undefined,
        requestId: undefined,
        owner: undefined,
        platform: undefined,
        policyHash: undefined,
        detail: undefined,
      };
      await storage.audit.append([event(caller, unknown)]);
      expect((await recorded(caller))[0]).toMatchObject({
        installation_id: null,
        token_fingerprint: null,
        address: null,
        request_id: null,
        owner: null,
        platform: null,
        policy_hash: null,
        detail: null,
      });
    });

    test("takes many events at once, and none", async () => {
      const caller = unique("caller");
      await storage.audit.append([]);
      await storage.audit.append(Array.from({ length: 5_000 }, () => event(caller)));
      expect(await raw("select count(*)::int as n from audit_events where caller = $1", [caller])).toEqual([
        { n: 5_000 },
      ]);
    });

    test("refuses a broken event as a bug, without repeating it", async () => {
      const appended = storage.audit.append([event("secret-canary", { count: 0 })]);
      await expect(appended).rejects.toThrow("a database statement failed (23514)");
      await expect(appended).rejects.not.toThrow(/canary/);
    });
  });
}
