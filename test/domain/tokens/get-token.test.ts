import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import type { RefreshFailure } from "../../../src/domain/model/refresh-failure.ts";
import { ServiceError } from "../../../src/errors.ts";
import type { Secret } from "../../../src/secret.ts";
import {
  connection,
  foreverToken,
  minted,
  type ScriptedPlatform,
  scriptedPlatform,
  siteConnection,
  tokenSet,
} from "../../support/scripted-platform.ts";
import { type Domain, openDesk, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
// Each test's deaths are looked at by themselves: many in a row would be an incident at the platform.
beforeEach(() => domain.sql`update credentials set called_dead_at = null`);

const dead = { kind: "rejected", code: "invalid_refresh_token" } as const;
const down = { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: false, cause: "http_503" } as const;
const minute = 60_000;

/** One workspace whose bot has this token, and a desk at a platform of its own. */
async function workspace(
  life: { value?: string; ageMs?: number; lifeMs?: number } = {},
  options: Parameters<typeof openDesk>[2] = {},
) {
  const platform = scriptedPlatform();
  const tokens = tokenSet({ value: "stored", now: domain.clock.now(), ...life });
  const [installation] = await domain.connect(connection({ tokens }));
  platform.answer = () => minted({ value: "fresh", now: domain.clock.now() });
  const desk = openDesk(domain, [platform], options);
  return { platform, desk, id: installation!.id, org: installation!.externalOrgId };
}

async function refusalOf(answer: Promise<unknown>): Promise<ServiceError> {
  const error = await answer.then(
    () => new Error("not refused"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ServiceError)) throw error;
  return error;
}

const value = (issued: { token: Secret }) => issued.token.reveal();

describe("a token that lives long enough", () => {
  test("is served with all that is known of it, and nobody asks the platform", async () => {
    const { platform, desk, id, org } = await workspace({ ageMs: 10 * minute });
    const issued = await desk.getToken({ installationId: id });
    expect(issued).toMatchObject({
      tokenType: "Bearer",
      scopes: ["chat:write"],
      permissions: {},
      installationId: id,
      externalOrgId: org,
      tokenId: issued.token.fingerprint(),
      apiBaseUrl: `https://api.example/slack/${org}`,
    });
    expect(value(issued)).toBe("stored");
    expect(issued.expiresAt?.getTime()).toBeGreaterThan(domain.clock.now().getTime() + 49 * minute);
    expect(platform.spent).toEqual([]);
  });

  test.each([
    ["80 s left serve who names no time", 80_000, undefined, "stored"],
    ["59 s left do not", 59_000, undefined, "fresh"],
    ["29 minutes left do not serve who needs 30", 29 * minute, 30 * minute, "fresh"],
    ["32 minutes left do", 32 * minute, 30 * minute, "stored"],
    ["30 s left serve who needs no time at all", 30_000, 0, "stored"],
  ])("is what the caller asks for: %s", async (_, leftMs, minTtlMs, served) => {
    const { desk, id } = await workspace({ ageMs: 60 * minute - leftMs });
    expect(value(await desk.getToken({ installationId: id, minTtlMs }))).toBe(served);
  });

  test("is the freshest there is for who asks for more than the platform gives, once a minute", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 5 * minute });
    const ask = () => desk.getToken({ installationId: id, minTtlMs: 24 * 60 * minute });
    expect(value(await ask())).toBe("fresh");
    platform.answer = () => minted({ value: "too early", now: domain.clock.now() });
    domain.clock.advance(35_000);
    expect(value(await ask())).toBe("fresh");
    expect(platform.spent).toHaveLength(1);
    platform.answer = () => minted({ value: "in time", now: domain.clock.now() });
    domain.clock.advance(26_000);
    expect(value(await ask())).toBe("in time");
  });

  test("has no end where the platform names none", async () => {
    const platform = scriptedPlatform();
    const [made] = await domain.connect(connection({ kind: "long_lived", tokens: foreverToken("for ever") }));
    const issued = await openDesk(domain, [platform]).getToken({ installationId: made!.id, minTtlMs: 1e12 });
    expect([value(issued), issued.expiresAt, platform.spent]).toEqual(["for ever", undefined, []]);
  });

  test("is minted first where none is stored yet", async () => {
    const platform = scriptedPlatform();
    platform.answer = () => minted({ value: "the first" });
    const [made] = await domain.connect(connection({ kind: "app_installation", tokens: undefined }));
    const desk = openDesk(domain, [platform]);
    expect(value(await desk.getToken({ installationId: made!.id }))).toBe("the first");
    expect(value(await desk.getToken({ installationId: made!.id }))).toBe("the first");
    expect(platform.spent).toHaveLength(1);
  });
});

