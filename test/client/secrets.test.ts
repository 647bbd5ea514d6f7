import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createTokenClient } from "../../client/src/index.ts";
import { issue, openClient, openDoors } from "./support/doors.ts";

const apiKey = "ots_the-key";

test("neither the client nor a token shows a secret when it is inspected, and JSON has what is passed on", async () => {
  const token = issue();
  const { address } = await openDoors({ getToken: async () => token });
  const client = openClient({ address: address("grpc"), credentials: { apiKey } });
  const given = await client.getToken({ platform: "github" });
  expect(inspect({ client, given }, { depth: 9, showHidden: true })).not.toContain(apiKey);
  expect(inspect({ given })).not.toContain(token.token.reveal());
  expect(inspect(given)).toContain(token.tokenId);
  expect(JSON.parse(JSON.stringify(given)).accessToken).toBe(token.token.reveal());
});

test("the key is sent as it is meant to be, by both ways", async () => {
  const { address, heard } = await openDoors({ getToken: async () => issue() });
  await openClient({ address: address("connect"), credentials: { apiKey } }).getToken({ platform: "github" });
  let renewals = 0;
  const bearer = async () => `token-${renewals++}`;
  const client = openClient({ address: address("connect"), credentials: { bearer } });
  for (const platform of ["github", "slack"]) await client.getToken({ platform });
  const { authorization } = heard[0] ?? {};
  expect(authorization).toBe(`Bearer ${apiKey}`);
  expect(heard.slice(1).map((headers) => headers.authorization)).toEqual(["Bearer token-0", "Bearer token-1"]);
});

test.each([
  ["http://service.internal:8011", undefined],
  ["http://192.168.0.7:8011", undefined],
  ["http://127.0.0.1.evil.example:8011", undefined],
  ["service.internal:50051", false],
] as const)("no key goes to %s in plain text", (address, tls) => {
  for (const credentials of [{ apiKey }, { bearer: async () => apiKey }]) {
    const open = () => createTokenClient({ address, credentials, ...(tls === undefined ? {} : { tls }) });
    expect(open).toThrow(/in plain text/);
    expect(open).not.toThrow(apiKey);
  }
});

test.each([
  ["localhost:50051", {}],
  ["[::1]:50051", {}],
  ["service.internal:50051", {}],
  ["https://service.internal", {}],
  ["http://localhost:8011", {}],
])("a key may go to %s", (address, options) => {
  expect(() => openClient({ address, credentials: { apiKey }, ...options })).not.toThrow();
});

test.each([
  [{}, "OAUTH_TOKEN_SERVICE_ADDRESS"],
  [{ address: "service.internal" }, "host:port"],
  [{ address: "http://user:password@localhost:8011" }, "without a user"],
  [{ address: "http://:password@localhost:8011" }, "without a user"],
  [{ address: "https://localhost:8011", tls: false }, "plain text"],
  [{ address: "http://localhost:8011", tls: {} }, "says TLS"],
  [{ address: "localhost:50051", credentials: { certificate: "c", key: "k" } }, "over TLS"],
  [{ address: "localhost:50051", timeoutMs: 0 }, "timeoutMs"],
  [{ address: "localhost:50051", credentials: { apiKey: "ots_two\nlines" } }, "the API key"],
] as const)("%j is no client: %s", (options, why) => {
  expect(() => createTokenClient(options)).toThrow(why);
  expect(() => createTokenClient(options)).not.toThrow(/ots_two|password@/);
});

test("a token of a bearer that no header can hold is not shown", async () => {
  const { address } = await openDoors();
  const client = openClient({ address: address("grpc"), credentials: { bearer: async () => "secret\n" } });
  const error = await client.getToken({ platform: "github" }).then(String, inspect);
  expect(error).toContain("bearer()");
  expect(error).not.toContain("secret");
});
