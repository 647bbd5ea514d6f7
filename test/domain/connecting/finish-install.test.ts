import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import type { AttemptRepository } from "../../../src/domain/connecting/attempt.ts";
import type { FinishOutcome, FinishRequest, StartedAttempt } from "../../../src/domain/connecting/browser-flow.ts";
import { createFinishInstall } from "../../../src/domain/connecting/finish-install.ts";
import type { LinkFacts } from "../../../src/domain/connecting/install-link.ts";
import { codeChallenge } from "../../../src/domain/connecting/pkce.ts";
import { createRefusedCallbacks } from "../../../src/domain/connecting/refused-callbacks.ts";
import { createStartInstall, createStartLeg } from "../../../src/domain/connecting/start-install.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import type { Connection } from "../../../src/domain/model/connection.ts";
import type { InstallationRepository } from "../../../src/domain/model/installation-repository.ts";
import type { ExchangeOutcome } from "../../../src/domain/model/platform.ts";
import { ServiceError } from "../../../src/errors.ts";
import {
  connection,
  foreverToken,
  onlyPlatforms,
  type ScriptedOptions,
  type ScriptedPlatform,
  scriptedPlatform,
  siteConnection,
  tokenSet,
} from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { openInstalls } from "../open-installs.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const away = () => new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");

const noted: AuditEvent[] = [];

interface FlowOptions extends ScriptedOptions {
  readonly attempts?: Partial<AttemptRepository>;
  readonly installations?: Partial<InstallationRepository>;
  readonly claimPage?: string;
  readonly codeProvesInstall?: boolean;
}

/** A platform that connects a workspace of its own, and the flow that leads through it. */
function flow({ attempts, installations, claimPage, codeProvesInstall, ...options }: FlowOptions = {}) {
  const platform = Object.assign(scriptedPlatform(options), codeProvesInstall && { codeProvesInstall });
  const other = scriptedPlatform({ name: "other" });
  const { world, storage, tellFlow } = domain;
  const platforms = { ...onlyPlatforms(platform, other), known: ["slack", "jira", "confluence", "other", "github"] };
  const redirectUri = (of: { readonly name: string }) => `https://tokens.example/oauth/callback/${of.name}`;
  const parts = { attempts: { ...storage.attempts, ...attempts }, tellFlow, world, redirectUri };
  const startLeg = createStartLeg(parts);
  const start = createStartInstall(platforms, startLeg, world);
  const { keepConnection, linkPolicy, putOnRecord } = openInstalls(domain, platforms, { installations });
  const finish = createFinishInstall({
    ...{ ...parts, platforms, startLeg, keepConnection, linkPolicy, putOnRecord, claimPage },
    refusedCallbacks: createRefusedCallbacks({ note: (event) => noted.push(event), now: world.now }),
  });
  const made = connection();
  platform.answerExchange = () => ({ kind: "connected", connection: made });
  return {
    platform,
    other,
    org: made.installations[0]!.externalOrgId,
    beginWith: (link: LinkFacts) =>
      startLeg({ platform, owner: "acme", returnTo: "https://own.example/x?a=1", hint: undefined, link }),
    begin: (owner?: string, returnTo?: string) => start({ platform: platform.products[0]!, owner, returnTo }),
    finish: (query: Record<string, string>, request: Partial<FinishRequest> = {}) =>
      finish({
        platform: platform.name,
        query: new URLSearchParams(query),
        binding: () => undefined,
        bindings: () => [],
        mayStart: true,
        ...request,
      }),
  };
}

/** The cookies of the browser in which these attempts began. */
function browserOf(...attempts: StartedAttempt[]): FinishRequest["binding"] {
  return (name) => attempts.find(({ binding }) => binding.name === name)?.binding.value.reveal();
}

/** All cookies of that browser. */
function holding(...attempts: StartedAttempt[]): Pick<FinishRequest, "binding" | "bindings"> {
  return { binding: browserOf(...attempts), bindings: () => attempts.map(({ binding }) => binding.value.reveal()) };
}

const stateOf = (attempt: StartedAttempt) => attempt.redirectTo.searchParams.get("state") ?? "";
const failure = (outcome: FinishOutcome) => (outcome.kind === "failed" ? outcome.failure : outcome.kind);

function untouched({ exchanges, spent, revoked }: ScriptedPlatform) {
  expect({ exchanges, spent, revoked }).toEqual({ exchanges: [], spent: [], revoked: [] });
}