describe("half of a token's life", () => {
  test("starts one refresh behind the answer, however many ask", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 35 * minute });
    const gate = createGate();
    platform.answer = async () => {
      await gate.opened;
      return minted({ value: "fresh", now: domain.clock.now() });
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => desk.getToken({ installationId: id })));
    expect(new Set(answers.map(value))).toEqual(new Set(["stored"]));
    gate.open();
    await desk.refresher.idle();
    expect(platform.spent).toHaveLength(1);
    expect(value(await desk.getToken({ installationId: id }))).toBe("fresh");
    await desk.refresher.idle();
    expect(platform.spent).toHaveLength(1);
  });

  test("is not reached at two fifths", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 24 * minute });
    await desk.getToken({ installationId: id });
    await desk.refresher.idle();
    expect(platform.spent).toEqual([]);
  });

  test("takes nothing from the caller when the refresh behind the answer fails, even by a bug", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 35 * minute });
    platform.answer = () => {
      throw new TypeError("a bug");
    };
    expect(value(await desk.getToken({ installationId: id }))).toBe("stored");
    await desk.refresher.idle();
    await until(() => domain.world.lines.some((line) => line.includes("refresh.background_failed")), "it is logged");
  });

  test("leaves a dead grant alone", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 35 * minute });
    platform.answer = () => dead;
    await desk.getToken({ installationId: id });
    await desk.refresher.idle();
    await desk.getToken({ installationId: id });
    await desk.refresher.idle();
    expect(platform.spent).toHaveLength(1);
  });
});

describe("trouble at the platform", () => {
  const troubles = [
    ["unavailable", down, "PROVIDER_UNAVAILABLE"],
    ["rate_limited", { kind: "rate_limited", retryAfterMs: 90_000 }, "PROVIDER_RATE_LIMITED"],
    ["misconfigured", { kind: "misconfigured", code: "bad_client_secret" }, "PROVIDER_MISCONFIGURED"],
  ] as const;

  test.each(troubles)("(%s) does not take away a token that still works", async (_, answer) => {
    const { platform, desk, id } = await workspace({ ageMs: 59.5 * minute });
    platform.answer = () => answer;
    expect(value(await desk.getToken({ installationId: id }))).toBe("stored");
    expect(platform.spent).toHaveLength(1);
  });

  test.each(troubles)("(%s) is told to who needs a longer life", async (_, answer, reason) => {
    const { platform, desk, id } = await workspace({ ageMs: 59.5 * minute });
    platform.answer = () => answer;
    const refusal = await refusalOf(desk.getToken({ installationId: id, minTtlMs: 40_000 }));
    expect(refusal).toMatchObject({ reason, metadata: { platform: "slack" } });
    expect(value(await desk.getToken({ installationId: id, minTtlMs: 20_000 }))).toBe("stored");
  });

  test.each(troubles)("(%s) is told to whom no living token is left", async (_, answer, reason) => {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => answer;
    expect((await refusalOf(desk.getToken({ installationId: id }))).reason).toBe(reason);
  });

  test("says when to come back: when the back-off ends", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => ({ kind: "rate_limited", retryAfterMs: 90_000 });
    expect((await refusalOf(desk.getToken({ installationId: id }))).retryAfterMs).toBe(90_000);
    const { retryAfterMs } = await refusalOf(desk.getToken({ installationId: id }));
    expect(retryAfterMs).toBeGreaterThan(60_000);
    expect(retryAfterMs).toBeLessThanOrEqual(90_000);
    expect(platform.spent).toHaveLength(1);
  });

  test("asks back within ten seconds of an outage, and at least 100 ms later", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => down;
    for (let round = 0; round < 9; round++) {
      const { retryAfterMs } = await refusalOf(desk.getToken({ installationId: id }));
      expect(retryAfterMs).toBeGreaterThanOrEqual(100);
      expect(retryAfterMs).toBeLessThan(10_000);
      await domain.endBackoffs();
    }
    expect(platform.spent).toHaveLength(9);
  });

  test("misconfiguration names no time: waiting does not help", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => ({ kind: "misconfigured", code: "bad_client_secret" });
    expect((await refusalOf(desk.getToken({ installationId: id }))).retryAfterMs).toBeUndefined();
  });

  test("a fresh token that is dead on arrival is not handed out", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => minted({ value: "stillborn", now: domain.clock.now(), lifeMs: 0 });
    expect((await refusalOf(desk.getToken({ installationId: id }))).reason).toBe("PROVIDER_UNAVAILABLE");
  });
});

