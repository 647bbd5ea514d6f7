import { expect, onTestFinished, test } from "vitest";
import { createTestTokenService } from "../../client/src/testing.ts";
import { openClient } from "./support/doors.ts";

async function open() {
  const service = await createTestTokenService();
  onTestFinished(() => service.close());
  return { service, client: openClient({ address: service.address }) };
}

test("a token that was set is given to who asks for what it says, and of several the one that says most", async () => {
  const { service, client } = await open();
  service.setToken({ platform: "github" }, "any");
  service.setToken({ platform: "github", owner: "acme" }, { accessToken: "acme's", scopes: ["repo"] });
  expect((await client.getToken({ platform: "github", owner: "other", minTtl: 5 })).accessToken).toBe("any");
  expect(await client.getToken({ platform: "github", owner: "acme", permissions: { contents: "read" } })).toMatchObject(
    {
      ...{ accessToken: "acme's", scopes: ["repo"], source: "service", tokenType: "Bearer" },
      tokenId: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  );
  await expect(client.getToken({ platform: "jira" })).rejects.toMatchObject({
    ...{ reason: "INSTALLATION_NOT_FOUND", code: "NOT_FOUND" },
  });
  expect(service.asked).toEqual([
    { platform: "github", owner: "other", minTtl: "5s" },
    { platform: "github", owner: "acme", permissions: { contents: "read" } },
    { platform: "jira" },
  ]);
});

test("one that is rejected is followed by another", async () => {
  const { service, client } = await open();
  service.setToken({ platform: "slack" }, "xoxb");
  const used: string[] = [];
  await client.withToken({ platform: "slack" }, ({ accessToken }) => ({
    status: used.push(accessToken) < 3 ? 401 : 200,
  }));
  client.reject(await client.getToken({ platform: "slack" }));
  expect([...used, (await client.getToken({ platform: "slack" })).accessToken]).toEqual(["xoxb", "xoxb-2", "xoxb-3"]);
});

test("a refusal is the service's, at once, until a token is set", async () => {
  const { service, client } = await open();
  const selector = { platform: "jira" };
  service.refuse(selector, "REAUTHORIZATION_REQUIRED", { metadata: { install_url: "https://x/" } });
  await expect(client.getToken(selector)).rejects.toMatchObject({
    ...{ reason: "REAUTHORIZATION_REQUIRED", code: "FAILED_PRECONDITION", metadata: { install_url: "https://x/" } },
  });
  service.refuse(selector, "PROVIDER_UNAVAILABLE");
  await expect(client.getToken(selector)).rejects.toMatchObject({
    reason: "PROVIDER_UNAVAILABLE",
    retryAfterMs: 60_000,
  });
  service.refuse(selector, "SERVICE_UNREACHABLE");
  await expect(client.getToken(selector)).rejects.toMatchObject({ reason: "SERVICE_UNREACHABLE" });
  service.setToken(selector, "back");
  expect((await client.getToken(selector)).accessToken).toBe("back");
});

test("what was set is connected, is listed, and can be revoked", async () => {
  const { service, client } = await open();
  service.setToken({ platform: "github", owner: "acme" }, "one");
  expect(await client.isConnected("github", "acme")).toBe(true);
  expect(await client.isConnected("github", "other")).toBe(false);
  const { installationId } = await client.getToken({ platform: "github", owner: "acme" });
  const listed = await client.installations({ platform: "github" }).next();
  expect(listed.value).toMatchObject({ id: installationId, owner: "acme", status: "INSTALLATION_STATUS_ACTIVE" });
  expect((await client.revoke(installationId)).installation.status).toBe("INSTALLATION_STATUS_REVOKED");
  await expect(client.getToken({ platform: "github", owner: "acme" })).rejects.toMatchObject({
    reason: "INSTALLATION_REVOKED",
  });
  expect(await client.isConnected("github")).toBe(false);
});
