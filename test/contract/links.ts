import { describe, expect, test } from "vitest";
import type { StoredLink } from "../../src/domain/connecting/install-link.ts";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What links rest on, whatever the database. */
export function describeLinks({ storage, clock, raw }: OpenedStorage): void {
  const { links } = storage;

  async function make(changes: Partial<StoredLink> = {}) {
    const secretHash = unique("link");
    const facts = {
      ...{ caller: "portal", policyHash: undefined, product: "jira", scopes: ["read:me"] },
      ...{ installationId: undefined, awaitsOwner: true },
    };
    const link: StoredLink = {
      ...{ platform: "jira", owner: "acme", returnTo: "https://portal.example/done", facts },
      expiresAt: new Date(clock.now().getTime() + 600_000),
      ...changes,
    };
    await links.create(link, secretHash, clock.now());
    return { link, secretHash };
  }

  describe("a link", () => {
    test("comes back whole, also without owner and return address", async () => {
      for (const changes of [{}, { owner: undefined, returnTo: undefined }]) {
        const { link, secretHash } = await make(changes);
        expect(await links.spend(secretHash, "jira", clock.now())).toEqual({ kind: "spent", link });
      }
    });

    test("can be looked at as long as it can be spent, and is not spent by that", async () => {
      const { link, secretHash } = await make();
      const look = (hash: string, platform: string, now: Date) => links.look(hash, platform, now);
      for (const _ of ["once", "again"]) expect(await look(secretHash, "jira", clock.now())).toEqual(link);
      expect(await look(unique("link"), "jira", clock.now())).toBeUndefined();
      expect(await look(secretHash, "slack", clock.now())).toBeUndefined();
      expect(await look(secretHash, "jira", link.expiresAt)).toBeUndefined();
      await links.spend(secretHash, "jira", clock.now());
      expect(await look(secretHash, "jira", clock.now())).toBeUndefined();
    });

    test("is spent by one of fifty who come at once", async () => {
      const { secretHash } = await make();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => links.spend(secretHash, "jira", clock.now())),
      );
      expect(outcomes.filter(({ kind }) => kind === "spent")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome.kind === "refused" && outcome.why === "used")).toHaveLength(49);
    });

    test("is refused for what is wrong, and a refusal spends nothing", async () => {
      const { link, secretHash } = await make();
      expect(await links.spend(unique("link"), "jira", clock.now())).toEqual({ kind: "refused", why: "unknown" });
      expect(await links.spend(secretHash, "slack", clock.now())).toEqual({ kind: "refused", why: "unknown" });
      expect(await links.spend(secretHash, "jira", link.expiresAt)).toEqual({
        kind: "refused",
        why: "expired",
        returnTo: link.returnTo,
      });
      expect(await links.spend(secretHash, "jira", clock.now())).toMatchObject({ kind: "spent" });
    });

    test("is forgotten after its end, and with its owner", async () => {
      const owner = unique("owner");
      const [ended, theirs, open] = [
        await make({ expiresAt: new Date("2020-01-01T00:00:00Z") }),
        await make({ owner }),
        await make(),
      ];
      await links.prune(new Date("2020-01-02T00:00:00Z"));
      await links.forgetOwner(owner);
      const left = await raw("select secret_hash from install_links where secret_hash = any($1)", [
        [ended.secretHash, theirs.secretHash, open.secretHash],
      ]);
      expect(left).toEqual([{ secret_hash: open.secretHash }]);
    });
  });
}
