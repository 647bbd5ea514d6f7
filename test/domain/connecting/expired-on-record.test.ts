import { afterAll, beforeAll, expect, test } from "vitest";
import { silentTelemetry } from "../../../src/domain/model/telemetry.ts";
import { createRefresher } from "../../../src/domain/refreshing/refresher.ts";
import { createGetToken } from "../../../src/domain/tokens/get-token.ts";
import { createGrantedPermissions } from "../../../src/domain/tokens/granted-permissions.ts";
import { createNarrowedTokens } from "../../../src/domain/tokens/narrowed-tokens.ts";
import { createSelectInstallation } from "../../../src/domain/tokens/select-installation.ts";
import { call } from "../../support/call.ts";
import { connection, minted, onlyPlatforms, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

/** A GetToken whose database takes three seconds for every hand-out, and what it put on record. */
async function slowToRecord(lifeMs: number) {
  const { clock, world, storage } = domain;
  const { credentials, installations } = storage;
  const platform = scriptedPlatform();
  const tokens = tokenSet({ value: "ends soon", now: clock.now(), ageMs: 30 * 60_000, lifeMs: 30 * 60_000 + 2_000 });
  const [installation] = await domain.connect(connection({ tokens }));
  platform.answer = () => minted({ value: "fresh", now: clock.now(), lifeMs });
  const platforms = onlyPlatforms(platform);
  const refresher = createRefresher({ credentials, platforms, world });
  const installUrl = () => undefined;
  const recorded: string[] = [];
  const getToken = createGetToken({
    selections: {
      recall: () => undefined,
      select: createSelectInstallation({ installations, platforms, installUrl }),
      size: 0,
    },
    telemetry: silentTelemetry,
    refresher,
    narrowed: createNarrowedTokens({ credentials, refresher, world, maxEntries: 10 }),
    granted: createGrantedPermissions({ installations, world, maxEntries: 10 }),
    handOut: {
      repeat: () => false,
      async record(issued) {
        recorded.push(issued.token.reveal());
        clock.advance(3_000);
      },
      flush: async () => undefined,
    },
    installUrl,
    world,
  });
  const selector = { installationId: installation?.id };
  const ask = async () => getToken({ selector, minTtlMs: 0, rejectedTokenId: undefined, narrowing: undefined }, call());
  return { ask, recorded };
}

test("a token that ends while its hand-out is put on record is replaced before the answer", async () => {
  const { ask, recorded } = await slowToRecord(3_600_000);
  expect((await ask()).token.reveal()).toBe("fresh");
  expect(recorded).toEqual(["ends soon", "fresh"]);
});

test("a token that has ended is no answer, however often that happens", async () => {
  const { ask, recorded } = await slowToRecord(2_000);
  await expect(ask()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE", retryAfterMs: 1_000 });
  expect(recorded).toEqual(["ends soon", "fresh"]);
});
