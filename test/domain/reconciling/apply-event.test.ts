import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import type { Connection } from "../../../src/domain/model/connection.ts";
import type { Installation } from "../../../src/domain/model/installation.ts";
import { connection, foreverToken, minted, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { down, type Events, gone, grantDead, noFacts, openEvents, present } from "./open-events.ts";

let domain: Domain;
let events: Events;
const { ended, suspended, changed } = {
  ended: { kind: "ended" },
  suspended: { kind: "suspended" },
  changed: { kind: "changed" },
} as const;

beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  await domain.sql`delete from credentials`;
  await domain.sql`delete from installations`;
  events = openEvents(domain, { narrowing: false });
});

let serial = 0;
/** An app's installation, minted for with our own key. */
function app(changes: Partial<Connection["installations"][number]> = {}, org = `T${++serial}`): Connection {
  const externalInstallId = String(70 + serial);
  return connection({
    org,
    kind: "app_installation",
    tokens: undefined,
    installation: { externalInstallId, permissions: { contents: "read" }, ...changes },
  });
}
async function connect(one: Connection, context = {}): Promise<Installation> {
  const [made] = await domain.connect(one, context);
  return made!;
}
const status = async ({ id }: Installation) => (await domain.storage.installations.find(id))?.status;
const about = ({ externalInstallId, externalOrgId }: Installation) => ({ externalInstallId, externalOrgId });
/** Why there is no token; undefined: there is one. */
async function refusal({ id }: Installation, more = {}): Promise<string | undefined> {
  return events.desk.getToken({ installationId: id, ...more }).then(
    () => undefined,
    (error) => error.reason,
  );
}
const details = () => events.noted.map(({ kind, detail }) => `${kind} ${detail}`);