async function found(org: string) {
  return domain.storage.installations.list({ externalOrgId: org }, sightOfEverything, undefined, 10);
}

describe("a callback in the browser that began", () => {
  test("ends in an installation of the owner, and leads back", async () => {
    const { platform, org, begin, finish } = flow({ usesPkce: () => true });
    const attempt = await begin("acme", "https://portal.example/back");
    const outcome = await finish({ state: stateOf(attempt), code: "the-code" }, { binding: browserOf(attempt) });
    expect(outcome).toMatchObject({
      kind: "connected",
      installations: [{ externalOrgId: org, owner: "acme", status: "active" }],
      returnTo: "https://portal.example/back",
      bindingName: attempt.binding.name,
    });
    const [exchange] = platform.exchanges;
    expect(exchange?.code.reveal()).toBe("the-code");
    expect(exchange?.redirectUri).toBe("https://tokens.example/oauth/callback/slack");
    expect(exchange?.codeVerifier && codeChallenge(exchange.codeVerifier)).toBe(
      platform.authorizations[0]?.codeChallenge,
    );
    expect(platform.revoked).toEqual([]);
  });

  test("keeps the installation's id when it is connected again", async () => {
    const { org, begin, finish } = flow();
    const ids: string[] = [];
    for (let n = 0; n < 2; n++) {
      const attempt = await begin();
      const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
      if (outcome.kind === "connected") ids.push(outcome.installations[0]!.id);
    }
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    expect(await found(org)).toHaveLength(1);
  });

  test("that comes again and again adds few rows to the record", async () => {
    const { begin, finish } = flow();
    const owner = crypto.randomUUID();
    const attempt = await begin(owner);
    for (let i = 0; i < 20; i++) await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    const rows = await domain.sql`select kind, detail from audit_events where owner = ${owner} order by kind, detail`;
    const replayed = { kind: "install.failed", detail: "state_already_used" };
    expect(rows.map((row) => ({ ...row }))).toEqual([...Array(3).fill(replayed), expect.anything()]);
  });

  test("makes one exchange, however often and at whatever moment it comes", async () => {
    const { platform, org, begin, finish } = flow();
    const gate = createGate();
    const { answerExchange } = platform;
    platform.answerExchange = async (request) => {
      await gate.opened;
      return answerExchange(request);
    };
    const attempt = await begin();
    const comes = () => finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    const many = Array.from({ length: 20 }, comes);
    await until(() => platform.exchanges.length > 0, "an exchange begins");
    gate.open();
    const outcomes = (await Promise.all(many)).map(failure);
    expect(outcomes.filter((outcome) => outcome === "connected")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "state_already_used")).toHaveLength(19);
    expect(platform.exchanges).toHaveLength(1);
    expect(await found(org)).toHaveLength(1);
  });
});

describe("a state that is not accepted makes no call to the platform", () => {
  test("unknown", async () => {
    const { platform, finish } = flow();
    expect(failure(await finish({ state: "made-up", code: "c" }, { binding: () => "any" }))).toBe("state_unknown");
    untouched(platform);
  });

  test("from another browser, and still good in its own", async () => {
    const { platform, begin, finish } = flow();
    const [mine, foreign] = [await begin(), await begin()];
    const query = { state: stateOf(mine), code: "c" };
    expect(failure(await finish(query))).toBe("state_other_browser");
    const stolen: FinishRequest["binding"] = () => foreign.binding.value.reveal();
    expect(failure(await finish(query, { binding: stolen }))).toBe("state_other_browser");
    untouched(platform);
    expect(failure(await finish(query, { binding: browserOf(mine) }))).toBe("connected");
  });

  test("of another platform, and still good at its own", async () => {
    const { platform, other, begin, finish } = flow();
    const attempt = await begin();
    const query = { state: stateOf(attempt), code: "c" };
    const binding = browserOf(attempt);
    expect(failure(await finish(query, { binding, platform: "other" }))).toBe("state_other_platform");
    untouched(other);
    untouched(platform);
    expect(failure(await finish(query, { binding }))).toBe("connected");
  });

  test("too old", async () => {
    const { platform, begin, finish } = flow();
    const attempt = await begin();
    domain.clock.advance(600_001);
    const binding = browserOf(attempt);
    expect(failure(await finish({ state: stateOf(attempt), code: "c" }, { binding }))).toBe("state_expired");
    untouched(platform);
  });

  test("used before, also by a refusal of the person", async () => {
    const { platform, begin, finish } = flow();
    const attempt = await begin();
    const binding = browserOf(attempt);
    expect(failure(await finish({ state: stateOf(attempt), error: "access_denied" }, { binding }))).toBe("denied");
    expect(failure(await finish({ state: stateOf(attempt), code: "c" }, { binding }))).toBe("state_already_used");
    untouched(platform);
  });

  test("missing", async () => {
    const { platform, finish } = flow();
    expect(failure(await finish({ code: "c" }))).toBe("state_missing");
    expect(failure(await finish({ code: "c", state: "" }))).toBe("state_missing");
    untouched(platform);
  });
});