describe("a dead grant", () => {
  const installUrl = (platform: string, owner: string | undefined) => `https://connect.example/${platform}/${owner}`;

  test("serves its last token until that ends, then sends a person to connect again", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 59.5 * minute }, { installUrl });
    platform.answer = () => dead;
    expect(value(await desk.getToken({ installationId: id }))).toBe("stored");
    expect(value(await desk.getToken({ installationId: id }))).toBe("stored");
    expect((await domain.storage.installations.find(id))?.status).toBe("reauthorization_required");
    domain.clock.advance(31_000);
    const refusal = await refusalOf(desk.getToken({ installationId: id }));
    expect(refusal).toMatchObject({
      reason: "REAUTHORIZATION_REQUIRED",
      metadata: { platform: "slack", install_url: "https://connect.example/slack/undefined" },
      retryAfterMs: undefined,
    });
    expect(platform.spent).toHaveLength(1);
  });

  test("names no address where there is none", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => dead;
    expect((await refusalOf(desk.getToken({ installationId: id }))).metadata).toEqual({ platform: "slack" });
  });

  test("lives again when a person connects again", async () => {
    const { platform, desk, id, org } = await workspace({ ageMs: 61 * minute });
    platform.answer = () => dead;
    await refusalOf(desk.getToken({ installationId: id }));
    await domain.connect(connection({ org, tokens: tokenSet({ value: "again", now: domain.clock.now() }) }));
    expect(value(await desk.getToken({ installationId: id }))).toBe("again");
  });

  test("is also one that a person connected again without this site", async () => {
    const desk = openDesk(domain, [jira()], { installUrl });
    const grant = { platform: "jira", holder: "person", owner: "acme" } as const;
    const [first] = await domain.connect(siteConnection("P-left", ["left-1", "left-2"]), grant);
    await domain.connect(siteConnection("P-left", ["left-2"]), grant);
    const refusal = await refusalOf(desk.getToken({ installationId: first!.id }));
    expect(refusal).toMatchObject({
      reason: "REAUTHORIZATION_REQUIRED",
      metadata: { platform: "jira", install_url: "https://connect.example/jira/acme" },
    });
  });
});

