import { describe, expect, test } from "vitest";
import type { Connection } from "../../src/domain/model/connection.ts";
import { jiraContext, sites, unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What a revocation is told of what else lives by the same grant, whatever the database. */
export function describeGrantInUse({ storage, clock, raw }: OpenedStorage): void {
  const { installations, pendingInstalls } = storage;
  const theirs = (platform = "jira") => ({ ...jiraContext(clock.now(), "globex"), platform, owner: "globex" });
  const connectTheirs = (connection: Connection, platform?: string) =>
    installations.connect(connection, theirs(platform));
  const unnamed = (site: string): Connection => {
    const { installations: made, credentials } = sites(unique("grant"), "theirs", [site]);
    return { installations: made, credentials: credentials.map((one) => ({ ...one, externalUserId: undefined })) };
  };

  async function keepTheirs(person: string): Promise<string> {
    const codeHash = unique("code");
    const link = {
      ...{ caller: "portal", policyHash: undefined, product: "jira", scopes: [] },
      ...{ installationId: undefined, awaitsOwner: true },
    };
    const expiresAt = new Date(clock.now().getTime() + 300_000);
    await pendingInstalls.keep(sites(person, "theirs", [unique("site")]), theirs(), { codeHash, expiresAt, link });
    return (await pendingInstalls.find(codeHash, clock.now()))?.id ?? "";
  }

  type Case = readonly [string, boolean, boolean, (person: string, site: string) => Promise<unknown>];
  const cases: readonly Case[] = [
    ["nothing else", false, false, async () => undefined],
    ["the same person's", true, false, (person) => connectTheirs(sites(person, "theirs", [unique("site")]))],
    [
      "the same person's, which is dead",
      false,
      false,
      async (person) => {
        await connectTheirs(sites(person, "theirs", [unique("site")]));
        await raw("update credentials set status = 'dead' where owner = 'globex' and subject = $1", [person]);
      },
    ],
    [
      "the same person's, which is being revoked",
      false,
      false,
      async (person) => {
        const [made] = await connectTheirs(sites(person, "theirs", [unique("site")]));
        await installations.beginRevocation(made?.id ?? "", "over", clock.now());
      },
    ],
    [
      "that of the same name elsewhere",
      false,
      false,
      (person, site) => connectTheirs(sites(person, "x", [site]), "slack"),
    ],
    ["another person's of the same site", false, false, (_, site) => connectTheirs(sites(unique("p"), "x", [site]))],
    ["a person's without a name, of the same site", true, false, (_, site) => connectTheirs(unnamed(site))],
    ["a person's without a name, of another site", false, false, () => connectTheirs(unnamed(unique("site")))],
    ["what the same person may still complete", false, true, keepTheirs],
    ["what another person may still complete", false, false, () => keepTheirs(unique("p"))],
    [
      "what the same person did not complete",
      false,
      false,
      async (person) => pendingInstalls.beginUndo(await keepTheirs(person), "expired", clock.now()),
    ],
  ];

  describe("a grant that is revoked", () => {
    test.each(cases)("beside %s of another owner", async (_, live, pending, prepare) => {
      const [person, site] = [unique("p"), unique("site")];
      const [own] = await installations.connect(sites(person, "own", [site]), jiraContext(clock.now(), "acme"));
      await prepare(person, site);
      const begun = await installations.beginRevocation(own?.id ?? "", "over", clock.now());
      expect(begun?.credentials.map(({ inUse }) => inUse)).toEqual([{ live, pending }]);
    });
  });
}
