import { describe, expect, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import type { InstallationFilter } from "../../src/domain/model/installation.ts";
import type { GetTokenRequest } from "../../src/domain/tokens/get-token.ts";
import { ServiceError } from "../../src/errors.ts";
import { createJsonCalls } from "../../src/rpc/json/create-json-calls.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { Secret } from "../../src/secret.ts";
import { installationJson } from "../../src/web/browser/installation-json.ts";
import { fakeUseCases, installation, installationId, issuedToken, openDoor, sealer } from "./fake-use-cases.ts";
import { refusals } from "./refusals.ts";

const context = {
  address: "127.0.0.1",
  requestId: "r-1",
  traceparent: undefined,
  authorization: undefined,
  certificateNames: [],
};

function start(useCases: Partial<UseCases> = {}) {
  const world = createTestWorld();
  const calls = createJsonCalls({
    ...world,
    ...openDoor,
    procedures: createProcedures({ useCases: fakeUseCases(useCases), sealer }),
  });
  return { calls, lines: () => world.lines.map((line) => JSON.parse(line)) };
}

describe("the JSON door", () => {
  test("answers at once and writes a token once, for as long as it is the token", async () => {
    let issued = issuedToken;
    const { calls } = start({ getToken: () => issued });
    const request = { installation_id: installationId };
    const first = calls.getToken(request, context);
    expect(first).toMatchObject({ status: 200, body: { access_token: issued.token.reveal() } });
    const again = calls.getToken({ ...request }, context);
    expect("body" in again && "body" in first && again.body === first.body).toBe(true);
    issued = { ...issued, token: new Secret("another") };
    expect(calls.getToken(request, context)).toMatchObject({ body: { access_token: "another" } });
  });

  test("speaks snake_case, names enum values and shows what is empty", async () => {
    const { calls } = start({
      listInstallations: async () => ({ installations: [installation()], next: undefined }),
    });
    const answer = await calls.listInstallations({ page_size: "10" }, context);
    expect(answer).toEqual({
      status: 200,
      retryAfterSeconds: undefined,
      body: {
        installations: [
          {
            id: installationId,
            platform: "github",
            status: "INSTALLATION_STATUS_ACTIVE",
            external_org_id: "4711",
            external_org_name: "acme",
            external_install_id: "99",
            owner: "",
            scopes: [],
            permissions: { contents: "read" },
            installed_by: "octocat",
            metadata: { account_type: "Organization" },
            last_error: "",
            create_time: "2026-01-01T00:00:00.001Z",
            update_time: "2026-01-02T00:00:00Z",
          },
        ],
        next_page_token: "",
      },
    });
  });

  test("says of an installation what the answer of a callback says", async () => {
    const at = new Date("2026-03-01T12:00:00.500Z");
    const told = { owner: "acme", lastError: "unavailable", scopes: ["repo"] };
    const instants = { tokenExpiresAt: at, lastRefreshedAt: at, lastUsedAt: at, createdAt: at, updatedAt: at };
    const known = installation({ ...told, ...instants, revokedAt: at });
    for (const one of [known, installation({ createdAt: at, updatedAt: at })]) {
      const { calls } = start({ getInstallation: async () => one });
      const { body } = await calls.getInstallation({ installation_id: installationId }, context);
      expect(body).toEqual({ installation: JSON.parse(JSON.stringify(installationJson(one))) });
    }
  });

  test("reads requests as the proto names them", async () => {
    const tokens: GetTokenRequest[] = [];
    const lists: InstallationFilter[] = [];
    const { calls } = start({
      getToken: async (request) => {
        tokens.push(request);
        return issuedToken;
      },
      listInstallations: async (filter) => {
        lists.push(filter);
        return { installations: [], next: undefined };
      },
    });
    const request = { platform: "github", external_org_id: "1", min_ttl: "90s", repository_ids: ["9007199254740993"] };
    expect((await calls.getToken(request, context)).body).toMatchObject({ access_token: "ghs_the-token" });
    await calls.listInstallations({ status: "INSTALLATION_STATUS_ACTIVE" }, context);
    expect(tokens).toMatchObject([
      {
        selector: { platform: "github", externalOrgId: "1" },
        minTtlMs: 90_000,
        narrowing: { repositoryIds: [9_007_199_254_740_993n] },
      },
    ]);
    expect(lists).toMatchObject([{ status: "active" }]);
  });

  test.each(refusals)("answers $reason with HTTP $http", async ({ reason, code, http, retry }) => {
    const { calls, lines } = start({
      revokeInstallation: async () => {
        const options = { metadata: { install_url: "u" }, ...(retry ? { retryAfterMs: 1_200 } : {}) };
        throw new ServiceError(reason, "no", options);
      },
    });
    expect(await calls.revokeInstallation({ installation_id: installationId }, context)).toEqual({
      status: http,
      body: { error: { code, reason, message: "no", metadata: { install_url: "u" } } },
      retryAfterSeconds: retry ? 2 : undefined,
    });
    expect(lines()).toMatchObject([{ method: "RevokeInstallation", code, reason, requestId: "r-1" }]);
  });

  test("names the fields that break a rule", async () => {
    const { calls } = start();
    const answer = await calls.getInstallation({ installation_id: "1" }, context);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      reason: "INVALID_REQUEST",
      violations: [{ field: "installation_id", description: "must be a UUID" }],
    });
  });

  test.each([{ platfrom: "github" }, { page_size: "many" }, { status: "ACTIVE" }])("refuses %j", async (request) => {
    const { calls } = start();
    const answer = await calls.listInstallations(request, context);
    expect(answer).toMatchObject({ status: 400, body: { error: { reason: "INVALID_REQUEST" } } });
  });

  test("tells nothing of a bug", async () => {
    const { calls, lines } = start({
      getInstallation: async () => {
        throw new Error("s3cret");
      },
    });
    expect(await calls.getInstallation({ installation_id: installationId }, context)).toEqual({
      status: 500,
      body: { error: { code: "INTERNAL", reason: "", message: "internal error", metadata: {} } },
      retryAfterSeconds: undefined,
    });
    expect(JSON.stringify(lines())).not.toContain("s3cret");
  });
});
