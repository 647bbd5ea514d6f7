import { describe, expect, test } from "vitest";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What watched connections rest on, whatever the database. */
export function describeFlows({ storage, clock, raw }: OpenedStorage): void {
  const { flows } = storage;
  const later = () => new Date(clock.now().getTime() + 600_000);
  const begin = (hash: string, linkHash?: string) =>
    flows.begin(hash, { platform: "slack", linkHash, now: clock.now(), expiresAt: later() });
  const stateOf = async (hash: string) => (await flows.find([hash])).get(hash)?.state;
  const move = (hash: string, state: "opened" | "at_platform" | "failed" | "connected", atStart?: boolean) =>
    flows.move(hash, { state, atStart, expiresAt: later() }, clock.now());

  describe("a flow", () => {
    test("is begun once, by one of many at once", async () => {
      const hash = unique("flow");
      const begun = await Promise.all(Array.from({ length: 8 }, () => begin(hash)));
      expect(begun.filter(Boolean)).toHaveLength(1);
      expect(await stateOf(hash)).toBe("opening");
    });

    test("is begun again with the same link alone, and only before it came to the platform", async () => {
      const hash = unique("flow");
      expect(await begin(hash, "link")).toBe(true);
      await move(hash, "opened");
      expect([await begin(hash, "other"), await begin(hash), await begin(hash, "link")]).toEqual([false, false, true]);
      expect(await stateOf(hash)).toBe("opened");
      await move(hash, "at_platform");
      expect(await begin(hash, "link")).toBe(false);
    });

    test("comes back whole, and is moved by nothing once it has ended", async () => {
      const hash = unique("flow");
      await begin(hash);
      const movedAt = clock.now();
      await flows.move(
        hash,
        { state: "at_platform", returnOrigin: "https://portal.example", expiresAt: later() },
        movedAt,
      );
      await flows.close(hash, new Date(movedAt.getTime() + 5));
      await flows.close(hash, new Date(movedAt.getTime() + 9));
      const expiresAt = later();
      expect((await flows.find([hash, "unknown"])).get(hash)).toEqual({
        platform: "slack",
        state: "at_platform",
        returnOrigin: "https://portal.example",
        reason: undefined,
        completion: false,
        closedAt: new Date(movedAt.getTime() + 5),
        movedAt,
        expiresAt: expect.any(Date),
      });
      const end = { state: "failed", reason: "code_rejected", expiresAt } as const;
      await flows.move(hash, end, clock.now());
      await move(hash, "connected");
      expect((await flows.find([hash])).get(hash)).toMatchObject({ ...end, returnOrigin: "https://portal.example" });
    });

    test("that came to the platform does not fail for another try that did not", async () => {
      const hash = unique("flow");
      await begin(hash);
      await move(hash, "at_platform");
      await move(hash, "failed", true);
      expect(await stateOf(hash)).toBe("at_platform");
      const young = unique("flow");
      await begin(young);
      await move(young, "failed", true);
      expect(await stateOf(young)).toBe("failed");
    });

    test("is closed anew once it has moved", async () => {
      const hash = unique("flow");
      const at = (ms: number) => new Date(Date.parse("2026-03-01T12:00:00Z") + ms);
      await begin(hash);
      await flows.move(hash, { state: "at_platform", expiresAt: later() }, at(10));
      await flows.close(hash, at(20));
      await flows.move(hash, { state: "at_platform", expiresAt: later() }, at(30));
      await flows.close(hash, at(40));
      expect((await flows.find([hash])).get(hash)?.closedAt).toEqual(at(40));
      await flows.close("unknown", at(40));
      expect((await flows.find(["unknown"])).size).toBe(0);
    });

    test("is forgotten after its end", async () => {
      const [old, young] = [unique("flow"), unique("flow")];
      await begin(old);
      await begin(young);
      await raw("update flows set expires_at = $2 where flow_hash = $1", [old, "2020-01-01T00:00:00Z"]);
      await flows.prune(new Date("2020-01-02T00:00:00Z"));
      expect([await stateOf(old), await stateOf(young)]).toEqual([undefined, "opening"]);
    });
  });
}
