import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import type { Connection } from "../../../src/domain/model/connection.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import {
  connection,
  onlyPlatforms,
  type ScriptedPlatform,
  scriptedPlatform,
  tokenSet,
} from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { openInstalls } from "../open-installs.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const desk = (platform: ScriptedPlatform = scriptedPlatform()) => openInstalls(domain, onlyPlatforms(platform));
const as = (rule: Partial<Rule> = {}) =>
  call({
    method: "CompleteInstall",
    as: createCaller(
      "portal",
      [
        {
          ...{ methods: "all", products: "all", owners: "all", ceilings: new Map(), rate: undefined },
          ...{ returnOrigins: new Set<string>(), completeInCallback: false },
          ...rule,
        },
      ],
      "policy",
    ),
  });

/** What a callback of acme's link obtained. */
async function pending(obtained: Connection = connection({ tokens: tokenSet({ value: "new" }) }), unbegun = false) {
  const code = randomBytes(32).toString("base64url");
  const now = domain.clock.now();
  const [kept] = await domain.storage.pendingInstalls.keep(
    obtained,
    { platform: "slack", holder: "organization", owner: unbegun ? undefined : "acme", now },
    {
      codeHash: createHash("sha256").update(code).digest("hex"),
      expiresAt: new Date(now.getTime() + 300_000),
      link: {
        ...{ caller: "portal", policyHash: undefined, product: "slack", scopes: [] },
        ...{ installationId: undefined, awaitsOwner: true, unbegun },
      },
    },
  );
  return { code: new Secret(code), id: kept!.id };
}

async function recorded(installationId: string) {
  const rows = await domain.sql`
    select kind, caller, method, owner, platform, detail, policy_hash from audit_events
    where installation_id = ${installationId} order by at, sequence`;
  return rows.map((row) => ({ ...row }));
}

describe("completing", () => {
  test("is on record with who did it", async () => {
    const { code, id } = await pending();
    const { completeInstall } = desk();
    expect(await completeInstall(code, "acme", as())).toMatchObject([{ id, status: "active" }]);
    expect(await recorded(id)).toEqual([
      {
        ...{ kind: "install.completed", caller: "portal", method: "CompleteInstall", owner: "acme" },
        ...{ platform: "slack", detail: "connected", policy_hash: "policy" },
      },
    ]);
  });

  test("gives what began at the platform to the owner that claims it, once", async () => {
    const { code, id } = await pending(undefined, true);
    const { completeInstall } = desk();
    expect(await completeInstall(code, "globex", as())).toMatchObject([{ id, status: "active", owner: "globex" }]);
    await expect(completeInstall(code, "acme", as())).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
    expect(await recorded(id)).toMatchObject([{ kind: "install.completed", owner: "globex" }]);
  });

  test("gives nobody what began at the platform and is another owner's already", async () => {
    const first = connection({ tokens: tokenSet({ value: "first" }) });
    const { completeInstall } = desk();
    await completeInstall((await pending(first)).code, "acme", as());
    const { code, id } = await pending(first, true);
    await expect(completeInstall(code, "globex", as())).rejects.toMatchObject({ reason: "INSTALLATION_TAKEN" });
    expect(await domain.storage.installations.find(id)).toBeUndefined();
  });

  test("gives what began at the platform only to owners that the caller may name", async () => {
    const { code } = await pending(undefined, true);
    const { completeInstall } = desk();
    const limited = as({ owners: new Set(["globex"]) });
    await expect(completeInstall(code, "acme", limited)).rejects.toMatchObject({ reason: "CALLER_NOT_ALLOWED" });
    expect(await completeInstall(code, "globex", limited)).toHaveLength(1);
  });

  test("by a caller that may not name this owner is refused before anything is looked up, and spends nothing", async () => {
    const { code, id } = await pending();
    const { completeInstall } = desk();
    const refused = { reason: "CALLER_NOT_ALLOWED" };
    const looked = as({ owners: new Set(["globex"]) });
    await expect(completeInstall(code, "acme", looked)).rejects.toMatchObject(refused);
    await expect(completeInstall(new Secret("x"), "acme", looked)).rejects.toMatchObject(refused);
    await expect(completeInstall(code, "acme", as({ products: new Set(["jira"]) }))).rejects.toMatchObject(refused);
    expect(await completeInstall(code, "acme", as())).toMatchObject([{ id }]);
  });

  test("by twenty at once succeeds once, and the others hear the same as for any other code", async () => {
    const { code } = await pending();
    const { completeInstall } = desk();
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => completeInstall(code, "acme", as())));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const messages = all.flatMap((one) => (one.status === "rejected" ? [one.reason.message] : []));
    const other = await completeInstall(new Secret("made up"), "acme", as()).catch((error: Error) => error.message);
    expect(new Set([...messages, other]).size).toBe(1);
  });
});

