import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { Credential } from "../../src/domain/model/credential.ts";
import {
  githubApp,
  githubContext,
  jiraContext,
  sites,
  slackContext,
  tokenSet,
  unique,
  workspace,
} from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

const right = "right@https://auth.example";
const wrong = "wrong@https://auth.example";

/** Whom a grant was given to. */
export function describeRegistration({ storage, clock, raw }: OpenedStorage): void {
  const { installations, credentials, pendingInstalls } = storage;

  async function credentialOf(installationId: string | undefined): Promise<Credential> {
    const [found] = await installations.select({ installationId }, sightOfEverything, 2);
    if (found?.credential === undefined) throw new Error("not connected");
    return found.credential;
  }
  async function connectOne(registration?: string) {
    const team = unique("T");
    const { credentials: made, ...rest } = workspace(team, team);
    const connection = { ...rest, credentials: made.map((one) => ({ ...one, registration })) };
    const [installation] = await installations.connect(connection, slackContext(clock.now()));
    const id = installation?.id ?? "";
    return { id, credential: await credentialOf(id) };
  }
  async function acquireAs({ id, version }: Credential, registration: string) {
    const lease = await credentials.acquire(id, version, unique("attempt"), 30_000, registration);
    if (lease === undefined) throw new Error("not leased");
    return lease;
  }
  const dueAs = async (registration: string, { id }: Credential) => {
    const everything = new Date(clock.now().getTime() + 86_400_000);
    const used = new Date(0);
    const due = await credentials.due({
      ...{ platform: "slack", now: everything, rotatingUsedSince: used, mintedUsedSince: used },
      ...{ refreshedBefore: everything, limit: 10_000, registration },
    });
    return due.some(({ credential }) => credential.id === id);
  };

  describe("whom a grant was given to", () => {
    test("is remembered from the connection, also through a pending install", async () => {
      expect((await connectOne(right)).credential.registration).toBe(right);
      const context = { ...jiraContext(clock.now(), "owner"), owner: "owner" };
      const { credentials: made, ...rest } = sites(unique("p"), unique("t"), [unique("site")]);
      const connection = { ...rest, credentials: made.map((one) => ({ ...one, registration: right })) };
      const codeHash = unique("code");
      const expiresAt = new Date(clock.now().getTime() + 60_000);
      const link = { caller: undefined, policyHash: undefined, product: "jira", awaitsOwner: true };
      await pendingInstalls.keep(connection, context, { codeHash, expiresAt, link: link as never });
      const pending = await pendingInstalls.find(codeHash, clock.now());
      const [completed] = (await pendingInstalls.complete(pending?.id ?? "", context)) ?? [];
      expect((await credentialOf(completed?.id)).registration).toBe(right);
    });

    test("is learnt where it was not remembered from the first answer that accepts the grant", async () => {
      const rotated = await connectOne();
      expect(rotated.credential.registration).toBeUndefined();
      await credentials.commit(await acquireAs(rotated.credential, right), tokenSet("next"), undefined);
      expect((await credentialOf(rotated.id)).registration).toBe(right);
      const confirmed = await connectOne();
      await credentials.confirm(await acquireAs(confirmed.credential, right));
      expect((await credentialOf(confirmed.id)).registration).toBe(right);
    });

    test("is not learnt from an answer that says nothing about it", async () => {
      const { id, credential } = await connectOne();
      const failure = { error: "misconfigured", backoffMs: 0, unclear: false };
      await credentials.release(await acquireAs(credential, wrong), failure);
      expect((await credentialOf(id)).registration).toBeUndefined();
    });

    test("changes with the next connection", async () => {
      const connection = (registration: string) => {
        const { credentials: made, ...rest } = githubApp(account, "77");
        return { ...rest, credentials: made.map((one) => ({ ...one, registration })) };
      };
      const account = unique("A");
      await installations.connect(connection(wrong), githubContext(clock.now()));
      const [again] = await installations.connect(connection(right), githubContext(clock.now()));
      expect((await credentialOf(again?.id)).registration).toBe(right);
    });

    test("keeps background refreshes of another client away", async () => {
      const { credential } = await connectOne(right);
      const unknown = await connectOne();
      expect([await dueAs(right, credential), await dueAs(wrong, credential)]).toEqual([true, false]);
      expect(await dueAs(wrong, unknown.credential)).toBe(true);
    });

    test("is counted where it is another one", async () => {
      const count = async () => (await credentials.countForeign(new Map([["slack", wrong]]))).get("slack") ?? 0;
      const before = await count();
      await connectOne(right);
      await connectOne();
      await connectOne(wrong);
      expect((await count()) - before).toBe(1);
      expect(await credentials.countForeign(new Map())).toEqual(new Map());
    });
  });

  describe("a grant of an unknown client that was refused to one", () => {
    test("comes back for another client, and not for the same one", async () => {
      const { id, credential } = await connectOne();
      expect(await credentials.condemn(await acquireAs(credential, wrong), "invalid_grant")).toBe(true);
      expect((await installations.find(id))?.status).toBe("reauthorization_required");
      const revive = async (registration: string) =>
        (await credentials.reviveRefused("slack", registration)).map((one) => one.id);
      expect(await revive(wrong)).not.toContain(id);
      expect(await revive(right)).toContain(id);
      expect(await installations.find(id)).toMatchObject({ status: "active", lastError: undefined });
      await credentials.commit(await acquireAs(await credentialOf(id), right), tokenSet("back"), undefined);
      expect((await credentialOf(id)).registration).toBe(right);
    });

    test("stays dead if it is known to be that client's", async () => {
      const { id, credential } = await connectOne(right);
      await credentials.condemn(await acquireAs(credential, right), "invalid_grant");
      await credentials.reviveRefused("slack", wrong);
      expect((await installations.find(id))?.status).toBe("reauthorization_required");
      const [row] = await raw("select refused_by from credentials where id = $1", [credential.id]);
      expect(row?.refused_by).toBeNull();
    });
  });
}
