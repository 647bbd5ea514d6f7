import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Calls } from "../../client/src/calls/calls.ts";
import type { Token } from "../../client/src/index.ts";
import { createTokens, mostSelectors } from "../../client/src/tokens/tokens.ts";
import { withToken } from "../../client/src/with-token.ts";
import { GetTokenResponseSchema } from "../../gen/oauth/token/v1/token_service_pb.js";
import { until } from "../../rig/gate.ts";
import type { IssuedToken } from "../../src/domain/tokens/issued-token.ts";
import { ServiceError } from "../../src/errors.ts";
import { issue, listening, openClient, openDoors } from "./support/doors.ts";

const selector = { platform: "github" };

/** A service that replaces its token when it is rejected, and says how often it did. */
async function open(changes: Partial<IssuedToken> = {}) {
  let current = issue(3_600_000, changes);
  let mints = 0;
  const doors = await openDoors({
    getToken: async ({ rejectedTokenId }) => {
      if (rejectedTokenId === current.tokenId) {
        mints += 1;
        current = issue(3_600_000, changes);
      }
      return current;
    },
  });
  const client = openClient({ address: doors.address("grpc") });
  return { client, mints: () => mints, current: () => current.token.reveal() };
}

/** An API that takes the service's current token alone. */
async function openApi(isGood: (authorization: string | undefined, request: IncomingMessage) => boolean) {
  const bodies: string[] = [];
  const server = await listening(
    createServer(async (request, response) => {
      bodies.push(await text(request));
      response.writeHead(isGood(request.headers.authorization, request) ? 200 : 401).end("answer");
    }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

const refusals: readonly (readonly [string, () => unknown])[] = [
  ["a Response", () => new Response(null, { status: 401 })],
  [
    "a Response that was read",
    async () => {
      const response = new Response("no", { status: 401 });
      await response.text();
      return response;
    },
  ],
  ["what axios and Slack's SDK return", () => ({ status: 401 })],
  ["Slack's words", () => ({ ok: false, error: "token_expired" })],
];
const errors: readonly (readonly [string, object])[] = [
  ["octokit", { status: 401 }],
  ["axios", { response: { status: 401 } }],
  ["got", { response: { statusCode: 401 } }],
  ["Slack's SDK", { code: "slack_webapi_platform_error", data: { ok: false, error: "invalid_auth" } }],
];

describe("withToken", () => {
  test.each(refusals)("tries once more after %s", async (_, refusal) => {
    const { client, mints } = await open();
    const used: string[] = [];
    const outcome = await client.withToken(selector, ({ accessToken }) => {
      return used.push(accessToken) === 1 ? refusal() : "done";
    });
    expect(outcome).toBe("done");
    expect(new Set(used).size).toBe(2);
    expect(mints()).toBe(1);
  });

  test.each(errors)("tries once more after the 401 of %s, and not a third time", async (_, fields) => {
    const { client, mints } = await open();
    const error = Object.assign(new Error("unauthorized"), fields);
    let uses = 0;
    await expect(
      client.withToken(selector, async () => {
        uses += 1;
        throw error;
      }),
    ).rejects.toBe(error);
    expect(uses).toBe(2);
    expect(mints()).toBe(1);
  });

  test.each([
    ["another error", () => Promise.reject(new Error("no network"))],
    ["a 403", () => Promise.reject(Object.assign(new Error("forbidden"), { status: 403 }))],
    ["nothing", () => undefined],
  ])("leaves %s alone", async (_, use) => {
    const { client, mints } = await open();
    let uses = 0;
    await client
      .withToken(selector, () => {
        uses += 1;
        return use();
      })
      .catch(() => undefined);
    expect(uses).toBe(1);
    expect(mints()).toBe(0);
  });

  test("a token that is refused to a hundred at once is replaced once, and each of them tries twice", async () => {
    const { client, mints, current } = await open();
    const dead = (await client.getToken(selector)).accessToken;
    let uses = 0;
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () =>
        client.withToken(selector, async ({ accessToken }) => {
          uses += 1;
          return new Response(accessToken, { status: accessToken === dead ? 401 : 200 });
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(new Set(await Promise.all(outcomes.map((outcome) => outcome.text())))).toEqual(new Set([current()]));
    expect(uses).toBe(200);
    expect(mints()).toBe(1);
    // Late news of the old one is no news.
    client.reject({ tokenId: issue().tokenId });
    expect((await client.getToken(selector)).accessToken).toBe(current());
  });

  test("who rejects while an earlier call is under way is not given the rejected token", async () => {
    const first = issue(0);
    const second = issue();
    const answers: (() => void)[] = [];
    const { address } = await openDoors({
      getToken: async ({ rejectedTokenId }) => {
        if (answers.length === 1) await new Promise<void>((resolve) => answers.push(resolve));
        else answers.push(() => undefined);
        return rejectedTokenId === first.tokenId ? second : first;
      },
    });
    const client = openClient({ address: address("grpc") });
    const { tokenId } = await client.getToken(selector);
    const unaware = client.getToken(selector);
    await until(() => answers.length === 2, "it is under way");
    client.reject({ tokenId });
    expect((await client.getToken(selector)).tokenId).toBe(second.tokenId);
    answers[1]?.();
    expect((await unaware).tokenId).toBe(first.tokenId);
    expect((await client.getToken(selector)).tokenId).toBe(second.tokenId);
    // Though the other was given out last.
    client.reject({ tokenId: first.tokenId });
    expect((await client.getToken(selector)).tokenId).toBe(second.tokenId);
  });

  test("it is replaced also when very many others were asked for meanwhile", async () => {
    const current = new Map<string, number>();
    const calls = {
      closed: new AbortController().signal,
      async unary(_: unknown, { owner = "", rejectedTokenId }: { owner?: string; rejectedTokenId?: string }) {
        const known = current.get(owner) ?? 1;
        const now = rejectedTokenId === `${owner} ${known}` ? known + 1 : known;
        current.set(owner, now);
        const message = create(GetTokenResponseSchema, { accessToken: `token-${now}`, tokenId: `${owner} ${now}` });
        return { message, serviceTime: undefined };
      },
    };
    const tokens = createTokens(calls as unknown as Calls, undefined, undefined);
    const seen: string[] = [];
    const use = async ({ accessToken }: Token) => {
      if (seen.push(accessToken) === 2) return "done";
      for (let n = 0; n < mostSelectors; n++) await tokens.get({ platform: "github", owner: `other-${n}` });
      return { status: 401 };
    };
    expect(await withToken(tokens, { platform: "github", owner: "acme" }, use, undefined)).toBe("done");
    expect(seen).toEqual(["token-1", "token-2"]);
  });

  test("a refusal to replace it is what the caller hears", async () => {
    const { address } = await openDoors({
      getToken: async ({ rejectedTokenId }) => {
        if (rejectedTokenId !== undefined) throw new ServiceError("INSTALLATION_REVOKED", "it is over");
        return issue();
      },
    });
    const client = openClient({ address: address("grpc") });
    await expect(client.withToken(selector, () => new Response(null, { status: 401 }))).rejects.toMatchObject({
      reason: "INSTALLATION_REVOKED",
    });
  });
});

describe("fetch", () => {
  test("sends the token, and the same request again with a new one", async () => {
    const seen: (string | undefined)[] = [];
    const api = await openApi((authorization) => seen.push(authorization) > 1);
    const { client, current, mints } = await open({ apiBaseUrl: `${api.url}/v3` });
    const tokenFetch = client.fetch(selector);
    const response = await tokenFetch(
      new Request(`${api.url}/v3/issues`, { method: "POST", body: "the body", headers: { authorization: "Basic x" } }),
    );
    expect(await response.text()).toBe("answer");
    expect(response.status).toBe(200);
    expect(api.bodies).toEqual(["the body", "the body"]);
    expect(seen[1]).toBe(`Bearer ${current()}`);
    expect(mints()).toBe(1);
    await tokenFetch("/issues", { method: "POST", body: new URLSearchParams({ a: "b" }) });
    expect(api.bodies[2]).toBe("a=b");
  });

  test("a path is below the API's address", async () => {
    const paths: (string | undefined)[] = [];
    const api = await openApi((_, { url }) => paths.push(url) > 0);
    const { client } = await open({ apiBaseUrl: `${api.url}/ex/jira/7` });
    await client.fetch(selector)("/rest/api/3/myself?expand=groups");
    expect(paths).toEqual(["/ex/jira/7/rest/api/3/myself?expand=groups"]);
  });

  test("a stream is sent once: the 401 is the answer, and the next request has another token", async () => {
    const seen: (string | undefined)[] = [];
    const api = await openApi((authorization) => seen.push(authorization) > 1);
    const { client, mints } = await open({ apiBaseUrl: api.url });
    const body = new Blob(["streamed"]).stream();
    const response = await client.fetch(selector)(api.url, { method: "POST", body, duplex: "half" } as RequestInit);
    expect(response.status).toBe(401);
    expect((await client.fetch(selector)(api.url)).status).toBe(200);
    expect(new Set(seen).size).toBe(2);
    expect(mints()).toBe(1);
  });

  test.each([
    "https://evil.example/",
    "http://api.github.com/",
    "https://api.github.com.evil.example/",
    "https://api.github.com:8443/",
    "//evil.example/",
    "http://127.0.0.1/",
  ])("does not send it to %s", async (address) => {
    const { client } = await open();
    await expect(client.fetch(selector)(address)).rejects.toThrow(TypeError);
  });

  test("an aborted request is not tried", async () => {
    const api = await openApi(() => true);
    const { client } = await open({ apiBaseUrl: api.url });
    const signal = AbortSignal.abort(new Error("not wanted"));
    await expect(client.fetch(selector)(api.url, { signal })).rejects.toThrow("not wanted");
    expect(api.bodies).toEqual([]);
  });
});
