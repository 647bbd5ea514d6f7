import { createHash, randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import { createCreateInstallLink } from "../../../src/domain/connecting/create-install-link.ts";
import { returnOrigins } from "../../../src/domain/connecting/return-to.ts";
import { createMoveInstallation } from "../../../src/domain/installations/move-installation.ts";
import { createOffboardOwner } from "../../../src/domain/installations/offboard-owner.ts";
import { createDeadGrants } from "../../../src/domain/refreshing/confirm-deaths.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import { connection, onlyPlatforms, scriptedPlatform } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { openInstalls } from "../open-installs.ts";

/** What is done by this caller cannot be put on record. */
const who = "nobody-writes-of-me";
const doer = { caller: who, method: "test" };

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(() =>
  domain.sql.unsafe(`alter table audit_events add constraint broken check (caller <> '${who}') not valid`),
);
afterEach(() => domain.sql`alter table audit_events drop constraint if exists broken`);

const refused = { reason: "SERVICE_UNAVAILABLE", message: expect.stringContaining("on record") };

function desk() {
  const platform = scriptedPlatform();
  const platforms = onlyPlatforms(platform);
  const { storage, world } = domain;
  return { platform, platforms, ...storage, ...{ world, now: world.now }, ...openInstalls(domain, platforms) };
}

const statusOf = async (id: string) => (await domain.storage.installations.find(id))?.status;

async function pending(owner: string) {
  const code = new Secret(randomBytes(32).toString("base64url"));
  const [kept] = await domain.storage.pendingInstalls.keep(
    connection(),
    { platform: "slack", holder: "organization", owner, now: domain.clock.now() },
    {
      codeHash: createHash("sha256").update(code.reveal()).digest("hex"),
      expiresAt: new Date(domain.clock.now().getTime() + 300_000),
      link: {
        ...{ caller: who, policyHash: undefined, product: "slack", scopes: [] },
        ...{ installationId: undefined, awaitsOwner: true },
      },
    },
  );
  return { code, id: kept!.id };
}

const link = { returnTo: "https://portal.example/done", ttlMs: undefined, scopes: [], completeInCallback: false };

test("no link is made whose row is refused", async () => {
  const { links, installations, platforms, world } = desk();
  const create = createCreateInstallLink({
    ...{ links, installations, platforms, world },
    returnOrigins: returnOrigins(["https://portal.example"]),
    installPage: (product) => new URL(`https://tokens.example/oauth/install/${product}`),
  });
  const request = { platform: "slack", owner: "unlinked", ...link, installationId: undefined };
  await expect(create(request, call({ caller: who, method: "CreateInstallLink" }))).rejects.toMatchObject(refused);
  expect(await domain.sql`select 1 from install_links where owner = 'unlinked'`).toEqual([]);
});

test("nothing is connected while its row is refused, and the callback waits for it", async () => {
  const { keepConnection, platform } = desk();
  const made = connection();
  const externalOrgId = made.installations[0]!.externalOrgId;
  const { sql, storage, world } = domain;
  const list = () => storage.installations.list({ externalOrgId }, sightOfEverything, undefined, 10);
  const attempt = {
    ...{ id: crypto.randomUUID(), platform: "slack", owner: "acme", returnTo: undefined, codeVerifier: undefined },
    ...{ hint: undefined, expiresAt: new Date(world.now().getTime() + 60_000), ageMs: 0 },
  };
  const row = { kind: "install.finished" as const, at: world.now(), ...doer, count: 1 };
  const kept = keepConnection(platform, attempt, made, () => [row]);
  await until(() => world.lines.some((line) => line.includes("install.store_retried")), "it was refused once");
  expect(await list()).toEqual([]);
  await sql`alter table audit_events drop constraint broken`;
  expect(await kept).toMatchObject({ kind: "connected" });
  expect(await list()).toHaveLength(1);
  expect(await sql`select count from audit_events where caller = ${who} and kind = ${row.kind}`).toEqual([
    { count: 1 },
  ]);
});

test("nothing is completed whose row is refused, and its code stays good", async () => {
  const { code, id } = await pending("acme");
  const complete = () => desk().completeInstall(code, "acme", call({ caller: who, method: "CompleteInstall" }));
  await expect(complete()).rejects.toMatchObject(refused);
  expect(await statusOf(id)).toBe("pending");
  await domain.sql`alter table audit_events drop constraint broken`;
  expect(await complete()).toMatchObject([{ id, status: "active" }]);
});

test("the platform is asked to end nothing whose row is refused", async () => {
  const { id } = await pending("acme");
  const { revoker, platform } = desk();
  await expect(revoker.end(id, "over", doer)).rejects.toMatchObject(refused);
  expect(platform.revoked).toEqual([]);
});

test("no owner is offboarded without a row of the beginning", async () => {
  const { installations, links, revoker, audit, now, platform } = desk();
  const [made] = await domain.connect(connection(), { owner: "leaving" });
  const { offboard } = createOffboardOwner({ installations, links, revoker, audit, now });
  await expect(offboard("leaving", "over", doer, () => undefined)).rejects.toMatchObject(refused);
  expect([await statusOf(made!.id), platform.revoked]).toEqual(["active", []]);
});

test("nothing is moved whose row is refused", async () => {
  const { installations, platforms, now } = desk();
  const [made] = await domain.connect(connection(), { owner: "acme" });
  const move = createMoveInstallation({ installations, platforms, now });
  await expect(move(made!.id, "globex", doer)).rejects.toMatchObject(refused);
  expect((await installations.find(made!.id))?.owner).toBe("acme");
});

test("no death is confirmed whose row is refused", async () => {
  const { credentials, installations, platforms, now } = desk();
  const [made] = await domain.connect(connection());
  const [selected] = await installations.select({ installationId: made!.id }, sightOfEverything, 2);
  const { id, version } = selected!.credential!;
  const lease = await credentials.acquire(id, version, "attempt", 30_000);
  await credentials.release(lease!, { error: "doubted:gone", backoffMs: 0, unclear: false, doubted: true });
  const { confirm } = createDeadGrants({ credentials, platforms, now });
  await expect(confirm("slack", doer)).rejects.toMatchObject(refused);
  expect(await statusOf(made!.id)).toBe("active");
  await domain.sql`alter table audit_events drop constraint broken`;
  expect(await confirm("slack", doer)).toMatchObject([{ id: made!.id }]);
  expect(await statusOf(made!.id)).toBe("reauthorization_required");
});