describe("a token that its platform refused", () => {
  test("is replaced by one refresh for all who report it", async () => {
    const { platform, desk, id } = await workspace();
    const { tokenId } = await desk.getToken({ installationId: id });
    const report = () => desk.getToken({ installationId: id, rejectedTokenId: tokenId });
    const answers = await Promise.all(Array.from({ length: 50 }, report));
    expect(new Set(answers.map(value))).toEqual(new Set(["fresh"]));
    expect(value(await report())).toBe("fresh");
    expect(platform.spent).toHaveLength(1);
  });

  test("has to be the current one: reports of another change nothing", async () => {
    const { platform, desk, id } = await workspace();
    const issued = await desk.getToken({ installationId: id, rejectedTokenId: "0".repeat(64) });
    expect([value(issued), platform.spent]).toEqual(["stored", []]);
  });

  test.each([
    ["unavailable", down, "PROVIDER_UNAVAILABLE"],
    ["rate limited", { kind: "rate_limited", retryAfterMs: 5_000 }, "PROVIDER_RATE_LIMITED"],
    ["dead", dead, "REAUTHORIZATION_REQUIRED"],
  ] as const)("is not served again while the platform is %s", async (_, answer, reason) => {
    const { platform, desk, id } = await workspace();
    platform.answer = () => answer;
    const { tokenId } = await desk.getToken({ installationId: id });
    for (const minTtlMs of [undefined, 1_000]) {
      const refusal = await refusalOf(desk.getToken({ installationId: id, rejectedTokenId: tokenId, minTtlMs }));
      expect(refusal.reason).toBe(reason);
    }
    expect(value(await desk.getToken({ installationId: id }))).toBe("stored");
  });
});

describe("a caller in a hurry", () => {
  async function slow(ageMs: number) {
    const stage = await workspace({ ageMs });
    const gate = createGate();
    stage.platform.answer = async () => {
      await gate.opened;
      return minted({ value: "late", now: domain.clock.now() });
    };
    return { ...stage, gate };
  }

  test("is refused in time, and the refresh goes on and is stored", async () => {
    const { platform, desk, id, gate } = await slow(61 * minute);
    const started = performance.now();
    const refusal = await refusalOf(desk.getToken({ installationId: id }, { remainingMs: 250 }));
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(refusal).toMatchObject({ reason: "PROVIDER_UNAVAILABLE", retryAfterMs: 1_000 });
    const patient = desk.getToken({ installationId: id });
    await until(() => platform.spent.length === 1, "the refresh is at the platform");
    gate.open();
    expect(value(await patient)).toBe("late");
    expect(platform.spent).toHaveLength(1);
  });

  test("gets the token that still works", async () => {
    const { desk, id, gate } = await slow(59.5 * minute);
    const hurried = desk.getToken({ installationId: id }, { remainingMs: 60 });
    expect(value(await hurried)).toBe("stored");
    gate.open();
    await desk.refresher.idle();
    expect(value(await desk.getToken({ installationId: id }))).toBe("late");
  });

  test("whose time is up already starts the refresh all the same", async () => {
    const { platform, desk, id, gate } = await slow(61 * minute);
    await refusalOf(desk.getToken({ installationId: id }, { remainingMs: -5 }));
    await until(() => platform.spent.length === 1, "the refresh is at the platform");
    gate.open();
    await desk.refresher.idle();
    expect(value(await desk.getToken({ installationId: id }))).toBe("late");
  });
});

describe("a suspended installation", () => {
  test("has no token, not even a living one, until the platform gives one again", async () => {
    const platform = scriptedPlatform();
    const desk = openDesk(domain, [platform]);
    const [made] = await domain.connect(
      connection({ kind: "app_installation", tokens: tokenSet({ value: "living", now: domain.clock.now() }) }),
    );
    const ask = () => desk.getToken({ installationId: made!.id });
    const { tokenId } = await ask();
    platform.answer = () => ({ kind: "suspended" });
    await refusalOf(desk.getToken({ installationId: made!.id, rejectedTokenId: tokenId }));
    expect(await refusalOf(ask())).toMatchObject({ reason: "INSTALLATION_SUSPENDED" });
    platform.answer = () => minted({ value: "back", now: domain.clock.now() });
    await domain.endBackoffs();
    expect(value(await ask())).toBe("back");
    expect(value(await ask())).toBe("back");
    expect(platform.spent).toHaveLength(2);
  });

  test("is active from the first token on, also if it was suspended when it was connected", async () => {
    const platform = scriptedPlatform();
    const desk = openDesk(domain, [platform]);
    const installation = { suspended: true };
    const [made] = await domain.connect(connection({ kind: "app_installation", tokens: undefined, installation }));
    for (let ask = 0; ask < 3; ask++) await desk.getToken({ installationId: made!.id });
    expect(platform.spent).toHaveLength(1);
    expect((await domain.storage.installations.find(made!.id))?.status).toBe("active");
  });
});

