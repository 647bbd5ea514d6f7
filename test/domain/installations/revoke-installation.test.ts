import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import { createCaller } from "../../../src/domain/access/caller.ts";
import type { InstallationRepository } from "../../../src/domain/model/installation-repository.ts";
import type { RevokeOutcome } from "../../../src/domain/model/platform.ts";
import type { ServiceError } from "../../../src/errors.ts";
import { call } from "../../support/call.ts";
import {
  connection,
  onlyPlatforms,
  type ScriptedPlatform,
  scriptedPlatform,
  siteConnection,
  tokenSet,
} from "../../support/scripted-platform.ts";
import { type Domain, openDesk, openDomain } from "../open-domain.ts";
import { openInstalls } from "../open-installs.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

function revokerOf(platforms: readonly ScriptedPlatform[], installations: Partial<InstallationRepository> = {}) {
  const { revoker } = openInstalls(domain, onlyPlatforms(...platforms), { installations });
  const by = call({ method: "RevokeInstallation" });
  return {
    revoke: (id: string, reason: string, as = by) => revoker.revoke(id, reason, as),
    finishInterrupted: revoker.finishInterrupted,
  };
}

async function kept(installationId: string) {
  return domain.sql`select credential_id from installation_credentials where installation_id = ${installationId}`;
}

const jiraOptions = { name: "jira", products: ["jira", "confluence"], holder: "person", actors: ["user"] } as const;
const failed = { kind: "failed", cause: "http_503" } as const;

describe("revoking", () => {
  test("finds only what the caller may see, and is on record once, with who did it and what the platform said", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection(), { owner: "acme" });
    const as = (owner: string) => {
      const rule = { methods: "all", products: "all", owners: new Set([owner]), ceilings: new Map() } as const;
      const own = { ...rule, rate: undefined, returnOrigins: new Set<string>(), completeInCallback: false };
      return call({ method: "RevokeInstallation", as: createCaller(owner, [own], "policy") });
    };
    const { revoke } = revokerOf([platform]);
    const refusals: string[] = [];
    for (const id of [made!.id, crypto.randomUUID()]) {
      const refused = (error: ServiceError) => refusals.push(`${error.reason} ${error.message.replace(id, "it")}`);
      await revoke(id, "", as("globex")).catch(refused);
    }
    expect(refusals).toEqual(new Array(2).fill("INSTALLATION_NOT_FOUND no installation it"));
    expect(platform.revoked).toEqual([]);
    for (const _ of ["first", "again"]) await revoke(made!.id, "", as("acme"));
    const rows = await domain.sql`
      select kind, caller, method, owner, platform, detail, policy_hash from audit_events
      where installation_id = ${made!.id}`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      {
        ...{ kind: "installation.revoked", caller: "acme", method: "RevokeInstallation", owner: "acme" },
        ...{ platform: "slack", detail: "revoked", policy_hash: "policy" },
      },
    ]);
  });

  test("stops hand-out, then asks the platform, then deletes what is kept", async () => {
    const platform = scriptedPlatform();
    const gate = createGate();
    platform.answerRevoke = async () => {
      await gate.opened;
      return { kind: "revoked" };
    };
    const [made] = await domain.connect(connection({ tokens: tokenSet({ value: "living" }) }));
    const { id } = made!;
    const desk = openDesk(domain, [platform]);
    await desk.getToken({ installationId: id });
    const revoking = revokerOf([platform]).revoke(id, "the customer left");
    await until(() => platform.revoked.length > 0, "the platform is asked");
    await expect(desk.getToken({ installationId: id })).rejects.toMatchObject({ reason: "INSTALLATION_REVOKED" });
    expect(await kept(id)).toHaveLength(1);
    gate.open();
    const { installation, providerRevocation } = await revoking;
    expect([installation.status, providerRevocation, platform.revoked]).toEqual(["revoked", "revoked", ["living"]]);
    expect(installation.revokedAt).toBeInstanceOf(Date);
    expect(await kept(id)).toEqual([]);
    expect(await domain.sql`select id from credentials where subject = ${`${made!.externalOrgId}:bot`}`).toEqual([]);
    const [row] = await domain.sql`select revoke_reason from installations where id = ${id}`;
    expect(row?.revoke_reason).toBe("the customer left");
  });

  test("again answers the same and asks nobody", async () => {
    const platform = scriptedPlatform();
    platform.revokeAnswer = { kind: "unsupported" };
    const [made] = await domain.connect(connection());
    const revoker = revokerOf([platform]);
    const first = await revoker.revoke(made!.id, "once");
    domain.clock.advance(1_000);
    expect(await revoker.revoke(made!.id, "twice")).toEqual(first);
    expect(first.providerRevocation).toBe("unsupported");
    expect(platform.revoked).toHaveLength(1);
  });

  test("at the same time asks the platform once", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection());
    const revoker = revokerOf([platform]);
    const all = await Promise.all(Array.from({ length: 10 }, () => revoker.revoke(made!.id, "")));
    expect(new Set(all.map(({ providerRevocation }) => providerRevocation))).toEqual(new Set(["revoked"]));
    expect(platform.revoked).toHaveLength(1);
  });

  test("what does not exist is refused", async () => {
    const revoking = revokerOf([scriptedPlatform()]).revoke(crypto.randomUUID(), "");
    await expect(revoking).rejects.toMatchObject({ reason: "INSTALLATION_NOT_FOUND" });
  });
});