describe("an uninstallation", () => {
  it("is handed out no more at once, ended once the platform confirms it, and on record", async () => {
    const one = await connect(app());
    expect(await refusal(one)).toBeUndefined();
    events.inspected = () => gone;
    await events.tell(ended, about(one));
    expect(await refusal(one)).toBe("INSTALLATION_SUSPENDED");
    expect(await status(one)).toBe("suspended");
    expect(events.asked, "callers do not have it asked").toBe(0);
    await events.ask();
    expect(await status(one)).toBe("revoked");
    expect(await refusal(one)).toBe("INSTALLATION_REVOKED");
    const rows = await domain.sql`
      select kind, caller, method from audit_events where installation_id = ${one.id} and kind = 'installation.revoked'`;
    expect(rows).toEqual([{ kind: "installation.revoked", caller: "service", method: "events" }]);
    expect(details()).toEqual(["installation.suspended told_ended"]);
    expect(await domain.sql`select 1 from credentials`).toEqual([]);
  });

  it("that the platform contradicts is undone, but not by its first word, and looked at once more", async () => {
    const one = await connect(app());
    await events.tell(ended, about(one));
    await events.ask();
    expect(await refusal(one), "it may not know it everywhere yet").toBe("INSTALLATION_SUSPENDED");
    const [wait] = await domain.sql`
      select extract(epoch from ask_after - clock_timestamp())::float8 as seconds from installations`;
    expect(wait!.seconds).toBeLessThan(4);
    await events.ask();
    expect([await refusal(one), await status(one)]).toEqual([undefined, "active"]);
    expect(details()).toContain("installation.resumed contradicted");
    events.inspected = () => gone;
    events.platform.answer = () => ({ kind: "rejected", code: "installation_removed" });
    await events.ask();
    expect(await status(one)).toBe("reauthorization_required");
  });

  it("stays withheld while the platform cannot be asked, and is ended or undone when it can", async () => {
    const [one, other] = [await connect(app()), await connect(app())];
    for (const each of [one, other]) await events.tell(ended, about(each));
    events.inspected = () => down;
    for (let round = 0; round < 10; round++) await events.ask();
    expect([await status(one), await status(other)]).toEqual(["suspended", "suspended"]);
    const waits =
      await domain.sql`select extract(epoch from ask_after - clock_timestamp())::float8 as s from installations`;
    for (const { s } of waits) expect(s).toBeLessThanOrEqual(5);
    events.inspected = (_, orgId) => (orgId === one.externalOrgId ? gone : present);
    await events.ask();
    await events.ask();
    expect([await status(one), await status(other)]).toEqual(["revoked", "active"]);
  });

  it("told by nobody but its platform, of nobody but whom it names", async () => {
    const one = await connect(app());
    const other = await connect(app(), { owner: "other" });
    const foreign = app();
    const ofOther = { ...foreign.credentials[0]!, registration: "other@https://platform.example" };
    const theirs = await connect({ ...foreign, credentials: [ofOther] });
    const elsewhere = await connect(app({}, one.externalOrgId), { platform: "slack-eu" });
    await events.tell(ended, about(theirs));
    await events.tell(ended, { ...about(one), externalInstallId: "999" });
    await events.tell(ended, { externalInstallId: "999" });
    await events.tell(ended, {});
    await events.tell({ kind: "grants_ended", grants: [{ actor: "app", externalUserId: undefined }] }, {});
    for (const each of [one, other, theirs, elsewhere]) expect(await status(each)).toBe("active");
    await events.tell(ended, about(one));
    for (const each of [other, theirs, elsewhere]) expect(await status(each)).toBe("active");
    expect(await status(one)).toBe("suspended");
  });

  it("that is older than the connection stops nothing, and the platform is asked all the same", async () => {
    const one = await connect(app());
    const before = new Date(domain.clock.now().getTime() - 2_000);
    await events.tell(ended, about(one), before);
    expect(await refusal(one)).toBeUndefined();
    await events.ask();
    expect([events.asked, await status(one)]).toEqual([1, "active"]);
    await events.tell(ended, about(one), domain.clock.now());
    expect(await refusal(one)).toBe("INSTALLATION_SUSPENDED");
  });

  it("does not end what was connected anew while the platform was asked", async () => {
    const made = app();
    const one = await connect(made);
    const [asked, answer] = [createGate(), createGate()];
    events.inspected = async () => {
      asked.open();
      await answer.opened;
      return gone;
    };
    await events.tell(ended, about(one));
    const asking = events.ask();
    await asked.opened;
    const again = app({ externalInstallId: "1234" }, one.externalOrgId);
    expect((await connect(again)).id).toBe(one.id);
    answer.open();
    await asking;
    expect(await status(one)).toBe("active");
    expect(events.platform.revoked, "a reinstalled app is not uninstalled").toEqual([]);
    events.inspected = () => present;
    await events.ask();
    expect([await refusal(one), await status(one)]).toEqual([undefined, "active"]);
    await events.tell(ended, about(one));
    expect(await status(one), "the one before is known no more").toBe("active");
  });

  it("is not settled by an answer that was on its way before", async () => {
    const one = await connect(app());
    const [asked, answer] = [createGate(), createGate()];
    events.inspected = async () => {
      asked.open();
      await answer.opened;
      return present;
    };
    await events.tell(changed, about(one));
    const asking = events.ask();
    await asked.opened;
    await events.tell(ended, about(one));
    events.inspected = () => gone;
    answer.open();
    await asking;
    expect(await refusal(one)).toBe("INSTALLATION_SUSPENDED");
    await events.ask();
    expect(await status(one)).toBe("revoked");
  });

  it("is not taken back by a token that was asked for before it", async () => {
    const one = await connect(app());
    const [asked, answer] = [createGate(), createGate()];
    events.platform.answer = async () => {
      asked.open();
      await answer.opened;
      return minted();
    };
    const token = events.desk.getToken({ installationId: one.id });
    await asked.opened;
    await events.tell(ended, about(one));
    answer.open();
    await token.catch(() => undefined);
    await events.desk.refresher.idle();
    expect([await refusal(one), await status(one)]).toEqual(["INSTALLATION_SUSPENDED", "suspended"]);
  });

  it("by the dozen ends all of them, and raises no doubt about the platform", async () => {
    const all = [];
    for (let i = 0; i < 12; i++) all.push(await connect(app()));
    events.inspected = () => gone;
    for (const one of all) await events.tell(ended, about(one));
    expect(await domain.sql`select 1 from credentials where called_dead_at is not null`).toEqual([]);
    await events.ask();
    for (const one of all) expect(await status(one)).toBe("revoked");
  });

  it("repeated, or told again after its end, has no second effect", async () => {
    const one = await connect(app());
    events.inspected = () => gone;
    for (let i = 0; i < 3; i++) await events.tell(ended, about(one));
    await events.ask();
    await events.tell(ended, about(one));
    await events.tell(changed, about(one));
    await events.ask();
    expect([await status(one), events.asked]).toEqual(["revoked", 1]);
  });
});