describe("an installation that is over, or not begun", () => {
  test("is refused by its id when revoked, and not found otherwise", async () => {
    const { desk, id, org } = await workspace();
    await domain.storage.installations.beginRevocation(id, "", domain.clock.now());
    expect((await refusalOf(desk.getToken({ installationId: id }))).reason).toBe("INSTALLATION_REVOKED");
    const byName = desk.getToken({ platform: "slack", externalOrgId: org });
    expect((await refusalOf(byName)).reason).toBe("INSTALLATION_NOT_FOUND");
  });

  test("gives nothing that was revoked while its refresh was under way", async () => {
    const { platform, desk, id } = await workspace({ ageMs: 59.5 * minute });
    const gate = createGate();
    platform.answer = async () => {
      await gate.opened;
      return minted({ now: domain.clock.now() });
    };
    const asked = refusalOf(desk.getToken({ installationId: id }));
    await until(() => platform.spent.length === 1, "the refresh is at the platform");
    await domain.storage.installations.beginRevocation(id, "", domain.clock.now());
    gate.open();
    expect((await asked).reason).toBe("INSTALLATION_REVOKED");
  });

  test("is not found while pending", async () => {
    const { desk, id } = await workspace();
    await domain.sql`update installations set status = 'pending' where id = ${id}`;
    expect((await refusalOf(desk.getToken({ installationId: id }))).reason).toBe("INSTALLATION_NOT_FOUND");
  });
});

function jira(): ScriptedPlatform {
  return scriptedPlatform({ name: "jira", products: ["jira", "confluence"], holder: "person", actors: ["user"] });
}

describe("a selector", () => {
  test("needs a platform or an id", async () => {
    const refusal = await refusalOf(openDesk(domain, [scriptedPlatform()]).getToken({ owner: "acme" }));
    expect(refusal).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field: "platform" }] });
  });

  test("names a platform that is known and configured", async () => {
    const desk = openDesk(domain, [scriptedPlatform()]);
    expect(await refusalOf(desk.getToken({ platform: "gitlab" }))).toMatchObject({ reason: "INVALID_REQUEST" });
    const jiraOnly = openDesk(domain, [jira()]);
    const [made] = await domain.connect(connection());
    const refusal = await refusalOf(jiraOnly.getToken({ installationId: made!.id }));
    expect(refusal).toMatchObject({ reason: "PLATFORM_NOT_CONFIGURED", metadata: { platform: "slack" } });
  });

  test("that fits several installations is told their ids, at most ten", async () => {
    const desk = openDesk(domain, [scriptedPlatform()]);
    const connectMany = async (count: number, owner: string) => {
      const made: string[] = [];
      for (let n = 0; n < count; n++) made.push((await domain.connect(connection(), { owner }))[0]!.id);
      return made;
    };
    const two = await connectMany(2, "two");
    const refusal = await refusalOf(desk.getToken({ platform: "slack", owner: "two" }));
    expect(refusal.reason).toBe("INSTALLATION_AMBIGUOUS");
    expect(refusal.metadata.installation_ids?.split(",").sort()).toEqual(two.sort());
    expect(refusal.metadata.truncated).toBe("false");
    await connectMany(12, "many");
    const { metadata } = await refusalOf(desk.getToken({ platform: "slack", owner: "many" }));
    expect([metadata.installation_ids?.split(",").length, metadata.truncated]).toEqual([10, "true"]);
  });

  test("that fits none says where to connect, for the owner who was named", async () => {
    const installUrl = (platform: string, owner: string | undefined) => `https://connect.example/${platform}/${owner}`;
    const desk = openDesk(domain, [scriptedPlatform()], { installUrl });
    expect(await refusalOf(desk.getToken({ platform: "slack", owner: "nobody" }))).toMatchObject({
      reason: "INSTALLATION_NOT_FOUND",
      metadata: { install_url: "https://connect.example/slack/nobody" },
    });
    const unknown = await refusalOf(desk.getToken({ installationId: crypto.randomUUID() }));
    expect([unknown.reason, unknown.metadata]).toEqual(["INSTALLATION_NOT_FOUND", {}]);
  });

  test("needs all that it names to match", async () => {
    const { desk, id, org } = await workspace();
    expect(value(await desk.getToken({ installationId: id, platform: "slack", externalOrgId: org }))).toBe("stored");
    for (const other of [{ externalOrgId: "T-other" }, { owner: "other" }, { externalInstallId: "7" }]) {
      const refusal = await refusalOf(desk.getToken({ installationId: id, ...other }));
      expect(refusal.reason).toBe("INSTALLATION_NOT_FOUND");
    }
  });
});

