import { describe, expect, test } from "vitest";
import { sightOfEverything, type Visibility } from "../../src/domain/access/access.ts";
import type { InstallationFilter, Position } from "../../src/domain/model/installation.ts";
import { githubApp, githubContext, slackContext, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What looking for installations promises, whatever the database. */
export function describeSearch({ storage, clock, raw }: OpenedStorage): void {
  const { installations } = storage;
  const now = () => clock.now();

  /** With a name of its own, which the sandbox's connections do not choose. */
  async function named(name: string, owner?: string): Promise<string> {
    const [made] = await installations.connect(workspace(unique("T"), "x"), slackContext(now(), owner));
    if (made === undefined) throw new Error("not connected");
    await raw("update installations set external_org_name = $2 where id = $1", [made.id, name]);
    return made.id;
  }

  async function find(text: string, filter: InstallationFilter = {}, visible: Visibility = sightOfEverything) {
    const { found, lookedTo } = await installations.search(text, filter, visible, undefined, 100);
    expect(lookedTo).toBeUndefined();
    return found.map(({ id }) => id);
  }

  describe("searching", () => {
    test("finds what begins so, in any case, and nothing that merely holds it", async () => {
      const mark = unique("Ünïted");
      const byName = await named(`${mark} Widgets`);
      // Which other letters are the same is for the database's locale to say; in "C" none are.
      const [lower, upper] = [
        mark.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()),
        mark.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase()),
      ];
      const byOwner = await named("another", `${upper}-tenant`);
      await named(`The ${mark}`, `of-${mark}`);
      for (const text of [mark, lower, upper]) {
        expect(await find(text), text).toEqual([byOwner, byName]);
      }
      expect(await find(`${mark} widgets!`)).toEqual([]);
    });

    test.each(["%", "_", "\\", "'", "\u{10ffff}", "["])("takes %j for itself, and for nothing else", async (sign) => {
      const mark = unique("sign");
      const id = await named(`${mark}${sign}x`);
      await named(`${mark}-x`);
      expect(await find(`${mark}${sign}`)).toEqual([id]);
      expect(await find(`${mark}${sign}x`)).toEqual([id]);
    });

    test("tells long names apart behind what an index holds of them", async () => {
      const long = `${unique("long")}${"n".repeat(80)}`;
      const [one, other] = [await named(`${long} one`), await named(`${long} other`)];
      expect(await find(`${long} O`)).toEqual([other, one]);
      expect(await find(`${long} on`)).toEqual([one]);
      // No entry of an index may be so long.
      const huge = `${unique("huge")}${"ä".repeat(5_000)}`;
      const id = await named(huge);
      expect(await find(huge.slice(0, 200))).toEqual([id]);
    });

    test("finds ids, and only whole ones", async () => {
      const [account, installId] = [unique("org"), unique("i")];
      const [made] = await installations.connect(githubApp(account, installId), githubContext(now(), unique("o")));
      await raw("update installations set external_org_name = 'x' where id = $1", [made?.id]);
      for (const id of [account, installId, made?.id ?? "", made?.id.toUpperCase() ?? ""]) {
        expect(await find(id), id).toEqual([made?.id]);
        expect(await find(id.slice(0, -1)), id).toEqual([]);
      }
    });

    test("keeps to the other filters, and to what may be seen", async () => {
      const mark = unique("both");
      const [mine, others] = [unique("mine"), unique("others")];
      const [one] = [await named(`${mark} 1`, mine), await named(`${mark} 2`, others)];
      expect(await find(mark, { owner: mine })).toEqual([one]);
      expect(await find(mark, { owner: mine, platform: "slack", status: "active" })).toEqual([one]);
      expect(await find(mark, { owner: mine, platform: "jira" })).toEqual([]);
      expect(await find(mark, { status: "revoked" })).toEqual([]);
      const limited = { key: "mine", rules: [{ products: ["slack"], owners: [mine] }] };
      expect(await find(mark, {}, limited)).toEqual([one]);
      expect(await find(others, {}, limited)).toEqual([]);
      expect(await find(mark, {}, { key: "none", rules: [] })).toEqual([]);
    });

    test.each([undefined, "slack"])(
      "goes through all of it page by page, newest first, of product %s",
      async (platform) => {
        const mark = unique("page");
        const made: string[] = [];
        for (let n = 0; n < 5; n += 1) made.push(await named(`${mark} ${n}`));
        const seen: string[] = [];
        let after: Position | undefined;
        for (;;) {
          const { found } = await installations.search(mark, { platform }, sightOfEverything, after, 2);
          seen.push(...found.map(({ id }) => id));
          await named(`${mark} more`);
          after = found.at(-1);
          if (found.length < 2) break;
        }
        expect(seen).toEqual(made.toReversed());
      },
    );
  });
}