describe("a suspension", () => {
  it("is confirmed, and lifted when the platform says so", async () => {
    const one = await connect(app());
    events.inspected = () => ({ ...present, kind: "suspended" }) as never;
    await events.tell(suspended, about(one));
    expect(await refusal(one)).toBe("INSTALLATION_SUSPENDED");
    await events.ask();
    expect(await status(one)).toBe("suspended");
    events.inspected = () => present;
    await events.tell(changed, about(one));
    expect(await status(one), "an event alone lifts nothing").toBe("suspended");
    await events.ask();
    expect([await refusal(one), await status(one)]).toEqual([undefined, "active"]);
  });

  it("that arrives after it was lifted is undone", async () => {
    const one = await connect(app());
    await events.tell(changed, about(one));
    await events.ask();
    await events.tell(suspended, about(one));
    expect(await status(one)).toBe("suspended");
    await events.ask();
    await events.ask();
    expect([await refusal(one), await status(one)]).toEqual([undefined, "active"]);
  });

  it("is undone although the platform does not answer about another organization for an hour, but not for several", async () => {
    const all = [await connect(app()), await connect(app()), await connect(app()), await connect(app())];
    const [one, other] = [all[0]!, all[3]!];
    let limited = [one.externalOrgId];
    events.inspected = (_, org) =>
      limited.includes(org) ? { kind: "rate_limited", retryAfterMs: 3_600_000 } : present;
    await events.tell(suspended, about(one));
    await events.ask();
    const seconds = domain.sql`
      select extract(epoch from ask_after - now())::float8 as s from installations where id = ${one.id}`;
    expect((await seconds)[0]?.s).toBeGreaterThan(3_500);
    await events.tell(suspended, about(other));
    await events.ask();
    await events.ask();
    expect(await refusal(other)).toBeUndefined();
    limited = all.map(({ externalOrgId }) => externalOrgId);
    for (const each of all) {
      await events.tell(suspended, about(each));
      await events.ask();
    }
    const before = events.asked;
    await events.ask();
    expect(events.asked).toBe(before);
  });

  it("does not make less of an uninstallation that was told before", async () => {
    const one = await connect(app());
    await events.tell(ended, about(one));
    await events.tell(suspended, about(one));
    await events.tell({ kind: "created" }, about(one));
    events.inspected = () => gone;
    await events.ask();
    expect(await status(one)).toBe("revoked");
  });
});

