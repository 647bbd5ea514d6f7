import { beforeEach, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { until } from "../../rig/gate.ts";
import { sentryDelivery } from "../../rig/signed-deliveries.ts";
import { callBack, redirect, walkToCallback } from "./support/flow.ts";
import { complete, makeLink, openLink } from "./support/links.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const lifeMs = 8 * 3_600_000;

const sentry = () => shared.service.sandbox.sentry;
const uninstalls = () => sentry().calls.filter(({ method }) => method === "DELETE").length;
const failing = { reason: "PROVIDER_UNAVAILABLE" };

beforeEach(async () => {
  await shared.sql`delete from webhook_deliveries`;
  Object.assign(sentry().registration, { manualRefresh: true, server: "current", verifyInstall: true });
});

/** The back-off of a failure is over. */
async function asSoonAsPossible(): Promise<void> {
  await shared.sql`update credentials set lease_until = clock_timestamp()`;
}

describe("an install", () => {
  test("is known by the organization's own ids and name, and Sentry hears that it is finished", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("sentry");
    expect(await caller.installation(installation_id)).toMatchObject({
      external_org_id: "4505001",
      external_org_name: "Acme",
      external_install_id: expect.stringMatching(/^[\da-f-]{36}$/),
      scopes: ["event:read", "org:integrations", "org:read"],
      metadata: { organization_slug: "acme" },
    });
    expect(sentry().controls.statusIn("acme")).toBe("installed");
    const token = await caller.token({ external_org_id: "4505001", platform: "sentry" });
    expect(token.api_base_url).toBe(`${sentry().url}/api/0`);
    const life = Number(token.expire_time?.seconds) * 1_000 - service.clock.now().getTime();
    expect(life).toBeGreaterThan(lifeMs - 60_000);
    expect(life).toBeLessThanOrEqual(lifeMs);
  });

  test("is exchanged once, however often the callback comes", async () => {
    const browser = createBrowser();
    const callback = await walkToCallback(shared.service.replicas[0]!, "sentry", browser);
    const before = sentry().controls.tokenCalls;
    const answers = await Promise.all(Array.from({ length: 5 }, () => callBack(browser, callback)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    expect(sentry().controls.tokenCalls - before).toBe(1);
  });

  test("of another organization than its code is of comes to nothing", async () => {
    const { service, caller } = shared;
    const browser = createBrowser();
    const callback = await walkToCallback(service.replicas[0]!, "sentry", browser);
    const other = new URL(sentry().controls.installFromDirectory("globex"));
    callback.searchParams.set("installationId", other.searchParams.get("installationId")!);
    const answer = await callBack(browser, callback);
    expect(answer).toMatchObject({ status: 400, error: { code: "code_rejected" } });
    expect((await caller.list({ platform: "sentry" })).installations).toEqual([]);
  });

  test("that began in Sentry's directory belongs to nobody who is known: refused, and its code is not spent", async () => {
    const before = sentry().controls.tokenCalls;
    const address = new URL(sentry().controls.installFromDirectory("acme"));
    const answer = await callBack(createBrowser(), address);
    expect(answer).toMatchObject({ status: 409, error: { code: "begun_at_platform" } });
    expect(sentry().controls.tokenCalls).toBe(before);
  });

  test("whose integration may read nothing is named by the slug", async () => {
    const { service, caller } = shared;
    const { scopes } = sentry().registration;
    Object.assign(sentry().registration, { scopes: ["event:read"] });
    try {
      const { installation_id } = await service.connect("sentry");
      expect(await caller.installation(installation_id)).toMatchObject({ external_org_name: "acme" });
      const revoked = await caller.revoke(installation_id);
      expect(revoked).toMatchObject({ provider_revocation: "PROVIDER_REVOCATION_UNSUPPORTED" });
    } finally {
      Object.assign(sentry().registration, { scopes });
    }
  });

  const done = () => `${shared.service.replicas[0]!.publicUrl}/done`;
  const finished = async () => {
    const link = await makeLink(shared.caller, { platform: "sentry", owner: "acme", return_to: done() });
    const browser = createBrowser();
    const target = await redirect(browser, await openLink(browser, link));
    return target.searchParams.get("completion_code") ?? "";
  };

  test("is finished at Sentry when its owner has completed it, and not before", async () => {
    const code = await finished();
    expect(sentry().controls.statusIn("acme")).toBe("pending");
    const { installations } = await complete(shared.caller, code, "acme");
    expect(installations).toMatchObject([{ status: "INSTALLATION_STATUS_ACTIVE", owner: "acme" }]);
    expect(sentry().controls.statusIn("acme")).toBe("installed");
  });

  test("that another owner finishes is undone, and the integration stays as it is there", async () => {
    const before = uninstalls();
    const { refusal } = await complete(shared.caller, await finished(), "globex");
    expect(refusal).toMatchObject({ reason: "INVALID_REQUEST" });
    expect(uninstalls()).toBe(before);
    expect(sentry().controls.statusIn("acme")).toBe("pending");
  });
});

describe("a refresh", () => {
  test("needs nothing but the app's own word, and so an answer that was lost costs nothing", async () => {
    const { service, caller } = shared;
    const { controls } = sentry();
    const { installation_id } = await service.connect("sentry");
    service.clock.advance(lifeMs + 1_000);
    const { refreshCalls, deadTokenReuses } = controls;
    const jwtRefreshes = controls.jwtRefreshes();
    controls.fail("lost");
    expect(await caller.refusal({ installation_id })).toMatchObject(failing);
    expect(controls.jwtRefreshes() - jwtRefreshes, "Sentry has committed").toBe(1);
    await asSoonAsPossible();
    const token = await caller.token({ installation_id });
    expect(await isAccepted("sentry", token)).toBe(true);
    expect(controls.jwtRefreshes() - jwtRefreshes).toBe(2);
    expect([controls.refreshCalls, controls.deadTokenReuses]).toEqual([refreshCalls, deadTokenReuses]);
    expect(await caller.installation(installation_id)).toMatchObject({ last_error: "" });
  });

  test("that Sentry's own proxy has sent twice is asked for again", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("sentry");
    service.clock.advance(lifeMs + 1_000);
    const body = { detail: "JWT has already been used" };
    sentry().controls.fail({ status: 401, body, processed: true });
    expect(await caller.refusal({ installation_id })).toMatchObject(failing);
    await asSoonAsPossible();
    expect(await isAccepted("sentry", await caller.token({ installation_id }))).toBe(true);
  });

  test.each(["switched off", "unknown to an older server"])(
    "spends the refresh token where that is %s",
    async (what) => {
      const { service, caller } = shared;
      const { controls, registration } = sentry();
      if (what === "switched off") registration.manualRefresh = false;
      const { installation_id } = await service.connect("sentry");
      if (what !== "switched off") registration.server = "older";
      for (const _ of [1, 2]) {
        service.clock.advance(lifeMs + 1_000);
        const { refreshCalls } = controls;
        expect(await isAccepted("sentry", await caller.token({ installation_id }))).toBe(true);
        expect(controls.refreshCalls - refreshCalls).toBe(1);
      }
    },
  );

  test("of which the answer is lost there ends the grant, unless the app's own word is taken by then", async () => {
    const { service, caller } = shared;
    const { controls, registration } = sentry();
    registration.manualRefresh = false;
    const { installation_id } = await service.connect("sentry");
    const loseOne = async () => {
      service.clock.advance(lifeMs + 1_000);
      controls.fail({ status: 403, body: { detail: "Manual token refresh is not enabled for this organization" } });
      controls.fail("lost");
      expect(await caller.refusal({ installation_id })).toMatchObject(failing);
    };
    await loseOne();
    registration.manualRefresh = true;
    await asSoonAsPossible();
    expect(await isAccepted("sentry", await caller.token({ installation_id }))).toBe(true);

    registration.manualRefresh = false;
    await loseOne();
    await asSoonAsPossible();
    expect(await caller.refusal({ installation_id }), "the other answer may still come").toMatchObject(failing);
    service.clock.advance(60_000);
    await asSoonAsPossible();
    expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
    expect(await caller.installation(installation_id)).toMatchObject({ last_error: "rotation_lost" });
  });

  test("of two replicas at once is one", async () => {
    const { service, callers } = shared;
    const { controls } = sentry();
    const { installation_id } = await service.connect("sentry");
    service.clock.advance(lifeMs + 1_000);
    controls.delayMs = 200;
    const jwtRefreshes = controls.jwtRefreshes();
    const all = Array.from({ length: 40 }, (_, n) => callers[n % 2]!.token({ installation_id }));
    expect(new Set((await Promise.all(all)).map(({ token_id }) => token_id)).size).toBe(1);
    expect(controls.jwtRefreshes() - jwtRefreshes).toBe(1);
  });

  test("that fails does not end a grant because of a sentence that nobody knows", async () => {
    const { service, caller } = shared;
    const { controls } = sentry();
    const { installation_id } = await service.connect("sentry");
    service.clock.advance(lifeMs + 1_000);
    // As if the app's own word had been taken, and told in new words.
    controls.fail({ status: 401, body: { detail: "This assertion was seen before" }, processed: true });
    expect(await caller.refusal({ installation_id })).toMatchObject(failing);
    service.clock.advance(60_000);
    await asSoonAsPossible();
    expect(await isAccepted("sentry", await caller.token({ installation_id }))).toBe(true);
  });
});

describe("the end", () => {
  test.each(["current", "older"] as const)("of an installation is believed at once, on a %s server", async (server) => {
    const { service, caller } = shared;
    const { controls, registration } = sentry();
    const { installation_id } = await service.connect("sentry");
    registration.server = server;
    service.clock.advance(lifeMs + 1_000);
    // Even while an answer that was lost might have spent the token.
    controls.fail("lost");
    expect(await caller.refusal({ installation_id })).toMatchObject(failing);
    controls.uninstall("acme");
    await asSoonAsPossible();
    expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
    expect(await caller.installation(installation_id)).toMatchObject({ last_error: "installation_removed" });
    registration.server = "current";
    const again = await service.connect("sentry");
    expect(again.installation_id, "installed again it goes on").toBe(installation_id);
    expect(await isAccepted("sentry", await caller.token({ installation_id }))).toBe(true);
  });

  test("that a caller wants uninstalls, also when the token has ended long ago", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("sentry");
    service.clock.advance(lifeMs + 1_000);
    const revoked = await caller.revoke(installation_id);
    expect(revoked).toMatchObject({ provider_revocation: "PROVIDER_REVOCATION_REVOKED" });
    expect(sentry().controls.statusIn("acme")).toBeUndefined();
  });

  test("wanted after somebody has uninstalled is one, too", async () => {
    const { service, caller } = shared;
    const { installation_id } = await service.connect("sentry");
    sentry().controls.uninstall("acme");
    const revoked = await caller.revoke(installation_id);
    expect(revoked).toMatchObject({ provider_revocation: "PROVIDER_REVOCATION_REVOKED" });
  });
});