describe("a callback that brings no code", () => {
  test.each([
    ["denied", "denied"],
    ["approval_pending", "approval_pending"],
    ["wrong_issuer", "wrong_issuer"],
    ["malformed", "malformed_callback"],
    ["misconfigured", "provider_misconfigured"],
  ] as const)("(%s) fails as %s, without a call", async (kind, expected) => {
    const { platform, org, begin, finish } = flow();
    platform.callback = () => (kind === "misconfigured" ? { kind, code: "redirect_uri_mismatch" } : { kind });
    const attempt = await begin();
    const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect(outcome).toEqual({ kind: "failed", failure: expected, platform: "slack" });
    untouched(platform);
    expect(await found(org)).toEqual([]);
  });

  test.each(["denied", "approval_pending"] as const)("and no state says %s, if that is what it says", async (kind) => {
    const { platform, finish } = flow();
    platform.callback = () => ({ kind });
    expect(failure(await finish({}))).toBe(kind);
    untouched(platform);
  });

  test("for a platform that is unknown or not configured", async () => {
    const { platform, finish } = flow();
    expect(failure(await finish({ state: "s", code: "c" }, { platform: "github" }))).toBe("platform_not_configured");
    expect(failure(await finish({ state: "s", code: "c" }, { platform: "ghs_0123456789abcdef" }))).toBe(
      "platform_unknown",
    );
    untouched(platform);
    expect(domain.world.lines.filter((line) => line.includes("ghs_0123456789abcdef"))).toEqual([]);
  });
});

