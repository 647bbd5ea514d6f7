import { describe, expect, test } from "vitest";
import { type Selector, TokenServiceError } from "../../client/src/index.ts";
import { createGate, until } from "../../rig/gate.ts";
import { ServiceError } from "../../src/errors.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { doors, issue, openClient, openDoors } from "./support/doors.ts";

type Asked = Parameters<UseCases["getToken"]>[0];

/** The doors, and what was asked at them. */
async function open(getToken: (asked: Asked, n: number) => ReturnType<UseCases["getToken"]>) {
  const asked: Asked[] = [];
  const opened = await openDoors({ getToken: (request) => getToken(request, asked.push(request)) });
  return { ...opened, asked };
}

describe.each(doors)("by %s", (door) => {
  test("a token comes with all that is known of it", async () => {
    const token = issue();
    const { address, asked } = await open(async () => token);
    const client = openClient({ address: address(door) });
    const selector: Selector = {
      ...{ platform: "github", externalOrgId: "4711", owner: "acme", actor: "ACTOR_APP", minTtl: 90 },
      ...{ repositoryIds: [7, 8n], permissions: { contents: "read" } },
    };
    expect({ ...(await client.getToken(selector)) }).toEqual({
      accessToken: token.token.reveal(),
      tokenType: "Bearer",
      expireTime: token.expiresAt,
      scopes: ["repo"],
      permissions: { contents: "read" },
      installationId: token.installationId,
      externalOrgId: "4711",
      tokenId: token.tokenId,
      apiBaseUrl: "https://api.github.com",
      source: "service",
    });
    expect(asked[0]).toMatchObject({ selector: { platform: "github", externalOrgId: "4711", owner: "acme" } });
  });

  test("may be asked to live for parts of a second, which are no whole numbers in floating point", async () => {
    const { address, asked } = await open(async () => issue());
    const client = openClient({ address: address(door) });
    for (const minTtl of [4.035, "1.001s"]) await client.getToken({ platform: "github", minTtl } as Selector);
    expect(asked.map(({ minTtlMs }) => minTtlMs)).toEqual([4_035, 1_001]);
  });

  test("is given again from memory, and what a caller does to its copy is nobody else's business", async () => {
    const { address, asked } = await open(async () => issue());
    const client = openClient({ address: address(door) });
    const first = await client.getToken({ platform: "github" });
    const untouched = structuredClone({ ...first });
    Object.assign(first, { accessToken: "mine", apiBaseUrl: "https://elsewhere.example" });
    first.scopes.push("admin");
    first.permissions.contents = "write";
    first.expireTime?.setFullYear(1970);
    expect({ ...(await client.getToken({ platform: "github" })) }).toEqual(untouched);
    expect(asked).toHaveLength(1);
    await client.getToken({ platform: "github", owner: "other" });
    expect(asked).toHaveLength(2);
  });

  test("a hundred callers at once share one call, however they write their selector", async () => {
    const gate = createGate();
    const { address, asked } = await open(async () => {
      await gate.opened;
      return issue();
    });
    const client = openClient({ address: address(door) });
    const selectors: Selector[] = [
      { platform: "github", repositories: ["b", "a"], permissions: { issues: "read", contents: "read" } },
      { permissions: { contents: "read", issues: "read" }, repositories: ["a", "b"], platform: "github" },
    ];
    const tokens = Promise.all(Array.from({ length: 100 }, (_, n) => client.getToken(selectors[n % 2]!)));
    await until(() => asked.length > 0, "the service was asked");
    gate.open();
    expect(new Set((await tokens).map(({ tokenId }) => tokenId)).size).toBe(1);
    expect(asked).toHaveLength(1);
  });

  test("who gives up is answered at once, and the others get their token", async () => {
    const gate = createGate();
    const { address, asked } = await open(async () => {
      await gate.opened;
      return issue();
    });
    const client = openClient({ address: address(door) });
    const giveUp = new AbortController();
    const first = client.getToken({ platform: "github" }, { signal: giveUp.signal });
    const second = client.getToken({ platform: "github" });
    await until(() => asked.length > 0, "the service was asked");
    const reason = new Error("the user went away");
    giveUp.abort(reason);
    await expect(first).rejects.toBe(reason);
    gate.open();
    expect((await second).source).toBe("service");
    await expect(client.getToken({ platform: "github" }, { signal: giveUp.signal })).rejects.toBe(reason);
    expect(asked).toHaveLength(1);
  });

  test("a call of which everybody has given up fails without a sound", async () => {
    const gate = createGate();
    const { address, asked } = await open(async () => {
      await gate.opened;
      throw new ServiceError("INSTALLATION_REVOKED", "it is over");
    });
    const client = openClient({ address: address(door) });
    const giveUp = new AbortController();
    const call = client.getToken({ platform: "github" }, { signal: giveUp.signal });
    await until(() => asked.length > 0, "the service was asked");
    giveUp.abort(new Error("gone"));
    await expect(call).rejects.toThrow("gone");
    gate.open();
    // By when this is answered that one has failed. An unhandled rejection would fail the run.
    await expect(client.getToken({ platform: "slack" })).rejects.toMatchObject({ reason: "INSTALLATION_REVOKED" });
    expect(asked).toHaveLength(2);
  });

  test("a refusal has its reason, its code and what helps", async () => {
    const { address } = await open(async () => {
      throw new ServiceError("REAUTHORIZATION_REQUIRED", "connect again", {
        metadata: { install_url: "https://portal.example/connect" },
      });
    });
    const client = openClient({ address: address(door) });
    const refusal = await client.getToken({ platform: "jira" }).then(fail, (error) => error);
    expect(refusal).toBeInstanceOf(TokenServiceError);
    expect(refusal).toMatchObject({
      reason: "REAUTHORIZATION_REQUIRED",
      code: "FAILED_PRECONDITION",
      retryAfterMs: undefined,
      metadata: { install_url: "https://portal.example/connect" },
    });
    expect(refusal.message).toContain("connect again");
  });

  test("what helps by waiting is asked again when the service says, while there is time", async () => {
    const { address, asked } = await open(async (_, n) => {
      if (n < 3) throw new ServiceError("PROVIDER_UNAVAILABLE", "not now", { retryAfterMs: 20 });
      return issue();
    });
    const client = openClient({ address: address(door) });
    expect((await client.getToken({ platform: "github" })).source).toBe("service");
    expect(asked).toHaveLength(3);
  });

  test("a wait that is longer than what is left is not begun", async () => {
    const { address, asked } = await open(async () => {
      throw new ServiceError("PROVIDER_RATE_LIMITED", "much later", { retryAfterMs: 30 * 86_400_000 });
    });
    const client = openClient({ address: address(door), timeoutMs: 2_000 });
    await expect(client.getToken({ platform: "github" })).rejects.toMatchObject({
      reason: "PROVIDER_RATE_LIMITED",
      retryAfterMs: 30 * 86_400_000,
    });
    expect(asked).toHaveLength(1);
  });

  test("the time of all tries together is what the client was given", async () => {
    const { address } = await open(() => new Promise(() => undefined));
    const client = openClient({ address: address(door), timeoutMs: 300 });
    await expect(client.getToken({ platform: "github" })).rejects.toMatchObject({
      reason: "SERVICE_UNREACHABLE",
      code: "DEADLINE_EXCEEDED",
    });
  });

  test("a service that is back is found by the same client", async () => {
    const first = await open(async () => issue());
    const client = openClient({ address: first.address("grpc") });
    const other = { platform: "slack" };
    await client.getToken({ platform: "github" });
    await first.close();
    await expect(client.getToken(other)).rejects.toMatchObject({ reason: "SERVICE_UNREACHABLE" });
    await openDoors({}, first.port.grpc);
    await until(
      () =>
        client.getToken(other).then(
          () => true,
          () => false,
        ),
      "it is found",
      8_000,
    );
  });

  test("what ended with close() says so, and nothing comes after it", async () => {
    const { address, asked } = await open(() => new Promise(() => undefined));
    const client = openClient({ address: address(door) });
    const call = client.getToken({ platform: "github" });
    await until(() => asked.length > 0, "the service was asked");
    client.close();
    await expect(call).rejects.toThrow("the token client is closed");
    await expect(client.getToken({ platform: "github" })).rejects.toThrow("the token client is closed");
  });
});

