import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import type { MintOutcome } from "../../../src/domain/model/platform.ts";
import { createRefresher } from "../../../src/domain/refreshing/refresher.ts";
import { createNarrowedTokens } from "../../../src/domain/tokens/narrowed-tokens.ts";
import { createSelectInstallation } from "../../../src/domain/tokens/select-installation.ts";
import { connection, minted, onlyPlatforms, scriptedPlatform } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const noted: AuditEvent[] = [];
beforeEach(() => void noted.splice(0));
const note = (event: AuditEvent) => void noted.push(event);

async function connected(kind: "rotating" | "app_installation", owner?: string) {
  const { storage, world } = domain;
  const platform = scriptedPlatform();
  const tokens = kind === "rotating" ? {} : { tokens: undefined };
  const [made] = await domain.connect(connection({ kind, ...tokens }), { owner });
  const platforms = onlyPlatforms(platform);
  const { credentials, installations } = storage;
  const refresher = createRefresher({ credentials, platforms, world, note });
  const narrowed = createNarrowedTokens({ credentials, refresher, world, maxEntries: 10, note });
  const id = made?.id ?? "";
  const select = createSelectInstallation({ installations, platforms, installUrl: () => undefined });
  const selected = () => select({ installationId: id }, sightOfEverything);
  async function refresh(answer: () => MintOutcome) {
    platform.answer = async () => answer();
    await domain.endBackoffs();
    const { credential } = await selected();
    await refresher.refresh(credential);
    return credential;
  }
  return { id, refresh, selected, narrowed, platform };
}

const suspended = (): MintOutcome => ({ kind: "suspended" });

test("a stored token is on record with its fingerprint, never with itself", async () => {
  const { refresh } = await connected("rotating");
  const { id } = await refresh(() => minted({ value: "new-canary" }));
  expect(noted).toMatchObject([
    { kind: "token.refreshed", caller: "service", method: "refresh", platform: "slack", detail: `credential ${id}` },
  ]);
  expect(noted[0]?.tokenFingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.stringify(noted)).not.toContain("canary");
});

test("a refused grant is on record with its installation, its owner and the code", async () => {
  const { refresh, id } = await connected("rotating", "acme");
  await refresh(() => ({ kind: "rejected", code: "invalid_refresh_token" }));
  const subject = { installationId: id, owner: "acme", platform: "slack" };
  expect(noted).toMatchObject([{ kind: "grant.rejected", ...subject, detail: "invalid_refresh_token", count: 1 }]);
});

test("a suspension and its end are on record once each, however often the platform says so", async () => {
  const { refresh, id } = await connected("app_installation", "acme");
  const subject = { installationId: id, owner: "acme", platform: "slack" };
  await refresh(suspended);
  await refresh(suspended);
  expect(noted).toMatchObject([{ kind: "installation.suspended", ...subject }]);
  noted.splice(0);
  await refresh(() => minted());
  await refresh(() => minted());
  expect(noted.filter(({ kind }) => kind !== "token.refreshed")).toMatchObject([
    { kind: "installation.resumed", ...subject },
  ]);
});

test("what a narrowed mint finds out is on record as well", async () => {
  const { selected, narrowed, platform, id } = await connected("app_installation");
  const readOnly = { repositoryIds: [], repositories: [], permissions: { contents: "read" } };
  platform.answer = async () => suspended();
  await narrowed.get(await selected(), readOnly, undefined, undefined);
  platform.answer = async () => minted();
  await narrowed.get(await selected(), readOnly, undefined, undefined);
  expect(noted).toMatchObject([
    { kind: "installation.suspended", installationId: id },
    { kind: "installation.resumed", installationId: id },
  ]);
});