describe("a hint", () => {
  test("leads through a second leg of the same attempt, which proves it", async () => {
    const { platform, begin, finish } = flow({ usesPkce: (hint) => hint !== undefined });
    const first = await begin("acme", "https://portal.example/back");
    expect(platform.authorizations[0]?.codeChallenge).toBeUndefined();
    const query = { state: stateOf(first), installation_id: "77" };
    const outcome = await finish(query, { binding: browserOf(first) });
    if (outcome.kind !== "continue") throw new Error(failure(outcome));
    untouched(platform);
    expect(platform.authorizations[1]).toMatchObject({ hint: "77", codeChallenge: expect.any(String) });
    const second = outcome.next;
    const end = await finish({ state: stateOf(second), code: "c" }, { binding: browserOf(second) });
    expect(end).toMatchObject({
      kind: "connected",
      installations: [{ owner: "acme" }],
      returnTo: "https://portal.example/back",
    });
    expect(platform.exchanges[0]).toMatchObject({ hint: "77" });
    expect(platform.exchanges[0]?.codeVerifier).toBeDefined();
    // The first leg's state is spent.
    expect(failure(await finish(query, { binding: browserOf(first, second) }))).toBe("state_already_used");
  });

  test("keeps through its second leg what the link said", async () => {
    const { platform, org, beginWith, finish } = flow();
    const link = {
      ...{ caller: "portal", policyHash: "policy", product: "slack", scopes: ["files:read"] },
      ...{ installationId: undefined, awaitsOwner: true },
    };
    const first = await beginWith(link);
    const outcome = await finish({ state: stateOf(first), installation_id: "77" }, { binding: browserOf(first) });
    if (outcome.kind !== "continue") throw new Error(failure(outcome));
    expect(platform.authorizations.map(({ extraScopes }) => extraScopes)).toEqual([["files:read"], ["files:read"]]);
    const second = outcome.next;
    const end = await finish(
      { state: stateOf(second), code: "c" },
      { binding: browserOf(second), address: "192.0.2.7" },
    );
    if (end.kind !== "pending") throw new Error(failure(end));
    expect(end.continueAt.reveal()).toMatch(/^https:\/\/own\.example\/x\?a=1&completion_code=[\w-]{43}$/);
    expect(await found(org)).toMatchObject([{ status: "pending", owner: "acme" }]);
    const rows = await domain.sql`
      select kind, caller, owner, address, policy_hash, detail from audit_events
      where installation_id = ${end.installations[0]!.id}`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      {
        ...{ kind: "install.finished", caller: "portal", owner: "acme", address: "192.0.2.7" },
        ...{ policy_hash: "policy", detail: "pending" },
      },
    ]);
  });

  test("cannot keep an attempt open by naming one thing after the other", async () => {
    const begun = domain.clock.now().getTime();
    const { platform, begin, finish } = flow({
      attempts: {
        // The database counts the age of an attempt by its own clock, which does not follow the test's.
        async consume(...given) {
          const outcome = await domain.storage.attempts.consume(...given);
          if (outcome.kind === "refused") return outcome;
          return { kind: "consumed", attempt: { ...outcome.attempt, ageMs: domain.clock.now().getTime() - begun } };
        },
      },
    });
    let leg = await begin("acme");
    const ends: string[] = [];
    for (let minutes = 9; minutes <= 36; minutes += 9) {
      domain.clock.advance(540_000);
      const outcome = await finish({ state: stateOf(leg), installation_id: "77" }, { binding: browserOf(leg) });
      ends.push(outcome.kind === "continue" ? "continue" : failure(outcome));
      if (outcome.kind === "continue") leg = outcome.next;
    }
    expect(ends).toEqual(["continue", "continue", "state_expired", "state_expired"]);
    untouched(platform);
  });

  test("without a state begins a flow of this browser's own, for no owner", async () => {
    const { platform, finish } = flow();
    const outcome = await finish({ installation_id: "78", code: "somebody-elses" });
    if (outcome.kind !== "continue") throw new Error(failure(outcome));
    expect(platform.authorizations).toMatchObject([{ hint: "78" }]);
    untouched(platform);
    const end = await finish({ state: stateOf(outcome.next), code: "own" }, { binding: browserOf(outcome.next) });
    expect(end).toMatchObject({ kind: "connected", installations: [{ owner: undefined }], returnTo: undefined });
    expect(platform.exchanges.map(({ code, hint }) => [code.reveal(), hint])).toEqual([["own", "78"]]);
  });

  test("without a state begins nothing where nobody may start", async () => {
    const { platform, finish } = flow();
    expect(failure(await finish({ installation_id: "79" }, { mayStart: false }))).toBe("state_missing");
    expect(platform.authorizations).toEqual([]);
    untouched(platform);
  });
});

describe("what began at the platform", () => {
  const claimPage = "https://product.example/connect?tab=1";
  const nobody = { mayStart: false };
  const landed = (outcome: FinishOutcome) => {
    if (outcome.kind !== "pending") throw new Error(failure(outcome));
    return new URL(outcome.continueAt.reveal());
  };

  test("is proven by a flow of this browser's own, and waits for who claims it on the product's page", async () => {
    const { org, platform, finish } = flow({ claimPage });
    const outcome = await finish({ installation_id: "78", code: "somebody-elses" }, nobody);
    if (outcome.kind !== "continue") throw new Error(failure(outcome));
    untouched(platform);
    const cookies = { binding: browserOf(outcome.next), ...nobody };
    const end = landed(await finish({ state: stateOf(outcome.next), code: "own" }, cookies));
    expect(end.origin + end.pathname).toBe("https://product.example/connect");
    expect([...end.searchParams.keys()]).toEqual(["tab", "completion_code", "unbegun"]);
    expect(end.searchParams.get("unbegun")).toBe("slack");
    expect(platform.exchanges.map(({ code, hint }) => [code.reveal(), hint])).toEqual([["own", "78"]]);
    expect(await found(org)).toMatchObject([{ status: "pending", owner: undefined }]);
  });

  test("and is proven by its code needs no further page, and fills the record no further than refused states", async () => {
    const { org, platform, finish } = flow({ claimPage, codeProvesInstall: true });
    const callback = { installation_id: "78", code: "c" };
    expect(landed(await finish(callback, nobody)).searchParams.get("unbegun")).toBe("slack");
    expect(await found(org)).toMatchObject([{ status: "pending", owner: undefined }]);
    platform.answerExchange = () => ({ kind: "code_rejected", code: "invalid_code" });
    const rows = async () => (await domain.sql`select 1 from audit_events where detail = 'code_rejected'`).length;
    const before = await rows();
    for (let i = 0; i < 10; i++) expect(failure(await finish(callback, nobody))).toBe("code_rejected");
    expect((await rows()) - before).toBe(3);
  });

  test("is kept apart also where its organization was connected before, by whomever", async () => {
    const { org, begin, finish } = flow({ claimPage, codeProvesInstall: true });
    const attempt = await begin("acme");
    await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    landed(await finish({ installation_id: "78", code: "c" }, nobody));
    const statuses = (await found(org)).map(({ status, owner }) => [status, owner]);
    expect(statuses).toEqual([
      ["pending", undefined],
      ["active", "acme"],
    ]);
  });

  test("has nowhere to go without such a page", async () => {
    const { platform, finish } = flow({ codeProvesInstall: true });
    expect(failure(await finish({ installation_id: "78", code: "c" }, nobody))).toBe("begun_at_platform");
    untouched(platform);
  });
});

