import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import { anonymous, createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import type { FinishOutcome } from "../../../src/domain/connecting/browser-flow.ts";
import { createCreateInstallLink } from "../../../src/domain/connecting/create-install-link.ts";
import { createFinishInstall } from "../../../src/domain/connecting/finish-install.ts";
import { createLinkPolicy } from "../../../src/domain/connecting/link-policy.ts";
import { createRefusedCallbacks } from "../../../src/domain/connecting/refused-callbacks.ts";
import { createStartFromLink } from "../../../src/domain/connecting/start-from-link.ts";
import { createStartLeg } from "../../../src/domain/connecting/start-install.ts";
import type { InstallationRepository } from "../../../src/domain/model/installation-repository.ts";
import { ServiceError } from "../../../src/errors.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import { connection, onlyPlatforms, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { openInstalls } from "../open-installs.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const portalOrigin = "https://portal.example";
const generous: Rule = {
  ...{ methods: new Set(["CreateInstallLink"]), products: new Set(["slack"]), owners: new Set(["acme"]) },
  ...{ ceilings: new Map(), rate: undefined, returnOrigins: new Set([portalOrigin]), completeInCallback: true },
};
/** The rules of the caller file; undefined: it names no portal. */
let now: readonly Rule[] | undefined;
beforeEach(() => {
  now = [generous];
});

function openPortal(installations: Partial<InstallationRepository> = {}) {
  const { world, storage, tellFlow } = domain;
  const platform = scriptedPlatform();
  const platforms = onlyPlatforms(platform);
  const made = connection({ tokens: tokenSet({ value: "obtained" }) });
  platform.answerExchange = () => ({ kind: "connected", connection: made });
  const callerNow = (name: string) =>
    now === undefined || name !== "portal" ? undefined : createCaller("portal", now, "hash");
  const linkPolicy = createLinkPolicy(callerNow, new Set(["https://own.example"]));
  const installs = openInstalls(domain, platforms, { linkPolicy, installations });
  const { putOnRecord } = installs;
  const redirectUri = () => "https://tokens.example/oauth/callback/slack";
  const startLeg = createStartLeg({ attempts: storage.attempts, tellFlow, world, redirectUri });
  const createLink = createCreateInstallLink({
    ...{ links: storage.links, installations: storage.installations, platforms, putOnRecord, world },
    ...{ returnOrigins: new Set(["https://own.example"]), installPage: () => new URL("https://tokens.example/i") },
  });
  const start = createStartFromLink({ links: storage.links, platforms, linkPolicy, startLeg, world });
  const finish = createFinishInstall({
    ...{ attempts: storage.attempts, platforms, startLeg, tellFlow, redirectUri, putOnRecord, linkPolicy, world },
    keepConnection: installs.keepConnection,
    refusedCallbacks: createRefusedCallbacks({ note: () => undefined, now: world.now }),
  });

  return {
    platform,
    org: made.installations[0]!.externalOrgId,
    complete: (code: string) =>
      installs.completeInstall(new Secret(code), "acme", call({ method: "CompleteInstall", as: anonymous })),
    async link(completeInCallback: boolean, returnTo = `${portalOrigin}/done`, confirmPage = false) {
      const request = { platform: "slack", owner: "acme", returnTo, ttlMs: undefined, scopes: [] };
      const { url } = await createLink(
        { ...request, installationId: undefined, completeInCallback, confirmPage },
        call({ method: "CreateInstallLink", as: createCaller("portal", [generous], "hash") }),
      );
      return new Secret(new URL(url.reveal()).searchParams.get("link") ?? "");
    },
    start: (link: Secret, confirmed = false) => start({ platform: "slack", link, confirmed }),
    async begin(link: Secret) {
      const started = await start({ platform: "slack", link, confirmed: false });
      if (started.kind !== "started") throw new Error(started.kind);
      const { binding, redirectTo } = started.attempt;
      const query = new URLSearchParams({ code: "c", state: redirectTo.searchParams.get("state") ?? "" });
      return () =>
        finish({
          platform: "slack",
          query,
          binding: (name) => (name === binding.name ? binding.value.reveal() : undefined),
          bindings: () => [],
          mayStart: false,
        });
    },
  };
}

const ended = (outcome: FinishOutcome) => (outcome.kind === "failed" ? outcome.failure : outcome.kind);
const statuses = async (org: string) =>
  (await domain.storage.installations.list({ externalOrgId: org }, sightOfEverything, undefined, 9)).map(
    ({ status }) => status,
  );

/** What may have become of the caller file since the link was made. */
const changes: readonly (readonly [string, readonly Rule[] | undefined, string])[] = [
  ["its caller is gone", undefined, "link_withdrawn"],
  ["its caller makes no links any more", [{ ...generous, methods: new Set(["GetToken"]) }], "link_withdrawn"],
  ["its caller lost the owner", [{ ...generous, owners: new Set(["globex"]) }], "link_withdrawn"],
  ["its caller lost the platform", [{ ...generous, products: new Set(["jira"]) }], "link_withdrawn"],
  ["its way back is not allowed", [{ ...generous, returnOrigins: new Set() }], "return_to_not_allowed"],
];
const vouching: typeof changes = [
  ...changes,
  ["its caller vouches for nobody any more", [{ ...generous, completeInCallback: false }], "link_withdrawn"],
];

describe.each([
  ["a link", false, changes],
  ["a link that completes in the callback", true, vouching],
] as const)("%s", (_, completeInCallback, all) => {
  test.each(all)("begins nothing when %s", async (__, rules, failure) => {
    const { link, start } = openPortal();
    const made = await link(completeInCallback);
    now = rules;
    expect(await start(made)).toMatchObject({ kind: "refused", failure });
  });

  test.each(all)(
    "connects nothing when %s before the callback, and its code is sent nowhere",
    async (__, rules, failure) => {
      const { platform, org, link, begin } = openPortal();
      const callback = await begin(await link(completeInCallback));
      now = rules;
      expect(ended(await callback())).toBe(failure);
      expect([platform.exchanges, await statuses(org)]).toEqual([[], []]);
    },
  );

  test.each(all)("keeps nothing when %s during the exchange", async (__, rules, failure) => {
    const { platform, org, link, begin } = openPortal();
    const callback = await begin(await link(completeInCallback));
    const { answerExchange } = platform;
    platform.answerExchange = (request) => {
      now = rules;
      return answerExchange(request);
    };
    expect(ended(await callback())).toBe(failure);
    expect([platform.revoked, await statuses(org)]).toEqual([["obtained"], []]);
  });

  test("connects while nothing has changed", async () => {
    const { org, link, begin } = openPortal();
    const callback = await begin(await link(completeInCallback));
    expect(ended(await callback())).toBe(completeInCallback ? "connected" : "pending");
    expect(await statuses(org)).toEqual([completeInCallback ? "active" : "pending"]);
  });
});

test.each(vouching)("a link keeps nothing when %s while the database is waited for", async (_, rules, failure) => {
  const { platform, org, link, begin } = openPortal({
    async connect(...given) {
      if (now !== rules) {
        now = rules;
        throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
      }
      return domain.storage.installations.connect(...given);
    },
  });
  const callback = await begin(await link(true));
  expect(ended(await callback())).toBe(failure);
  expect([platform.revoked, await statuses(org)]).toEqual([["obtained"], []]);
});

test("a link that wants to be confirmed says who asks, is not spent by that, and names nobody once withdrawn", async () => {
  const { link, start } = openPortal();
  const made = await link(false, undefined, true);
  const unconfirmed = { kind: "unconfirmed", caller: "portal", owner: "acme", returnTo: `${portalOrigin}/done` };
  for (const _ of ["once", "again"]) expect(await start(made)).toEqual(unconfirmed);
  expect(await start(made, true)).toMatchObject({ kind: "started" });
  expect(await start(made)).toMatchObject({ kind: "refused", failure: "link_already_used" });
  const other = await link(false, undefined, true);
  now = undefined;
  expect(await start(other)).toMatchObject({ kind: "refused", failure: "link_withdrawn" });
});

test("an origin of the service is a way back whatever the caller's rules say", async () => {
  const { link, begin } = openPortal();
  const callback = await begin(await link(false, "https://own.example/x"));
  now = [{ ...generous, returnOrigins: new Set() }];
  expect(ended(await callback())).toBe("pending");
});

test.each(changes.filter(([, , failure]) => failure === "link_withdrawn"))(
  "a completion code is worth nothing when %s, and what was obtained is undone",
  async (_, rules) => {
    const { platform, org, link, begin, complete } = openPortal();
    const outcome = await (await begin(await link(false)))();
    if (outcome.kind !== "pending") throw new Error(ended(outcome));
    const code = new URL(outcome.continueAt.reveal()).searchParams.get("completion_code") ?? "";
    now = rules;
    await expect(complete(code)).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
    expect([platform.revoked, await statuses(org)]).toEqual([["obtained"], []]);
    const [row] = await domain.sql`
      select kind, detail, owner from audit_events where kind = 'install.failed' order by at desc limit 1`;
    expect({ ...row }).toEqual({ kind: "install.failed", detail: "link_withdrawn", owner: "acme" });
    now = [generous];
    await expect(complete(code)).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
  },
);