describe("what the platform says of several credentials", () => {
  const revoked = { kind: "revoked" } as const;
  const unsupported = { kind: "unsupported" } as const;

  test.each<readonly [string, RevokeOutcome, RevokeOutcome]>([
    ["revoked", revoked, revoked],
    ["revoked", revoked, unsupported],
    ["unsupported", unsupported, unsupported],
    ["failed", failed, revoked],
    ["failed", revoked, failed],
    ["failed", unsupported, failed],
  ])("is %s, and nothing is kept however it answers", async (expected, ofBot, ofPerson) => {
    const platform = scriptedPlatform();
    platform.answerRevoke = ({ actor }) => (actor === "app" ? ofBot : ofPerson);
    const [made] = await domain.connect(connection({ people: ["U1"] }));
    const { providerRevocation } = await revokerOf([platform]).revoke(made!.id, "");
    expect(providerRevocation).toBe(expected);
    expect(platform.revoked).toHaveLength(2);
    expect(await kept(made!.id)).toEqual([]);
    const left = await domain.sql`select id from credentials where subject like ${`${made!.externalOrgId}:%`}`;
    expect(left).toEqual([]);
  });

  test("is shared while another site uses the grant, which ends with the last one", async () => {
    const platform = scriptedPlatform(jiraOptions);
    const grant = siteConnection("P-shared", ["s1", "s2"], tokenSet({ value: "of both" }));
    const [first, second] = await domain.connect(grant, { platform: "jira", holder: "person" });
    const revoker = revokerOf([platform]);
    expect((await revoker.revoke(first!.id, "")).providerRevocation).toBe("shared");
    expect(platform.revoked).toEqual([]);
    const issued = await openDesk(domain, [platform]).getToken({ installationId: second!.id });
    expect(issued.token.reveal()).toBe("of both");
    expect((await revoker.revoke(second!.id, "")).providerRevocation).toBe("revoked");
    expect(platform.revoked).toEqual(["of both"]);
    expect((await revoker.revoke(first!.id, "")).providerRevocation).toBe("shared");
  });
});