describe("saved settings without a state", () => {
  const saved = { installation_id: "80", code: "somebody-elses" };

  function saving(options: FlowOptions = {}) {
    const stage = flow({ usesPkce: (hint) => hint !== undefined, ...options });
    const { callback } = stage.platform;
    for (const one of [stage.platform, stage.other]) {
      one.callback = (query, hint) =>
        query.has("state") ? callback(query, hint) : { kind: "settings_saved", hint: "80" };
    }
    return stage;
  }

  test.each([true, false])(
    "go on with the one open attempt of this browser through a leg of its own (anyone may start: %s)",
    async (mayStart) => {
      const { platform, begin, finish } = saving();
      const attempt = await begin("acme", "https://portal.example/back");
      const outcome = await finish(saved, { ...holding(attempt), mayStart });
      if (outcome.kind !== "continue") throw new Error(failure(outcome));
      untouched(platform);
      expect(platform.authorizations[1]).toMatchObject({ hint: "80", codeChallenge: expect.any(String) });
      expect(failure(await finish({ state: stateOf(attempt), code: "c" }, holding(attempt)))).toBe(
        "state_already_used",
      );
      const end = await finish({ state: stateOf(outcome.next), code: "own" }, holding(outcome.next));
      expect(end).toMatchObject({
        kind: "connected",
        installations: [{ owner: "acme" }],
        returnTo: "https://portal.example/back",
      });
      expect(platform.exchanges.map(({ code, hint }) => [code.reveal(), hint])).toEqual([["own", "80"]]);
    },
  );

  test("keep what the link said", async () => {
    const { platform, beginWith, finish } = saving();
    const link = {
      ...{ caller: "portal", policyHash: "policy", product: "slack", scopes: ["files:read"] },
      ...{ installationId: undefined, awaitsOwner: true },
    };
    const first = await beginWith(link);
    const outcome = await finish(saved, { ...holding(first), mayStart: false });
    if (outcome.kind !== "continue") throw new Error(failure(outcome));
    expect(platform.authorizations.map(({ extraScopes }) => extraScopes)).toEqual([["files:read"], ["files:read"]]);
    expect((await finish({ state: stateOf(outcome.next), code: "c" }, holding(outcome.next))).kind).toBe("pending");
  });

  test("go on with the latest of several attempts that are for the same", async () => {
    const { begin, finish } = saving();
    const first = await begin("acme");
    domain.clock.advance(1_000);
    const second = await begin("acme");
    const outcome = await finish(saved, holding(first, second));
    expect(failure(outcome)).toBe("continue");
    expect(failure(await finish({ state: stateOf(second), code: "c" }, holding(second)))).toBe("state_already_used");
    expect(failure(await finish({ state: stateOf(first), code: "c" }, holding(first)))).toBe("connected");
  });

  const facts = { ...{ caller: "portal", policyHash: "p", scopes: [], installationId: undefined }, awaitsOwner: true };
  test.each<[string, (stage: ReturnType<typeof saving>) => Promise<StartedAttempt>]>([
    ["owners", ({ begin }) => begin("umbrella", "https://own.example/x?a=1")],
    ["ways back", ({ begin }) => begin("acme")],
    ["links", ({ beginWith }) => beginWith({ ...facts, product: "slack" })],
    ["links' promises", ({ beginWith }) => beginWith({ ...facts, product: "slack", awaitsOwner: false })],
  ])("choose between no two attempts of different %s, and spend none", async (what, other) => {
    const stage = saving();
    const mine = await (what === "links' promises"
      ? stage.beginWith({ ...facts, product: "slack" })
      : stage.begin("acme", "https://own.example/x?a=1"));
    const attempts = [mine, await other(stage)];
    expect(failure(await stage.finish(saved, holding(...attempts)))).toBe("state_missing");
    expect(stage.platform.authorizations).toHaveLength(2);
    untouched(stage.platform);
    for (const attempt of attempts) {
      const end = await stage.finish({ state: stateOf(attempt), error: "access_denied" }, holding(attempt));
      expect(failure(end)).toBe("denied");
    }
  });

  test("are of no attempt that ended, was used, is another platform's or another browser's", async () => {
    const { platform, begin, finish } = saving();
    const old = await begin("acme");
    domain.clock.advance(600_001);
    const used = await begin("acme");
    await finish({ state: stateOf(used), error: "access_denied" }, holding(used));
    const others = await begin("acme");
    const request = { ...holding(old, used), mayStart: false };
    expect(failure(await finish(saved, request))).toBe("state_missing");
    expect(failure(await finish(saved, { ...holding(others), platform: "other", mayStart: false }))).toBe(
      "state_missing",
    );
    // A value is good under the name of its own attempt alone.
    const misnamed = { binding: browserOf(old), bindings: holding(others).bindings, mayStart: false };
    expect(failure(await finish(saved, misnamed))).toBe("state_other_browser");
    untouched(platform);
    expect(failure(await finish({ state: stateOf(others), code: "c" }, holding(others)))).toBe("connected");
  });

  test("begin a flow of this browser's own where none is open and anyone may start", async () => {
    const { platform, finish } = saving();
    expect(failure(await finish(saved))).toBe("continue");
    expect(platform.authorizations).toMatchObject([{ hint: "80" }]);
  });

  test("go on once, however many come at once", async () => {
    const { platform, begin, finish } = saving();
    const attempt = await begin("acme");
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => finish(saved, { ...holding(attempt), mayStart: false })),
    );
    expect(outcomes.filter(({ kind }) => kind === "continue")).toHaveLength(1);
    expect(platform.authorizations).toHaveLength(2);
  });
});