const minute = 60_000;

test("what is misspelt would reach further than was meant: it is refused, and not answered from memory", async () => {
  const { address } = await openDoors({ getToken: async () => issue() });
  const client = openClient({ address: address("grpc") });
  await client.getToken({ platform: "github", owner: undefined as never });
  const refused = (given: object) => client.getToken({ platform: "github", ...given });
  await expect(refused({ onwer: "acme" })).rejects.toThrow("GetTokenRequest has no field onwer");
  await expect(refused({ installation_id: "x" })).rejects.toThrow(TypeError);
  await expect(refused({ github: { repos: ["web"] } })).rejects.toThrow("GithubNarrowing has no field repos");
  await expect(client.watch({ onwer: "acme" } as object).next()).rejects.toThrow(TypeError);
  await expect(client.installations({ onwer: "acme" } as object).next()).rejects.toThrow(TypeError);
  await expect(client.createInstallLink({ platform: "slack", ...{ onwer: "acme" } })).rejects.toThrow(TypeError);
});

describe("a token ages by the service's clock", () => {
  test.each([
    ["is three hours behind", -180 * minute],
    ["is three hours ahead", 180 * minute],
    ["begins with 0", -Date.now()],
  ])("where this machine's %s", async (_, wrongBy) => {
    const { address, asked } = await open(async () => issue(10 * minute));
    for (const door of doors) {
      let now = Date.now() + wrongBy;
      const client = openClient({ address: address(door), now: () => now });
      const { tokenId } = await client.getToken({ platform: "github" });
      now += 8 * minute;
      expect((await client.getToken({ platform: "github" })).tokenId).toBe(tokenId);
      now += 1.1 * minute;
      expect((await client.getToken({ platform: "github" })).tokenId).not.toBe(tokenId);
    }
    expect(asked).toHaveLength(4);
  });

  test("a clock that is set back proves nothing", async () => {
    const { address } = await open(async () => issue(10 * minute));
    let now = 1_000_000;
    const client = openClient({ address: address("grpc"), now: () => now });
    const { tokenId } = await client.getToken({ platform: "github" });
    now -= 1;
    expect((await client.getToken({ platform: "github" })).tokenId).not.toBe(tokenId);
  });

  test.each([
    ["of a minute is kept for half of it", minute, undefined, 0.4 * minute, 0.55 * minute],
    ["is given while it lives as long as is asked for", 60 * minute, 1800, 29 * minute, 30.1 * minute],
    ["without an end is asked for again after five minutes", undefined, undefined, 4.9 * minute, 5.1 * minute],
  ])("one that lives %s", async (_, lifeMs, minTtl, kept, gone) => {
    const { address } = await open(async () =>
      lifeMs === undefined ? { ...issue(), expiresAt: undefined } : issue(lifeMs),
    );
    let now = 0;
    const client = openClient({ address: address("grpc"), now: () => now });
    const selector: Selector = { platform: "github", ...(minTtl === undefined ? {} : { minTtl }) };
    const { tokenId } = await client.getToken(selector);
    now += kept;
    expect((await client.getToken(selector)).tokenId).toBe(tokenId);
    now = gone;
    expect((await client.getToken(selector)).tokenId).not.toBe(tokenId);
  });
});

function fail(): never {
  throw new Error("it was not refused");
}
