import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Octokit } from "@octokit/core";
import { WebClient } from "@slack/web-api";
import { createEmulator, type Emulator } from "emulate";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createTokenAuth } from "../../client/src/octokit.ts";
import { createSlackFetch } from "../../client/src/slack.ts";
import { createTestTokenService } from "../../client/src/testing.ts";
import { listening, openClient } from "./support/doors.ts";

async function open() {
  const service = await createTestTokenService();
  onTestFinished(() => service.close());
  return { service, client: openClient({ address: service.address }) };
}

/** In front of an emulator, which takes any token: refuses one in the platform's words. */
async function refusing(upstream: string, dead: string, status: number, body: object): Promise<string> {
  const server = await listening(
    createServer(async (request, response) => {
      const { method = "GET", headers, url = "" } = request;
      const sent = await text(request);
      const answer = headers.authorization?.endsWith(` ${dead}`)
        ? Response.json(body, { status })
        : await fetch(upstream + url, {
            method,
            headers: { authorization: headers.authorization ?? "", "content-type": headers["content-type"] ?? "" },
            ...(method === "GET" ? {} : { body: sent }),
          });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(await answer.text());
    }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("octokit", () => {
  let emulator: Emulator;
  beforeAll(async () => {
    const tokens = { "ghs_good-2": { login: "octocat", scopes: ["repo", "user"] } };
    const seed = { tokens, github: { users: [{ login: "octocat", name: "Octo Cat" }] } };
    emulator = await createEmulator({ service: "github", port: 0, seed });
  });
  afterAll(() => emulator.close());

  test("goes to the token's own API, and tries a 401 once more with a new token", async () => {
    const { service, client } = await open();
    const apiBaseUrl = await refusing(emulator.url, "ghs_good", 401, { message: "Bad credentials" });
    service.setToken({ platform: "github" }, { accessToken: "ghs_good", apiBaseUrl });
    const octokit = new Octokit({ authStrategy: createTokenAuth, auth: { client } });
    const { data } = await octokit.request("GET /user");
    expect(data.login).toBe("octocat");
    expect(service.asked).toMatchObject([{ platform: "github" }, { rejectedTokenId: expect.any(String) }]);
    expect(await octokit.auth()).toMatchObject({ type: "token", token: "ghs_good-2", tokenType: "installation" });
  });

  test("a 401 that stays is octokit's own error, and the token is in no part of it that is printed", async () => {
    const { service, client } = await open();
    const apiBaseUrl = await refusing(emulator.url, "ghs_bad", 401, { message: "Bad credentials" });
    // The next one is refused, too.
    const chained = await refusing(apiBaseUrl, "ghs_bad-2", 401, { message: "Bad credentials" });
    service.setToken({ platform: "github", owner: "x" }, { accessToken: "ghs_bad", apiBaseUrl: chained });
    const octokit = new Octokit({ authStrategy: createTokenAuth, auth: { client, selector: { owner: "x" } } });
    const error = await octokit.request("GET /user").catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "HttpError", status: 401 });
    expect(JSON.stringify(error)).not.toContain("ghs_bad");
  });

  test("GraphQL goes beside the REST API of Enterprise Server; a baseUrl of Octokit's own is kept", async () => {
    const paths: (string | undefined)[] = [];
    const server = await listening(
      createServer((request, response) => {
        paths.push(request.url);
        response.setHeader("content-type", "application/json").end(`{"data":{}}`);
      }),
    );
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { service, client } = await open();
    service.setToken({ platform: "github" }, { accessToken: "ghs_x", apiBaseUrl: `${url}/api/v3` });
    const octokit = new Octokit({ authStrategy: createTokenAuth, auth: { client } });
    await octokit.graphql("{ viewer { login } }");
    await octokit.request("GET /user");
    await new Octokit({ authStrategy: createTokenAuth, auth: { client }, baseUrl: url }).request("GET /user");
    expect(paths).toEqual(["/api/graphql", "/api/v3/user", "/user"]);
  });

  test("an upload that is a stream is not sent twice", async () => {
    const bodies: string[] = [];
    const server = await listening(
      createServer(async (request, response) => {
        bodies.push(await text(request));
        response.writeHead(401).end();
      }),
    );
    const { service, client } = await open();
    const apiBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    service.setToken({ platform: "github" }, { accessToken: "ghs_x", apiBaseUrl });
    const octokit = new Octokit({ authStrategy: createTokenAuth, auth: { client } });
    const data = new Blob(["an asset"]).stream();
    await expect(octokit.request("POST /assets", { data })).rejects.toMatchObject({ status: 401 });
    expect(bodies).toEqual(["an asset"]);
    expect((await client.getToken({ platform: "github" })).accessToken).toBe("ghs_x-2");
  });
});

describe("@slack/web-api", () => {
  let emulator: Emulator;
  beforeAll(async () => {
    const tokens = { "xoxb-good-2": { login: "U000000001", scopes: ["chat:write"] } };
    emulator = await createEmulator({
      service: "slack",
      port: 0,
      seed: { tokens, slack: { team: { name: "Acme", domain: "acme" } } },
    });
  });
  afterAll(() => emulator.close());

  test("goes to the token's own API, and tries what Slack refuses once more with a new token", async () => {
    const { service, client } = await open();
    const url = await refusing(emulator.url, "xoxb-good", 200, { ok: false, error: "token_expired" });
    service.setToken({ platform: "slack" }, { accessToken: "xoxb-good", apiBaseUrl: `${url}/api` });
    const slack = new WebClient(undefined, { fetch: createSlackFetch({ client }) });
    expect(await slack.auth.test()).toMatchObject({ ok: true, team: "Acme" });
    expect(service.asked).toMatchObject([{ platform: "slack" }, { rejectedTokenId: expect.any(String) }]);
  });

  test("what the service refuses for good is not tried for half an hour", async () => {
    const { service, client } = await open();
    service.refuse({ platform: "slack" }, "REAUTHORIZATION_REQUIRED", { metadata: { install_url: "https://x/" } });
    const slack = new WebClient(undefined, { fetch: createSlackFetch({ client }) });
    await expect(slack.auth.test()).rejects.toMatchObject({
      code: "slack_webapi_platform_error",
      data: { error: "REAUTHORIZATION_REQUIRED", install_url: "https://x/" },
    });
    expect(service.asked).toHaveLength(1);
  });

  test("the token is not sent to where files go", async () => {
    const heard: (string | undefined)[] = [];
    const server = await listening(
      createServer((request, response) => {
        heard.push(request.headers.authorization);
        response.end("OK");
      }),
    );
    const { service, client } = await open();
    service.setToken({ platform: "slack" }, { accessToken: "xoxb-x", apiBaseUrl: `${emulator.url}/api` });
    await createSlackFetch({ client })(`http://127.0.0.1:${(server.address() as AddressInfo).port}/upload`, {
      method: "POST",
    });
    expect(heard).toEqual([undefined]);
  });
});