describe("an exchange that connects nothing", () => {
  const outcomes: readonly (readonly [string, ExchangeOutcome])[] = [
    ["code_rejected", { kind: "code_rejected", code: "bad_verification_code" }],
    ["installation_not_yours", { kind: "not_yours" }],
    ["installation_not_administered", { kind: "not_administered" }],
    ["unverified_email", { kind: "person_must_act", code: "unverified_email" }],
    ["no_sites", { kind: "person_must_act", code: "no_sites" }],
    ["installation_missing", { kind: "person_must_act", code: "installation_missing" }],
    ["provider_misconfigured", { kind: "misconfigured", code: "incorrect_client_credentials" }],
    ["provider_rate_limited", { kind: "rate_limited", retryAfterMs: undefined }],
    ["provider_unavailable", { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: true, cause: "x" }],
  ];

  test.each(outcomes)("fails as %s, is not tried again, and spends the state", async (expected, answer) => {
    const { platform, org, begin, finish } = flow();
    platform.answerExchange = () => answer;
    const attempt = await begin();
    const comes = () => finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect(failure(await comes())).toBe(expected);
    expect(failure(await comes())).toBe("state_already_used");
    expect(platform.exchanges).toHaveLength(1);
    expect(await found(org)).toEqual([]);
  });
});

