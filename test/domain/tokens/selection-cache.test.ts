import { expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import { sightOfEverything, type Visibility } from "../../../src/domain/access/access.ts";
import type { Change } from "../../../src/domain/model/change-feed.ts";
import type { Selector } from "../../../src/domain/model/installation-repository.ts";
import type { Selected } from "../../../src/domain/tokens/select-installation.ts";
import { createSelectionCache } from "../../../src/domain/tokens/selection-cache.ts";
import { Secret } from "../../../src/secret.ts";
import { scriptedPlatform } from "../../support/scripted-platform.ts";

/** A cache before a database that holds one value per installation and counts what it is asked. */
function cached(options: { maxEntries?: number } = {}) {
  const listeners: ((change: Change) => void)[] = [];
  const state = { alive: true, reads: 0, openings: 0, token: "first", before: async () => {} };
  const platform = scriptedPlatform();
  const cache = createSelectionCache({
    maxEntries: options.maxEntries ?? 100,
    changes: {
      isAlive: () => state.alive,
      subscribe: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    },
    async select(selector: Selector): Promise<Selected> {
      state.reads++;
      const value = state.token;
      await state.before();
      const id = selector.installationId ?? "by-name";
      return {
        installation: {
          id,
          platform: "slack",
          products: ["slack"],
          status: "active",
          owner: undefined,
          externalOrgId: "T1",
          externalInstallId: undefined,
          externalUserId: undefined,
          permissions: {},
        },
        credential: {
          id: `credential-of-${id}`,
          platform: "slack",
          kind: "rotating",
          actor: "app",
          subject: "T1:bot",
          externalUserId: undefined,
          status: "active",
          version: 1,
          registration: undefined,
          issuedAt: undefined,
          expiresAt: undefined,
          refreshAfter: undefined,
          scopes: [],
          permissions: {},
          failures: 0,
          lastError: undefined,
          accessToken() {
            state.openings++;
            return new Secret(value);
          },
        },
        platform,
        product: "slack",
      };
    },
  });
  const announce = (change: Change) => {
    for (const listener of listeners) listener(change);
  };
  const look = (selector: Selector, visible = sightOfEverything) =>
    cache.recall(selector, visible) ?? cache.select(selector, visible);
  const token = async (selector: Selector, visible?: Visibility) =>
    (await look(selector, visible)).credential.accessToken()?.reveal();
  return { cache, state, token, announce };
}

const byId = (id: string): Selector => ({ installationId: id });

test("reads and opens once, however often it is asked", async () => {
  const { state, token } = cached();
  for (let i = 0; i < 5; i++) expect(await token(byId("a"))).toBe("first");
  expect(state).toMatchObject({ reads: 1, openings: 1 });
});

test("keeps selectors apart that differ in any field", async () => {
  const { state, token } = cached();
  await token({ platform: "slack", owner: "a" });
  await token({ platform: "slack", externalOrgId: "a" });
  await token({ platform: "slack", actor: "user", externalUserId: "a" });
  await token({ platform: "slack", externalUserId: "a" });
  expect(state.reads).toBe(4);
});

test.each([
  ["its credential", { kind: "credential", id: "credential-of-a" }],
  ["the installation", { kind: "installation", id: "a", platform: "slack" }],
  ["one of its links", { kind: "installation", id: "a", platform: undefined }],
  ["anything, perhaps", { kind: "everything" }],
] as const)("looks again after a change of %s", async (_what, change) => {
  const { state, token, announce } = cached();
  await token(byId("a"));
  state.token = "second";
  announce(change);
  expect(await token(byId("a"))).toBe("second");
});

test("keeps what a change does not concern", async () => {
  const { state, token, announce } = cached();
  await token(byId("a"));
  announce({ kind: "credential", id: "credential-of-b" });
  announce({ kind: "installation", id: "b", platform: "slack" });
  await token(byId("a"));
  expect(state.reads).toBe(1);
});

test("a new installation of a platform drops what selectors without an id found there, and only there", async () => {
  const { state, token, announce } = cached();
  await token({ platform: "slack" });
  announce({ kind: "installation", id: "new", platform: "jira" });
  await token({ platform: "slack" });
  expect(state.reads).toBe(1);
  announce({ kind: "installation", id: "new", platform: "slack" });
  await token({ platform: "slack" });
  expect(state.reads).toBe(2);
});

test("does not remember what was read before a change that came while it was read", async () => {
  const { state, token, announce } = cached();
  const gate = createGate();
  state.before = () => gate.opened;
  const reading = token(byId("a"));
  await until(() => state.reads === 1, "the read begins");
  announce({ kind: "credential", id: "credential-of-a" });
  state.token = "second";
  gate.open();
  await reading;
  expect(await token(byId("a"))).toBe("second");
});

test("asks the database every time while the feed is not proven alive", async () => {
  const { state, token } = cached();
  await token(byId("a"));
  state.alive = false;
  state.token = "second";
  expect(await token(byId("a"))).toBe("second");
  expect(await token(byId("a"))).toBe("second");
  expect(state.reads).toBe(3);
});

test("holds no more than it may", async () => {
  const { cache, token } = cached({ maxEntries: 10 });
  for (let i = 0; i < 50; i++) await token(byId(String(i)));
  expect(cache.size).toBe(10);
});

test("keeps apart what is visible to one caller and not to another", async () => {
  const { state, token } = cached();
  const sight = (owner: string): Visibility => ({ key: owner, rules: [{ products: "all", owners: [owner] }] });
  await token({ platform: "slack" });
  await token({ platform: "slack" }, sight("acme"));
  await token({ platform: "slack" }, sight("umbrella"));
  await token({ platform: "slack" }, sight("acme"));
  expect(state.reads).toBe(3);
});

test("asks once for all who miss the same at the same time", async () => {
  const { state, token } = cached();
  const gate = createGate();
  state.before = () => gate.opened;
  const all = Array.from({ length: 20 }, () => token(byId("a")));
  gate.open();
  expect(new Set(await Promise.all(all))).toEqual(new Set(["first"]));
  expect(state.reads).toBe(1);
});

test("whoever comes after a change does not wait for a look-up that began before it", async () => {
  const { state, token, announce } = cached();
  const gate = createGate();
  state.before = () => gate.opened;
  const early = token(byId("a"));
  await until(() => state.reads === 1, "the read begins");
  state.token = "second";
  announce({ kind: "credential", id: "credential-of-a" });
  const late = token(byId("a"));
  gate.open();
  expect(await early).toBe("first");
  expect(await late).toBe("second");
});

test("a look-up that fails is not shared with those who come later", async () => {
  const { state, token } = cached();
  state.before = () => Promise.reject(new Error("away"));
  await expect(Promise.all([token(byId("a")), token(byId("a"))])).rejects.toThrow("away");
  state.before = async () => {};
  expect(await token(byId("a"))).toBe("first");
});