describe("a person's grant that another owner has, too", () => {
  const whole = { ...jiraOptions, revocationReach: "grant" } as const;
  const asOwner = (owner: string) => ({ platform: "jira", holder: "person", owner }) as const;
  const hidden = (subject: string, site: string) => {
    const made = siteConnection(subject, [site]);
    return { ...made, credentials: made.credentials.map((one) => ({ ...one, externalUserId: undefined })) };
  };

  test("is left alone where a revocation may end both, and ends with the last of them", async () => {
    const platform = scriptedPlatform(whole);
    const [ours] = await domain.connect(siteConnection("P-both", ["s3"], tokenSet({ value: "a" })), asOwner("acme"));
    const theirs = siteConnection("P-both", ["s4"], tokenSet({ value: "b" }));
    const [other] = await domain.connect(theirs, asOwner("globex"));
    const { revoke } = revokerOf([platform]);
    expect((await revoke(ours!.id, "")).providerRevocation).toBe("shared");
    expect([platform.revoked, await kept(ours!.id)]).toEqual([[], []]);
    expect((await revoke(other!.id, "")).providerRevocation).toBe("revoked");
    expect(platform.revoked).toEqual(["b"]);
  });

  test("is ended where each token set ends alone", async () => {
    const platform = scriptedPlatform(jiraOptions);
    const [ours] = await domain.connect(siteConnection("P-own", ["s5"], tokenSet({ value: "a" })), asOwner("acme"));
    await domain.connect(siteConnection("P-own", ["s5"]), asOwner("globex"));
    expect((await revokerOf([platform]).revoke(ours!.id, "")).providerRevocation).toBe("revoked");
    expect(platform.revoked).toEqual(["a"]);
  });

  test("is left alone beside a person of the same site whom the platform does not name, not beside another site's", async () => {
    const platform = scriptedPlatform(whole);
    const [named] = await domain.connect(siteConnection("P-named", ["s6"]), asOwner("acme"));
    const [far] = await domain.connect(siteConnection("P-far", ["s7"], tokenSet({ value: "far" })), asOwner("acme"));
    await domain.connect(hidden("grant:1", "s6"), asOwner("globex"));
    const { revoke } = revokerOf([platform]);
    expect((await revoke(named!.id, "")).providerRevocation).toBe("shared");
    expect((await revoke(far!.id, "")).providerRevocation).toBe("revoked");
    expect(platform.revoked).toEqual(["far"]);
  });

  test("is left alone while another one may still be completed, unless an organization decides", async () => {
    const now = domain.clock.now();
    const link = {
      ...{ caller: "portal", policyHash: undefined, product: "jira", scopes: [] },
      ...{ installationId: undefined, awaitsOwner: true },
    };
    const expiresAt = new Date(now.getTime() + 300_000);
    const results: string[] = [];
    for (const holder of ["person", "organization"] as const) {
      const platform = scriptedPlatform({ ...whole, holder });
      const grant = siteConnection(`P-${holder}`, [`s-${holder}`]);
      const [ours] = await domain.connect(grant, { ...asOwner("acme"), holder });
      await domain.storage.pendingInstalls.keep(
        siteConnection(`P-${holder}`, [`t-${holder}`]),
        { platform: "jira", holder, owner: "globex", now },
        { codeHash: `code-${holder}`, expiresAt, link },
      );
      results.push((await revokerOf([platform]).revoke(ours!.id, "")).providerRevocation ?? "");
    }
    expect(results).toEqual(["shared", "revoked"]);
  });

  test("is left alone by a refresh that comes after its own installation was revoked", async () => {
    const platform = scriptedPlatform(whole);
    const gate = createGate();
    platform.answer = async () => {
      await gate.opened;
      return { kind: "minted", tokens: tokenSet() };
    };
    const [ours] = await domain.connect(siteConnection("P-late", ["s8"]), asOwner("acme"));
    const [other] = await domain.connect(siteConnection("P-late", ["s8"]), asOwner("globex"));
    const { refresher, revoker } = openInstalls(domain, onlyPlatforms(platform));
    const [credential] = await domain.storage.credentials.related("jira", ["P-late"], []);
    const [mine, last] = credential!.id === (await kept(ours!.id))[0]?.credential_id ? [ours, other] : [other, ours];
    const asked = refresher.refresh(credential!);
    await until(() => platform.spent.length === 1, "the refresh is at the platform");
    const by = call({ method: "RevokeInstallation" });
    await revoker.revoke(mine!.id, "", by);
    gate.open();
    expect(await asked).toMatchObject({ kind: "failed", failure: "gone" });
    expect(platform.revoked).toEqual([]);
    expect((await revoker.revoke(last!.id, "", by)).providerRevocation).toBe("revoked");
  });
});