describe("an organization that belongs to another owner", () => {
  async function takenBy(owner: string, connected: Connection, options: ScriptedOptions = {}) {
    const org = connected.installations[0]!.externalOrgId;
    await domain.connect(connection({ org }), { owner });
    const stage = flow(options);
    stage.platform.answerExchange = () => ({ kind: "connected", connection: connected });
    const attempt = await stage.begin("newcomer");
    const outcome = await stage.finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    return { ...stage, outcome, kept: await found(org) };
  }

  test("stays there, and the new rotating tokens end at the platform", async () => {
    const tokens = tokenSet({ value: "new-of-the-bot" });
    const { platform, outcome, kept } = await takenBy("first", connection({ tokens, people: ["U1"] }));
    expect(failure(outcome)).toBe("installation_taken");
    expect(kept).toMatchObject([{ owner: "first", status: "active" }]);
    expect(platform.revoked).toEqual(["new-of-the-bot", "access-of-U1"]);
  });

  test("keeps its long-lived token, which is the same for whoever asks", async () => {
    const tokens = foreverToken("the-one-and-only");
    const { platform, outcome } = await takenBy("first", connection({ kind: "long_lived", tokens }));
    expect([failure(outcome), platform.revoked]).toEqual(["installation_taken", []]);
  });

  test("keeps its app: nothing is uninstalled", async () => {
    for (const tokens of [undefined, tokenSet()]) {
      const { platform, outcome } = await takenBy("first", connection({ kind: "app_installation", tokens }));
      expect([failure(outcome), platform.revoked]).toEqual(["installation_taken", []]);
    }
  });

  test("is told the same when the platform does not take the new token back", async () => {
    const org = connection();
    await domain.connect(connection({ org: org.installations[0]!.externalOrgId }), { owner: "first" });
    const { platform, begin, finish } = flow();
    platform.answerExchange = () => ({ kind: "connected", connection: org });
    platform.revokeAnswer = { kind: "failed", cause: "http_503" };
    const attempt = await begin("newcomer");
    const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect(failure(outcome)).toBe("installation_taken");
    expect(platform.revoked).toHaveLength(1);
  });

  test("does not keep a person from connecting there for themselves", async () => {
    const options = { name: "jira", products: ["jira", "confluence"], holder: "person", actors: ["user"] } as const;
    const grant = siteConnection("P1", ["shared-site"]);
    await domain.connect(grant, { platform: "jira", holder: "person", owner: "first" });
    const { platform, begin, finish } = flow(options);
    platform.answerExchange = () => ({ kind: "connected", connection: siteConnection("P1", ["shared-site"]) });
    const attempt = await begin("newcomer");
    const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect(failure(outcome)).toBe("connected");
    expect(await found("shared-site")).toHaveLength(2);
  });
});

describe("a database that is away", () => {
  test("when the state is looked up: nothing is exchanged, and the person can come again", async () => {
    const { platform, begin, finish } = flow({ attempts: { consume: () => Promise.reject(away()) } });
    const attempt = await begin();
    const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect(failure(outcome)).toBe("service_unavailable");
    untouched(platform);
  });

  test("after the exchange is waited for, since the code is spent", async () => {
    let failures = 3;
    const { connect } = domain.storage.installations;
    const { platform, begin, finish } = flow({
      installations: { connect: (...args) => (failures-- > 0 ? Promise.reject(away()) : connect(...args)) },
    });
    const attempt = await begin();
    const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect([failure(outcome), failures]).toEqual(["connected", -1]);
    expect([platform.exchanges.length, platform.revoked]).toEqual([1, []]);
  });

  test("for good is told, and what cannot be kept ends at the platform", async () => {
    const { platform, begin, finish } = flow({ installations: { connect: () => Promise.reject(away()) } });
    const tokens = tokenSet({ value: "nobody-can-keep-it" });
    platform.answerExchange = () => ({ kind: "connected", connection: connection({ tokens }) });
    const attempt = await begin();
    const outcome = await finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    expect(failure(outcome)).toBe("service_unavailable");
    expect([platform.exchanges.length, platform.revoked]).toEqual([1, ["nobody-can-keep-it"]]);
  });

  test("is not waited for when the failure is a bug: that one is thrown, once what was obtained has ended", async () => {
    const bug = new TypeError("a bug");
    const { platform, begin, finish } = flow({ installations: { connect: () => Promise.reject(bug) } });
    const attempt = await begin();
    const outcome = finish({ state: stateOf(attempt), code: "c" }, { binding: browserOf(attempt) });
    await expect(outcome).rejects.toBe(bug);
    expect(platform.revoked).toHaveLength(1);
  });
});

test("nothing of a flow is logged but what it was and how it ended", async () => {
  const { platform, begin, finish } = flow({ usesPkce: () => true });
  domain.world.lines.length = 0;
  const attempt = await begin("acme", "https://portal.example/back?session=1");
  await finish({ state: stateOf(attempt), code: "the-code" }, { binding: browserOf(attempt) });
  const lines = domain.world.lines.map((line) => JSON.parse(line));
  expect(lines).toEqual([
    { level: "info", event: "install.started", platform: "slack" },
    { level: "info", event: "install.finished", platform: "slack", installations: [expect.any(String)] },
  ]);
  expect(platform.exchanges).toHaveLength(1);
});
