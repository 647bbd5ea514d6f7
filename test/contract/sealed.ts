import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import { Secret } from "../../src/secret.ts";
import { jiraContext, sites, slackContext, tokenSet, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

const tables = ["installations", "credentials", "installation_credentials", "attempts", "audit_events", "meta"];
const columns = ["access_token", "refresh_token", "previous_refresh_token", "spare_refresh_token"];

/** What somebody who can read or write the database gains, whatever the database: nothing. */
export function describeSealed({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials, attempts } = storage;
  const unreadable = expect.objectContaining({ reason: "TOKEN_UNREADABLE" });

  async function connectOne(tokens: string) {
    const [made] = await installations.connect(workspace(unique("T"), tokens), slackContext(clock.now()));
    const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
    if (made === undefined || found?.credential === undefined) throw new Error("not connected");
    return { id: made.id, credential: found.credential };
  }
  const tokenOf = async (id: string) => {
    const [found] = await installations.select({ installationId: id }, sightOfEverything, 2);
    return found?.credential?.accessToken()?.reveal();
  };

  describe("a stored token", () => {
    test("stands nowhere in the database, in no column and no encoding", async () => {
      const canary = unique("CANARY").replace("-", "");
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, canary, ["U1"]), slackContext(clock.now()));
      const [{ credential } = {}] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const lease = async (version: number) => {
        const held = await credentials.acquire(credential?.id ?? "", version, unique("attempt"), 0);
        if (held === undefined) throw new Error("not leased");
        return held;
      };
      const [first, second] = [await lease(1), await lease(1)];
      await credentials.commit(first, tokenSet(`${canary}-1`), undefined);
      await credentials.commit(second, tokenSet(`${canary}-2`), undefined);
      await attempts.create(
        {
          id: crypto.randomUUID(),
          platform: "slack",
          owner: undefined,
          returnTo: undefined,
          codeVerifier: new Secret(`verifier-${canary}`),
          hint: undefined,
          expiresAt: clock.now(),
          ageMs: 0,
        },
        { stateHash: unique("state"), browserHash: unique("browser") },
      );
      const [row] = await raw("select * from credentials where id = $1", [credential?.id]);
      for (const column of columns) expect(row?.[column], column).toEqual(expect.any(String));

      const dump = [];
      for (const table of tables) dump.push(...(await raw(`select t::text as line from ${table} t`)));
      const text = dump.map(({ line }) => line).join("\n");
      expect(text).toContain(team);
      const bytes = Buffer.from(canary);
      for (const form of [canary, bytes.toString("hex"), ...base64Forms(bytes)]) expect(text).not.toContain(form);
    });

    test("moved to another row opens there no more, and harms that row alone", async () => {
      const [mine, theirs, third] = [await connectOne("mine"), await connectOne("theirs"), await connectOne("third")];
      await raw(
        "update credentials set access_token = (select access_token from credentials where id = $1) where id = $2",
        [theirs.credential.id, mine.credential.id],
      );
      await expect(tokenOf(mine.id)).rejects.toEqual(unreadable);
      expect(await tokenOf(theirs.id)).toBe("access-theirs");
      expect(await tokenOf(third.id)).toBe("access-third");
    });

    test("moved to another column opens there no more", async () => {
      const { id, credential } = await connectOne("mine");
      await raw("update credentials set access_token = refresh_token where id = $1", [credential.id]);
      await expect(tokenOf(id)).rejects.toEqual(unreadable);
    });

    test("that no key opens is noticed only when it is asked for", async () => {
      const { id, credential } = await connectOne("mine");
      await raw("update credentials set access_token = 'gibberish' where id = $1", [credential.id]);
      const [found] = await installations.select({ installationId: id }, sightOfEverything, 2);
      expect(found?.credential?.status).toBe("active");
      expect(() => found?.credential?.accessToken()).toThrow(unreadable);
      expect((await credentials.read(credential.id))?.credential.version).toBe(1);
      expect(await installations.find(id)).toBeDefined();
      const begun = await installations.beginRevocation(id, "over", clock.now());
      expect(begun?.credentials[0]?.secrets).toBeUndefined();
    });

    test("whose refresh token no key opens is refused for a refresh, and the lease given back", async () => {
      const { credential } = await connectOne("mine");
      await raw("update credentials set refresh_token = 'gibberish' where id = $1", [credential.id]);
      await expect(credentials.acquire(credential.id, 1, unique("attempt"), 30_000)).rejects.toEqual(unreadable);
      expect(await credentials.read(credential.id)).toMatchObject({ leaseRemainingMs: 0, attemptOpen: false });
    });

    test("is sealed anew with its row, so that one key opens the whole row", async () => {
      const [made] = await installations.connect(
        sites(unique("p"), "grant", [unique("site")]),
        jiraContext(clock.now()),
      );
      const [{ credential } = {}] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const id = credential?.id ?? "";
      const before = await raw("select * from credentials where id = $1", [id]);
      const lease = await credentials.acquire(id, 1, unique("attempt"), 30_000);
      if (lease === undefined) throw new Error("not leased");
      await credentials.commit(lease, tokenSet("new", { rotating: false }), undefined);
      const after = await raw("select * from credentials where id = $1", [id]);
      expect(after[0]?.refresh_token).not.toBe(before[0]?.refresh_token);
      expect(after[0]?.key_id).toMatch(/^[0-9a-f]{16}$/);
    });
  });
}

/** The text inside any base64 that contains `bytes`, wherever they begin. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "")
      .slice(4, -2);
    return [encoded, encoded.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
