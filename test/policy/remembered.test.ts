import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sightOfEverything, type Visibility } from "../../src/domain/access/access.ts";
import { silentTelemetry } from "../../src/domain/model/telemetry.ts";
import { createRefresher } from "../../src/domain/refreshing/refresher.ts";
import { createGetToken } from "../../src/domain/tokens/get-token.ts";
import { createGrantedPermissions } from "../../src/domain/tokens/granted-permissions.ts";
import { createNarrowedTokens } from "../../src/domain/tokens/narrowed-tokens.ts";
import { createSelectInstallation, type Selected } from "../../src/domain/tokens/select-installation.ts";
import { createSelectionCache, type SelectionCache } from "../../src/domain/tokens/selection-cache.ts";
import { type Domain, openDomain } from "../domain/open-domain.ts";
import { call } from "../support/call.ts";
import { connection, onlyPlatforms, scriptedPlatform } from "../support/scripted-platform.ts";
import { acmeAlone } from "./rules.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

// Tokens of a platform that narrows have one more wall: what no rule covers has a ceiling of nothing.
const platform = scriptedPlatform({ name: "slack", narrowing: false });
const platforms = onlyPlatforms(platform);
const installUrl = () => undefined;

async function connectOf(owner: string | undefined) {
  const [made] = await domain.connect(connection(), { owner });
  return made!.id;
}

/** Finds everything for everybody: what a mistake in a look-up or in the memory would come to. */
function careless(warm: boolean): SelectionCache {
  const find = createSelectInstallation({ installations: domain.storage.installations, platforms, installUrl });
  let last: Selected | undefined;
  return {
    size: 0,
    recall: () => (warm ? last : undefined),
    async select(selector) {
      last = await find(selector, sightOfEverything);
      return last;
    },
  };
}

function deskWith(selections: SelectionCache) {
  const { storage, world } = domain;
  const { credentials, installations } = storage;
  const refresher = createRefresher({ credentials, platforms, world });
  return createGetToken({
    selections,
    refresher,
    narrowed: createNarrowedTokens({ credentials, refresher, world, maxEntries: 10 }),
    granted: createGrantedPermissions({ installations, world, maxEntries: 10 }),
    handOut: { repeat: () => true, record: async () => undefined, flush: async () => undefined },
    installUrl,
    world,
    telemetry: silentTelemetry,
  });
}

describe("what was found for somebody else", () => {
  test.each([false, true])("is not there for a caller who may not see it (in memory: %s)", async (warm) => {
    const ids = [await connectOf("beta"), await connectOf(undefined)];
    for (const installationId of ids) {
      const getToken = deskWith(careless(warm));
      const request = {
        selector: { installationId },
        minTtlMs: undefined,
        rejectedTokenId: undefined,
        narrowing: undefined,
      };
      expect(await getToken(request, call())).toMatchObject({ installationId });
      await expect((async () => getToken(request, call({ as: acmeAlone })))()).rejects.toMatchObject({
        reason: "INSTALLATION_NOT_FOUND",
      });
    }
  });

  test("is remembered under what its finder may see, and under the very words of the selector", async () => {
    const asked: string[] = [];
    const find = createSelectInstallation({ installations: domain.storage.installations, platforms, installUrl });
    const id = await connectOf("acme");
    const cache = createSelectionCache({
      async select(_selector, visible) {
        asked.push(visible.key);
        return find({ installationId: id }, sightOfEverything);
      },
      changes: { isAlive: () => true, subscribe: () => () => undefined },
      maxEntries: 10,
    });
    const selector = { platform: "slack" };
    const mine = acmeAlone.access("GetToken").visible("slack");
    await cache.select(selector, sightOfEverything);
    expect(cache.recall(selector, sightOfEverything)).toBeDefined();
    expect(cache.recall(selector, mine)).toBeUndefined();
    await cache.select(selector, mine);
    expect(asked).toEqual(["", mine.key]);
    const odd = { platform: "slack", externalOrgId: "a\nb", externalInstallId: "c" };
    await cache.select(odd, sightOfEverything);
    expect(cache.recall({ ...odd }, sightOfEverything)).toBeDefined();
    const shifted = { platform: "slack", externalOrgId: "a", externalInstallId: "b\nc" };
    expect(cache.recall(shifted, sightOfEverything)).toBeUndefined();
  });
});

test.each<[string, Visibility["rules"], boolean]>([
  ["no rule", [], false],
  ["a rule of no product", [{ products: [], owners: "all" }], false],
  ["a rule of no owner", [{ products: "all", owners: [] }], false],
  ["a rule of all products of another owner", [{ products: "all", owners: ["beta"] }], false],
  ["a rule of all owners on another platform", [{ products: ["github"], owners: "all" }], false],
  ["a rule of all products of its owner", [{ products: "all", owners: ["gamma"] }], true],
  ["a rule of everything", sightOfEverything.rules, true],
])("an installation and %s", async (_what, rules, shown) => {
  const id = await connectOf("gamma");
  const found = await domain.storage.installations.select({ installationId: id }, { key: "x", rules }, 5);
  expect(found).toHaveLength(shown ? 1 : 0);
});