describe("an actor", () => {
  test("is the natural one unless named, and a person where one is", async () => {
    const platform = scriptedPlatform();
    const desk = openDesk(domain, [platform]);
    const [made] = await domain.connect(connection({ tokens: tokenSet({ value: "of the bot" }), people: ["U7"] }));
    const ask = (actor?: "app" | "user") => desk.getToken({ installationId: made!.id, actor });
    expect([value(await ask()), value(await ask("app"))]).toEqual(["of the bot", "of the bot"]);
    expect(value(await ask("user"))).toBe("access-of-U7");
  });

  test("has to be named by id where several people connected", async () => {
    const desk = openDesk(domain, [scriptedPlatform()]);
    const [made] = await domain.connect(connection({ people: ["U1", "U2", "U3"] }));
    const ask = (externalUserId?: string) => desk.getToken({ installationId: made!.id, actor: "user", externalUserId });
    const refusal = await refusalOf(ask());
    expect(refusal.reason).toBe("INSTALLATION_AMBIGUOUS");
    expect(refusal.metadata.external_user_ids?.split(",").sort()).toEqual(["U1", "U2", "U3"]);
    expect(value(await ask("U2"))).toBe("access-of-U2");
    expect((await refusalOf(ask("U9"))).reason).toBe("INSTALLATION_NOT_FOUND");
  });

  test("that connected to nothing is not found", async () => {
    const { desk, id } = await workspace();
    const refusal = await refusalOf(desk.getToken({ installationId: id, actor: "user" }));
    expect(refusal.reason).toBe("INSTALLATION_NOT_FOUND");
  });

  test("that the platform does not know is an invalid request, with and without the platform named", async () => {
    const github = scriptedPlatform({ name: "github", actors: ["app"] });
    const desk = openDesk(domain, [github]);
    const context = { platform: "github" };
    const [made] = await domain.connect(connection({ installation: { products: ["github"] } }), context);
    for (const selector of [{ platform: "github" }, { installationId: made!.id }]) {
      const refusal = await refusalOf(desk.getToken({ ...selector, actor: "user" }));
      expect(refusal).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field: "actor" }] });
    }
  });

  test("whose token died does not take the bot's away", async () => {
    const platform = scriptedPlatform();
    platform.answer = ({ actor }) => (actor === "user" ? dead : minted({ value: "of the bot" }));
    const desk = openDesk(domain, [platform]);
    const [made] = await domain.connect(connection({ tokens: tokenSet({ value: "of the bot" }), people: ["U5"] }));
    const id = made!.id;
    const { tokenId } = await desk.getToken({ installationId: id, actor: "user" });
    const report = desk.getToken({ installationId: id, actor: "user", rejectedTokenId: tokenId });
    expect((await refusalOf(report)).reason).toBe("REAUTHORIZATION_REQUIRED");
    expect(value(await desk.getToken({ installationId: id }))).toBe("of the bot");
  });
});

