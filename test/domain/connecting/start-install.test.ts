import { afterAll, beforeAll, expect, test } from "vitest";
import { codeChallenge } from "../../../src/domain/connecting/pkce.ts";
import {
  bindingName,
  createStartInstall,
  createStartLeg,
  sha256,
} from "../../../src/domain/connecting/start-install.ts";
import { Secret } from "../../../src/secret.ts";
import { onlyPlatforms, type ScriptedPlatform, scriptedPlatform } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const redirectUri = () => "https://tokens.example/oauth/callback/x";

function starter(...platforms: ScriptedPlatform[]) {
  const { world, storage, tellFlow } = domain;
  const startLeg = createStartLeg({ attempts: storage.attempts, tellFlow, world, redirectUri });
  return createStartInstall(onlyPlatforms(...platforms), startLeg, world);
}

const anyone = { owner: undefined, returnTo: undefined };

test("sends the browser away with a state and a challenge that only this attempt knows", async () => {
  const platform = scriptedPlatform({ usesPkce: () => true });
  const start = starter(platform);
  const attempts = [
    await start({ platform: "slack", ...anyone }),
    await start({ platform: "slack", ...anyone }),
  ] as const;
  const [first, second] = platform.authorizations;
  expect(first?.redirectUri).toBe("https://tokens.example/oauth/callback/x");
  expect(first?.hint).toBeUndefined();
  expect(first?.state).toMatch(/^[\w-]{43}$/);
  expect(first?.codeChallenge).toMatch(/^[\w-]{43}$/);
  expect(second?.state).not.toBe(first?.state);
  expect(second?.codeChallenge).not.toBe(first?.codeChallenge);
  expect(attempts[0].redirectTo.searchParams.get("state")).toBe(first?.state);
  expect(attempts[0].binding.value.reveal()).toMatch(/^[\w-]{43}$/);
  expect(attempts[0].binding.value.reveal()).not.toBe(attempts[1].binding.value.reveal());
});

test("names the cookie by the state, tells nothing of it, and lets it live as long as the attempt", async () => {
  const platform = scriptedPlatform();
  const { binding } = await starter(platform)({ platform: "slack", ...anyone });
  const { state } = platform.authorizations[0]!;
  expect(binding.name).toBe(bindingName(sha256(state)));
  expect(binding.name).toMatch(/^[0-9a-f]{16}$/);
  expect(binding.maxAgeSeconds).toBe(600);
});

test("keeps hashes and the sealed verifier, and neither state, browser nor verifier", async () => {
  const platform = scriptedPlatform({ usesPkce: () => true });
  const before = domain.clock.now().getTime();
  const started = await starter(platform)({ platform: "slack", owner: "acme", returnTo: "https://portal.example/" });
  const { state, codeChallenge: challenge } = platform.authorizations[0]!;
  const [row] = await domain.sql`select * from attempts where state_hash = ${sha256(state)}`;
  expect(row).toMatchObject({
    platform: "slack",
    owner: "acme",
    return_to: "https://portal.example/",
    hint: null,
    consumed_at: null,
    browser_hash: sha256(started.binding.value.reveal()),
  });
  const lifeMs = new Date(row?.expires_at).getTime() - before;
  expect(lifeMs).toBeGreaterThanOrEqual(600_000);
  expect(lifeMs).toBeLessThan(610_000);
  const text = JSON.stringify(row);
  for (const secret of [state, started.binding.value.reveal(), challenge ?? ""]) expect(text).not.toContain(secret);
  const consumed = await domain.storage.attempts.consume(sha256(state), {
    platform: "slack",
    browserHash: sha256(started.binding.value.reveal()),
    now: domain.clock.now(),
  });
  const verifier = consumed.kind === "consumed" ? consumed.attempt.codeVerifier : undefined;
  expect(codeChallenge(verifier ?? new Secret(""))).toBe(challenge);
  expect(text).not.toContain(verifier?.reveal());
});

test("makes no verifier where the platform takes no challenge", async () => {
  const platform = scriptedPlatform();
  await starter(platform)({ platform: "slack", ...anyone });
  const { state, codeChallenge: challenge } = platform.authorizations[0]!;
  const [row] = await domain.sql`select code_verifier from attempts where state_hash = ${sha256(state)}`;
  expect([challenge, row?.code_verifier]).toEqual([undefined, null]);
});

test("starts the platform of a product", async () => {
  const jira = scriptedPlatform({ name: "jira", products: ["jira", "confluence"] });
  await starter(jira)({ platform: "confluence", ...anyone });
  const [row] =
    await domain.sql`select platform from attempts where state_hash = ${sha256(jira.authorizations[0]!.state)}`;
  expect(row?.platform).toBe("jira");
});

test("begins nothing for a platform that is unknown or not configured", async () => {
  const platform = scriptedPlatform();
  const platforms = { ...onlyPlatforms(platform), known: ["slack", "github"] };
  const startLeg = createStartLeg({
    attempts: domain.storage.attempts,
    tellFlow: domain.tellFlow,
    world: domain.world,
    redirectUri,
  });
  const start = createStartInstall(platforms, startLeg, domain.world);
  const [before] = await domain.sql`select count(*) from attempts`;
  await expect(start({ platform: "gitlab", ...anyone })).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
  await expect(start({ platform: "github", ...anyone })).rejects.toMatchObject({ reason: "PLATFORM_NOT_CONFIGURED" });
  expect((await domain.sql`select count(*) from attempts`)[0]).toEqual(before);
  expect(platform.authorizations).toEqual([]);
});