describe("a wrong owner", () => {
  test("is put on record once, before the platform is asked to end anything", async () => {
    const platform = scriptedPlatform();
    const { code, id } = await pending();
    let before: unknown[] = [];
    platform.answerRevoke = async () => {
      before = await recorded(id);
      return { kind: "revoked" };
    };
    await expect(desk(platform).completeInstall(code, "globex", as())).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
    });
    expect(platform.revoked).toEqual(["new"]);
    expect(before).toMatchObject([{ kind: "install.binding_rejected", caller: "portal", owner: "acme" }]);
    expect(await recorded(id)).toEqual(before);
    expect(await domain.storage.installations.find(id)).toBeUndefined();
  });

  test("is answered, and what was obtained deleted here, when the platform does not take it back", async () => {
    const platform = scriptedPlatform();
    platform.revokeAnswer = { kind: "failed", cause: "http_503" };
    const { code, id } = await pending();
    await expect(desk(platform).completeInstall(code, "globex", as())).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
    });
    expect(await domain.storage.installations.find(id)).toBeUndefined();
    expect(domain.world.lines.some((line) => line.includes("undo.failed"))).toBe(true);
  });
});

describe("an undoing that a crash interrupted", () => {
  test("is finished a minute later by another replica, with one row on record", async () => {
    const platform = scriptedPlatform();
    const { code, id } = await pending();
    platform.answerRevoke = () => Promise.reject(new Error("the process is gone"));
    await expect(desk(platform).completeInstall(code, "globex", as())).rejects.toThrow("the process is gone");
    expect(await domain.storage.installations.find(id)).toMatchObject({ status: "pending" });
    platform.answerRevoke = () => ({ kind: "revoked" });
    const { undoer } = desk(platform);
    await undoer.expirePending();
    expect(platform.revoked).toHaveLength(1);
    domain.clock.advance(60_001);
    await Promise.all([undoer.expirePending(), desk(platform).undoer.expirePending()]);
    expect(platform.revoked).toEqual(["new", "new"]);
    expect(await domain.storage.installations.find(id)).toBeUndefined();
    expect(await recorded(id)).toMatchObject([{ kind: "install.binding_rejected" }]);
  });

  test("before it was on record is put there by who finishes it", async () => {
    const { id } = await pending();
    const found = await domain.storage.pendingInstalls.findByInstallation(id);
    await domain.storage.pendingInstalls.beginUndo(found!.id, "expired", domain.clock.now());
    domain.clock.advance(60_001);
    await desk().undoer.expirePending();
    expect(await recorded(id)).toMatchObject([
      { kind: "install.expired", caller: "service", method: "expire pending" },
    ]);
  });

  test("does not keep the others from being undone", async () => {
    const platform = scriptedPlatform();
    const [first, second] = [await pending(), await pending()];
    let failures = 1;
    platform.answerRevoke = () => {
      if (failures-- > 0) throw new Error("a bug");
      return { kind: "revoked" };
    };
    domain.clock.advance(300_001);
    await desk(platform).undoer.expirePending();
    const left = await Promise.all([first, second].map(({ id }) => domain.storage.installations.find(id)));
    expect(left.filter((one) => one !== undefined)).toHaveLength(1);
    domain.clock.advance(60_001);
    await desk(platform).undoer.expirePending();
    for (const { id } of [first, second]) expect(await domain.storage.installations.find(id)).toBeUndefined();
  });
});

test("what came to nothing and cannot be put on record now is handed on to be written later", async () => {
  const { createPutOnRecord } = await import("../../../src/domain/record/put-on-record.ts");
  const noted: unknown[] = [];
  const putOnRecord = createPutOnRecord({
    audit: { append: () => Promise.reject(new Error("away")) },
    note: (event) => noted.push(event),
    world: domain.world,
  });
  await putOnRecord(as(), [{ kind: "install.failed", owner: "acme" }]);
  expect(noted).toMatchObject([{ kind: "install.failed", owner: "acme", caller: "portal", count: 1 }]);
});