describe("revoked tokens", () => {
  const bot = { actor: "app", externalUserId: undefined } as const;
  const user = (externalUserId: string) => ({ actor: "user", externalUserId }) as const;
  /** Long-lived tokens: all there is of them is asked about. */
  async function workspace(): Promise<Installation> {
    const one = connection({ kind: "long_lived", tokens: foreverToken("xoxb") });
    const org = one.installations[0]!.externalOrgId;
    const people = ["U1", "U2"].map((id) => ({
      kind: "long_lived" as const,
      actor: "user" as const,
      subject: `${org}:${id}`,
      externalUserId: id,
      natural: false,
      tokens: foreverToken(`xoxp-${id}`),
    }));
    return connect({ ...one, credentials: [...one.credentials, ...people] });
  }
  const actors = async (one: Installation) => [
    await refusal(one),
    await refusal(one, { actor: "user", externalUserId: "U1" }),
    await refusal(one, { actor: "user", externalUserId: "U2" }),
  ];
  const reauthorize = "REAUTHORIZATION_REQUIRED";
  const deadOf = (...tokens: string[]) => {
    events.inspected = ({ accessToken }) => (tokens.includes(accessToken!.reveal()) ? grantDead : present);
  };

  it("of a bot leave people served, and the other way round", async () => {
    const one = await workspace();
    await events.tell({ kind: "grants_ended", grants: [bot] }, about(one));
    expect(await actors(one)).toEqual([reauthorize, undefined, undefined]);
    expect(await status(one)).toBe("reauthorization_required");
    deadOf("xoxb");
    await events.ask();
    expect(await actors(one)).toEqual([reauthorize, undefined, undefined]);
    expect(await status(one)).toBe("reauthorization_required");

    const other = await workspace();
    await events.tell({ kind: "grants_ended", grants: [user("U1"), user("U9")] }, about(other));
    expect(await actors(other)).toEqual([undefined, reauthorize, undefined]);
    deadOf("xoxp-U1");
    await events.ask();
    expect(await actors(other)).toEqual([undefined, reauthorize, undefined]);
    expect(await status(other)).toBe("active");
  });

  it("leave what the bot was granted as it was, whatever a person was", async () => {
    const one = await workspace();
    const { scopes } = (await domain.storage.installations.find(one.id)) ?? {};
    const facts = { ...noFacts, externalOrgName: "Renamed", scopes: ["of a person"] };
    events.inspected = ({ accessToken }) =>
      accessToken?.reveal().startsWith("xoxb") === true ? grantDead : { kind: "present", facts };
    await events.tell({ kind: "grants_ended", grants: [bot] }, about(one));
    await events.ask();
    expect(await domain.storage.installations.find(one.id)).toMatchObject({ scopes, externalOrgName: "Renamed" });
  });

  it("of a workspace or of its enterprise are of which of both is connected", async () => {
    const [one, other] = [await workspace(), await workspace()];
    const news = { kind: "grants_ended", grants: [user("U1")] } as const;
    await events.tell(news, { externalOrgId: "T-unknown", orExternalOrgId: about(one).externalOrgId });
    expect(await actors(one)).toEqual([undefined, reauthorize, undefined]);
    await events.tell(news, { ...about(other), orExternalOrgId: "E-unknown" });
    expect(await actors(other)).toEqual([undefined, reauthorize, undefined]);
  });

  it("of nobody who is known are nobody's", async () => {
    const one = await workspace();
    await events.tell({ kind: "grants_ended", grants: [user("U9")] }, about(one));
    await events.tell({ kind: "grants_ended", grants: [] }, about(one));
    await events.ask();
    expect(events.asked).toBe(0);
  });

  it("that work are served again, the bot's and a person's", async () => {
    const one = await workspace();
    await events.tell({ kind: "grants_ended", grants: [bot, user("U1")] }, about(one));
    expect(await actors(one)).toEqual([reauthorize, reauthorize, undefined]);
    await events.ask();
    await events.ask();
    expect(await actors(one)).toEqual([undefined, undefined, undefined]);
    expect(await status(one)).toBe("active");
  });

  it("are decided by the refresh token where there is one, and then not believed twice", async () => {
    const one = await connect(connection({ tokens: tokenSet() }));
    events.inspected = () => grantDead;
    events.platform.answer = () => ({ kind: "rejected", code: "invalid_refresh_token" });
    await events.tell({ kind: "grants_ended", grants: [bot] }, about(one));
    await events.ask();
    expect([await refusal(one), await status(one)]).toEqual([reauthorize, "reauthorization_required"]);
  });

  it.each([["first"], ["last"]])("with an uninstallation told %s end it for good", async (order) => {
    const one = await workspace();
    events.inspected = () => grantDead;
    const tokens = () => events.tell({ kind: "grants_ended", grants: [bot, user("U1"), user("U2")] }, about(one));
    if (order === "last") {
      await tokens();
      await events.ask();
    }
    await events.tell(ended, about(one));
    if (order === "first") await tokens();
    await events.ask();
    expect(await status(one)).toBe("revoked");
    await tokens();
    expect(await status(one)).toBe("revoked");
  });

  it("are not the end of an app of which one token still works", async () => {
    const one = await workspace();
    deadOf("xoxb", "xoxp-U2");
    await events.tell(ended, about(one));
    expect(await actors(one)).toEqual(Array(3).fill("INSTALLATION_SUSPENDED"));
    await events.ask();
    await events.ask();
    expect(await status(one)).toBe("active");
    expect(await refusal(one, { actor: "user", externalUserId: "U1" })).toBeUndefined();
  });

  it("are over when the person connects again", async () => {
    const one = await workspace();
    events.inspected = () => grantDead;
    await events.tell({ kind: "grants_ended", grants: [bot] }, about(one));
    await events.ask();
    await connect(connection({ org: one.externalOrgId, kind: "long_lived", tokens: foreverToken("xoxb-2") }));
    expect([await refusal(one), await status(one)]).toEqual([undefined, "active"]);
  });

  it("are not revived by a doubt about the platform", async () => {
    const one = await workspace();
    events.inspected = () => grantDead;
    await events.tell({ kind: "grants_ended", grants: [bot] }, about(one));
    await events.ask();
    await domain.sql`update credentials set called_dead_at = ${domain.clock.now()} where actor = 'app'`;
    expect(await domain.storage.credentials.reviveCalledDead("slack")).toEqual([]);
    expect(await refusal(one)).toBe(reauthorize);
  });
});