describe("a product", () => {
  test("decides where the token is to be used; one grant serves both", async () => {
    const desk = openDesk(domain, [jira()]);
    const grant = { platform: "jira", holder: "person" } as const;
    const [site] = await domain.connect(siteConnection("P1", ["site-1"], tokenSet({ value: "of the site" })), grant);
    const selector = { externalOrgId: "site-1" };
    for (const product of ["jira", "confluence"]) {
      const issued = await desk.getToken({ platform: product, ...selector });
      expect([value(issued), issued.installationId]).toEqual(["of the site", site!.id]);
      expect(issued.apiBaseUrl).toBe(`https://api.example/${product}/site-1`);
    }
    const byId = await desk.getToken({ installationId: site!.id });
    expect(byId.apiBaseUrl).toBe("https://api.example/jira/site-1");
  });

  test("that the grant has no scopes for is not found", async () => {
    const desk = openDesk(domain, [jira()]);
    const only = siteConnection("P2", ["site-2"]);
    const installations = only.installations.map((one) => ({ ...one, products: ["jira"] }));
    await domain.connect({ ...only, installations }, { platform: "jira", holder: "person" });
    const refusal = await refusalOf(desk.getToken({ platform: "confluence", externalOrgId: "site-2" }));
    expect(refusal.reason).toBe("INSTALLATION_NOT_FOUND");
  });

  test("is connected by each person for themselves", async () => {
    const desk = openDesk(domain, [jira()]);
    for (const person of ["P3", "P4"]) {
      const tokens = tokenSet({ value: `access-of-${person}` });
      await domain.connect(siteConnection(person, ["site-3"], tokens), { platform: "jira", holder: "person" });
    }
    const ask = (externalUserId?: string) =>
      desk.getToken({ platform: "jira", externalOrgId: "site-3", externalUserId });
    expect((await refusalOf(ask())).reason).toBe("INSTALLATION_AMBIGUOUS");
    expect(value(await ask("P4"))).toBe("access-of-P4");
  });
});

test("a row that no key opens is TOKEN_UNREADABLE, and others are served", async () => {
  const broken = await workspace({ value: "not-to-be-told" });
  const whole = await workspace();
  await domain.sql`
    update credentials set access_token = (
      select access_token from credentials where subject = ${`${whole.org}:bot`}
    ) where subject = ${`${broken.org}:bot`}`;
  const before = await domain.sql`select * from credentials where subject = ${`${broken.org}:bot`}`;
  const refusal = await refusalOf(broken.desk.getToken({ installationId: broken.id }));
  expect(refusal.reason).toBe("TOKEN_UNREADABLE");
  expect(refusal.message).not.toContain("not-to-be-told");
  expect(await domain.sql`select * from credentials where subject = ${`${broken.org}:bot`}`).toEqual(before);
  expect(value(await whole.desk.getToken({ installationId: whole.id }))).toBe("stored");
  expect(broken.platform.spent).toEqual([]);
});

test("every failure of a refresh has an answer of its own", async () => {
  const reasons: Record<Exclude<RefreshFailure, "gone" | "doubted">, string> = {
    unavailable: "PROVIDER_UNAVAILABLE",
    rate_limited: "PROVIDER_RATE_LIMITED",
    misconfigured: "PROVIDER_MISCONFIGURED",
    suspended: "INSTALLATION_SUSPENDED",
    refused: "INSTALLATION_SUSPENDED",
    dead: "REAUTHORIZATION_REQUIRED",
  };
  for (const [failure, reason] of Object.entries(reasons)) {
    const { platform, desk, id } = await workspace({ ageMs: 61 * minute });
    platform.answer = () =>
      ({
        unavailable: down,
        rate_limited: { kind: "rate_limited", retryAfterMs: undefined } as const,
        misconfigured: { kind: "misconfigured", code: "bad_client_secret" } as const,
        suspended: { kind: "suspended" } as const,
        refused: { kind: "refused", code: "ip_allow_list" } as const,
        dead,
      })[failure as keyof typeof reasons];
    expect((await refusalOf(desk.getToken({ installationId: id }))).reason, failure).toBe(reason);
    // And the same again from what is on record.
    expect((await refusalOf(desk.getToken({ installationId: id }))).reason, failure).toBe(reason);
    expect(platform.spent).toHaveLength(1);
  }
});