describe("a credential that cannot be ended at the platform", () => {
  test("because its platform is no longer configured is deleted all the same", async () => {
    const [made] = await domain.connect(connection());
    const other = scriptedPlatform({ name: "github" });
    const { providerRevocation, installation } = await revokerOf([other]).revoke(made!.id, "");
    expect([providerRevocation, installation.status]).toEqual(["failed", "revoked"]);
    expect([await kept(made!.id), other.revoked]).toEqual([[], []]);
  });

  test("because no key opens it is deleted all the same", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection());
    const subject = `${made!.externalOrgId}:bot`;
    await domain.sql`update credentials set refresh_token = access_token where subject = ${subject}`;
    const { providerRevocation } = await revokerOf([platform]).revoke(made!.id, "");
    expect([providerRevocation, await kept(made!.id), platform.revoked]).toEqual(["failed", [], []]);
  });

  test("because nothing secret is kept of it is ended by its name", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection({ kind: "app_installation", tokens: undefined }));
    const asked: string[] = [];
    platform.answerRevoke = ({ subject }) => {
      asked.push(subject);
      return { kind: "revoked" };
    };
    const { providerRevocation } = await revokerOf([platform]).revoke(made!.id, "");
    expect([providerRevocation, asked]).toEqual(["revoked", [`${made!.externalOrgId}:bot`]]);
  });
});

describe("a revocation that a crash interrupted", () => {
  test("is finished later, with the tokens that are still kept, and not before its process is surely gone", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection({ tokens: tokenSet({ value: "left behind" }) }));
    const { id } = made!;
    await domain.storage.installations.beginRevocation(id, "why it was", domain.clock.now());
    const revoker = revokerOf([platform]);
    await revoker.finishInterrupted();
    expect([platform.revoked, (await kept(id)).length]).toEqual([[], 1]);
    domain.clock.advance(61_000);
    await revoker.finishInterrupted();
    expect([platform.revoked, await kept(id)]).toEqual([["left behind"], []]);
    const [row] = await domain.sql`select provider_revocation, revoke_reason from installations where id = ${id}`;
    expect(row).toEqual({ provider_revocation: "revoked", revoke_reason: "why it was" });
    await revoker.finishInterrupted();
    expect(platform.revoked).toHaveLength(1);
  });

  test("between the platform's answer and the deletion is taken up as well", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection());
    const crash = new Error("the process ends here");
    const crashing = revokerOf([platform], { finishRevocation: () => Promise.reject(crash) });
    await expect(crashing.revoke(made!.id, "")).rejects.toBe(crash);
    domain.clock.advance(61_000);
    await revokerOf([platform]).finishInterrupted();
    expect(await kept(made!.id)).toEqual([]);
    expect(platform.revoked).toHaveLength(2);
  });

  test("that goes wrong again is no reason to leave the others", async () => {
    const platform = scriptedPlatform();
    const { finishRevocation, beginRevocation } = domain.storage.installations;
    const ids: string[] = [];
    for (const org of ["Tlocked", "Tnext"]) {
      const [made] = await domain.connect(connection({ org }));
      await beginRevocation(made!.id, "", domain.clock.now());
      ids.push(made!.id);
      domain.clock.advance(1_000);
    }
    domain.clock.advance(61_000);
    const [locked = "", next = ""] = ids;
    const revoker = revokerOf([platform], {
      finishRevocation: (id, ...rest) =>
        id === locked ? Promise.reject(new Error("its row is locked")) : finishRevocation(id, ...rest),
    });
    await revoker.finishInterrupted();
    expect([(await kept(locked)).length, (await kept(next)).length]).toEqual([1, 0]);
    await revokerOf([platform]).finishInterrupted();
    expect(await kept(locked)).toEqual([]);
  });
});