describe("what Sentry tells", () => {
  const told = async (action: string, uuid: string, data: object = {}) => {
    const payload = { action, installation: { uuid }, data, actor: { type: "user", id: 1, name: "jane" } };
    const { headers, body } = sentryDelivery(sentry().registration.clientSecret, "installation", payload);
    const url = `${shared.service.replicas[0]!.publicUrl}/webhooks/sentry`;
    expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
  };
  const done = async () => {
    const rows = await shared.sql`select status from webhook_deliveries where platform = 'sentry'`;
    return rows.length > 0 && rows.every(({ status }) => status === "done");
  };

  test("of a new installation is the code that the browser brings, too: it is spent once, by the browser", async () => {
    const { service, callers } = shared;
    const { controls } = sentry();
    const browser = createBrowser();
    const callback = await walkToCallback(service.replicas[0]!, "sentry", browser);
    const uuid = callback.searchParams.get("installationId") ?? "";
    const code = callback.searchParams.get("code");
    const data = { installation: { uuid, status: "pending", code, organization: { slug: "acme" } } };
    const before = controls.tokenCalls;
    // As often as Sentry repeats it, and beside the browser.
    const [answer] = await Promise.all([
      callBack(browser, callback),
      told("created", uuid, data),
      told("created", uuid, data),
    ]);
    expect(answer).toMatchObject({ status: 200, success: true });
    await until(done, "the work is done");
    expect(controls.tokenCalls - before).toBe(1);
    expect((await callers[1]!.list({ platform: "sentry" })).installations).toMatchObject([
      { status: "INSTALLATION_STATUS_ACTIVE", external_install_id: uuid },
    ]);
    expect(await isAccepted("sentry", await callers[1]!.token({ platform: "sentry" }))).toBe(true);
  });

  test("of an installation that nobody here connected makes none", async () => {
    const address = new URL(sentry().controls.installFromDirectory("acme"));
    const before = sentry().controls.tokenCalls;
    await told("created", address.searchParams.get("installationId") ?? "");
    await until(done, "the work is done");
    expect((await shared.caller.list()).installations).toEqual([]);
    expect(sentry().controls.tokenCalls).toBe(before);
  });

  const other = () => shared.callers[1]!;
  const reason = async (installation_id: string) => (await other().getToken({ installation_id })).refusal?.reason;
  const becomes = (id: string, wanted: string | undefined) =>
    until(async () => (await reason(id)) === wanted, `the other replica says ${wanted ?? "a token"}`, 15_000);

  test("of an end is obeyed by every replica, for good once Sentry confirms it", async () => {
    const { installation_id } = await shared.service.connect("sentry");
    const { external_install_id } = await shared.caller.installation(installation_id);
    await other().token({ installation_id });
    sentry().controls.uninstall("acme");
    await told("deleted", external_install_id);
    await becomes(installation_id, "INSTALLATION_REVOKED");
    expect(await other().installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_REVOKED" });
  });

  test("of an end that Sentry contradicts is undone, and uninstalls nothing", async () => {
    const { installation_id } = await shared.service.connect("sentry");
    const { external_install_id } = await shared.caller.installation(installation_id);
    const before = uninstalls();
    await told("deleted", external_install_id);
    await becomes(installation_id, "INSTALLATION_SUSPENDED");
    await becomes(installation_id, undefined);
    expect(await other().installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });
    expect(uninstalls()).toBe(before);
  });

  test("late of an earlier installation means nothing for the one made since", async () => {
    const first = await shared.service.connect("sentry");
    const { external_install_id: earlier } = await shared.caller.installation(first.installation_id);
    sentry().controls.uninstall("acme");
    const { installation_id } = await shared.service.connect("sentry");
    await told("deleted", earlier);
    await until(done, "the work is done");
    expect(await reason(installation_id)).toBeUndefined();
    expect((await shared.caller.installation(installation_id)).external_install_id).not.toBe(earlier);
  });
});

test("a client secret that was rotated is our trouble and nobody's end; with the new one all goes on", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("sentry");
  const { clientSecret } = sentry().registration;
  const next = sentry().controls.rotateClientSecret();
  service.clock.advance(lifeMs + 1_000);
  expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "PROVIDER_MISCONFIGURED" });
  expect(await caller.installation(installation_id)).toMatchObject({ status: "INSTALLATION_STATUS_ACTIVE" });
  const renewed = await shared.startReplica({ SENTRY_CLIENT_SECRET: `${next},${clientSecret}` });
  const served = async () => (await renewed.getToken({ installation_id })).token !== undefined;
  await until(served, "the new secret is accepted", 10_000);
  sentry().registration.clientSecret = clientSecret;
});