describe("a change", () => {
  it("is asked for: names, permissions, scopes and facts are the platform's present ones", async () => {
    const one = await connect(app({ metadata: { kept: "yes", repository_selection: "all" } }));
    expect(await refusal(one)).toBeUndefined();
    const facts = {
      externalOrgName: "Renamed",
      permissions: { contents: "write" },
      scopes: undefined,
      metadata: { repository_selection: "selected" },
    };
    events.inspected = () => ({ kind: "present", facts });
    const before = events.platform.spent.length;
    events.platform.answer = () => ({
      kind: "minted",
      tokens: { ...tokenSet(), refreshToken: undefined, permissions: { contents: "write" } },
    });
    await events.tell(changed, about(one));
    await events.ask();
    expect(await domain.storage.installations.find(one.id)).toMatchObject({
      externalOrgName: "Renamed",
      permissions: { contents: "write" },
      metadata: { kept: "yes", repository_selection: "selected" },
    });
    expect(events.platform.spent.length, "the token is a new one, with what was added").toBe(before + 1);
    const { permissions } = await events.desk.getToken({ installationId: one.id });
    expect(permissions).toEqual({ contents: "write" });
  });

  it("that turns out to be an end goes the way of every refusal, and ends nothing for good", async () => {
    const one = await connect(app());
    expect(await refusal(one)).toBeUndefined();
    events.inspected = () => gone;
    events.platform.answer = () => ({ kind: "rejected", code: "installation_removed" });
    await events.tell(changed, about(one));
    await events.ask();
    expect(await status(one)).toBe("reauthorization_required");
    expect(await domain.sql`select 1 from credentials where called_dead_at is not null`).toHaveLength(1);
  });

  it("told of everybody by a platform that calls everybody dead is doubted", async () => {
    const all = [];
    for (let i = 0; i < 4; i++) all.push(await connect(app()));
    for (const one of all) expect(await refusal(one)).toBeUndefined();
    events.inspected = () => gone;
    events.platform.answer = () => ({ kind: "rejected", code: "installation_removed" });
    // Before the outage each of them was served.
    await domain.sql`update credentials set proven_at = ${new Date(domain.clock.now().getTime() - 7_200_000)}`;
    for (const one of all) await events.tell(changed, about(one));
    await events.ask();
    expect(await Promise.all(all.map(status))).toEqual(Array(4).fill("active"));
  });

  it("of one that nobody knows, or a creation, makes nothing", async () => {
    await events.tell({ kind: "created" }, { externalInstallId: "4711", externalOrgId: "T4711" });
    await events.ask();
    expect([events.asked, await domain.sql`select 1 from installations`]).toEqual([0, []]);
  });

  it("of what is pending is asked once it is completed", async () => {
    const made = app();
    const link = {
      caller: "c",
      policyHash: undefined,
      product: "slack",
      scopes: [],
      installationId: undefined,
      awaitsOwner: true,
    };
    const now = domain.clock.now();
    const context = { platform: "slack", holder: "organization", owner: "acme", now } as const;
    const completion = { codeHash: `code-${serial}`, expiresAt: new Date(now.getTime() + 300_000), link };
    const { pendingInstalls } = domain.storage;
    const [pending] = await pendingInstalls.keep(made, context, completion);
    await events.tell(ended, about(pending!));
    await events.ask();
    expect([events.asked, await status(pending!)]).toEqual([0, "pending"]);
    const found = await pendingInstalls.findByInstallation(pending!.id);
    await pendingInstalls.complete(found!.id, context);
    events.inspected = () => gone;
    await events.ask();
    expect(events.asked).toBe(1);
  });

  it("is asked by any process, and not by two at once", async () => {
    const one = await connect(app());
    const other = openEvents(domain, { narrowing: false });
    await events.tell(changed, about(one));
    const gate = createGate();
    events.inspected = other.inspected = async () => {
      await gate.opened;
      return present;
    };
    const asking = events.asking.askDue();
    await until(() => events.asked === 1, "it is asked");
    await other.asking.askDue();
    gate.open();
    await asking;
    expect([events.asked, other.asked]).toEqual([1, 0]);
  });
});
