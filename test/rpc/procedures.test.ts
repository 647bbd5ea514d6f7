import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { InstallationStatus } from "../../gen/oauth/token/v1/installation_pb.js";
import {
  Actor,
  GetTokenRequestSchema,
  ListInstallationsRequestSchema,
  ProviderRevocation,
  RevokeInstallationRequestSchema,
  TokenService,
} from "../../gen/oauth/token/v1/token_service_pb.js";
import type { InstallationFilter, Position } from "../../src/domain/model/installation.ts";
import type { GetTokenRequest } from "../../src/domain/tokens/get-token.ts";
import type { Method } from "../../src/rpc/method.ts";
import type { methods, UseCases } from "../../src/rpc/methods.ts";
import { createProcedures, type Procedures } from "../../src/rpc/procedures.ts";
import type { RpcName } from "../../src/rpc/rpc-names.ts";
import { call } from "../support/call.ts";
import { fakeUseCases, installation, installationId, issuedToken, sealer } from "./fake-use-cases.ts";

function start(useCases: Partial<UseCases> = {}): Procedures {
  return createProcedures({ useCases: fakeUseCases(useCases), sealer });
}

describe("procedures", () => {
  test("exist for every RPC of the descriptor, or it does not compile", () => {
    expect(Object.keys(start()).toSorted()).toEqual(Object.keys(TokenService.method).toSorted());
    type Complete<Candidate> = Candidate extends Procedures ? "compiles" : "does not compile";
    const complete: Complete<Procedures> = "compiles";
    const lacking: Complete<Omit<Procedures, "getInstallation">> = "does not compile";
    expect([complete, lacking]).toEqual(["compiles", "does not compile"]);
    type Fits<Name extends RpcName> =
      (typeof methods)[Name] extends Method<"getInstallation", never> ? "compiles" : "does not compile";
    const own: Fits<"getInstallation"> = "compiles";
    const other: Fits<"getToken"> = "does not compile";
    expect([own, other]).toEqual(["compiles", "does not compile"]);
  });

  async function translated(request: MessageInitShape<typeof GetTokenRequestSchema>): Promise<GetTokenRequest> {
    const seen: GetTokenRequest[] = [];
    const getToken: UseCases["getToken"] = async (translatedRequest) => {
      seen.push(translatedRequest);
      return issuedToken;
    };
    await start({ getToken }).getToken(create(GetTokenRequestSchema, request), call());
    const [first] = seen;
    if (first === undefined) throw new Error("the use case was not called");
    return first;
  }

  test("take what is empty for not given", async () => {
    expect(await translated({ platform: "github", github: {} })).toEqual({
      selector: {
        installationId: undefined,
        platform: "github",
        externalOrgId: undefined,
        externalInstallId: undefined,
        owner: undefined,
        actor: undefined,
        externalUserId: undefined,
      },
      minTtlMs: undefined,
      rejectedTokenId: undefined,
      narrowing: undefined,
    });
  });

  test("pass on everything that is given", async () => {
    const request = {
      platform: "slack",
      installationId,
      externalOrgId: "T1",
      externalInstallId: "2",
      owner: "acme",
      actor: Actor.USER,
      externalUserId: "U1",
      minTtl: { seconds: 90n, nanos: 1 },
      rejectedTokenId: "f00",
    };
    expect(await translated(request)).toMatchObject({
      selector: {
        installationId,
        externalOrgId: "T1",
        externalInstallId: "2",
        owner: "acme",
        actor: "user",
        externalUserId: "U1",
      },
      minTtlMs: 90_001,
      rejectedTokenId: "f00",
    });
    expect((await translated({ platform: "slack", actor: Actor.APP })).selector.actor).toBe("app");
  });

  test("take the short narrowing for the long one", async () => {
    const narrowing = { repositoryIds: [7n], repositories: [], permissions: { contents: "read" } };
    expect((await translated({ platform: "github", ...narrowing })).narrowing).toEqual(narrowing);
    expect((await translated({ platform: "github", github: narrowing })).narrowing).toEqual(narrowing);
    const permissionsOnly = { repositoryIds: [], repositories: [], permissions: { contents: "read" } };
    expect((await translated({ platform: "github", github: permissionsOnly })).narrowing).toEqual(permissionsOnly);
  });

  test("leave the expiry out where the platform names none", async () => {
    const procedures = start({ getToken: async () => ({ ...issuedToken, expiresAt: undefined }) });
    const response = await procedures.getToken(create(GetTokenRequestSchema, { platform: "slack" }), call());
    expect(response).not.toHaveProperty("expireTime");
  });

  test.each([
    ["revoked", ProviderRevocation.REVOKED],
    ["unsupported", ProviderRevocation.UNSUPPORTED],
    ["failed", ProviderRevocation.FAILED],
    ["shared", ProviderRevocation.SHARED],
    [undefined, ProviderRevocation.UNSPECIFIED],
  ] as const)("report the revocation outcome %s", async (providerRevocation, expected) => {
    const reasons: string[] = [];
    const procedures = start({
      revokeInstallation: async (_id, reason) => {
        reasons.push(reason);
        return { installation: installation({ status: "revoked" }), providerRevocation };
      },
    });
    const request = create(RevokeInstallationRequestSchema, { installationId, reason: "left" });
    const response = await procedures.revokeInstallation(request, call());
    expect(response).toMatchObject({
      providerRevocation: expected,
      installation: { status: InstallationStatus.REVOKED },
    });
    expect(reasons).toEqual(["left"]);
  });
});

describe("pages of installations", () => {
  function pages(next: Position | undefined) {
    const asked: { filter: InstallationFilter; size: number; after: Position | undefined }[] = [];
    const procedures = start({
      listInstallations: async (filter, { size, after }) => {
        asked.push({ filter, size, after });
        return { installations: [], next };
      },
    });
    const list = (request: MessageInitShape<typeof ListInstallationsRequestSchema>) =>
      procedures.listInstallations(create(ListInstallationsRequestSchema, request), call());
    return { asked, list };
  }

  const next: Position = { createdAt: new Date("2026-03-01T00:00:00.123Z"), id: installationId };
  const invalid = { reason: "INVALID_REQUEST", violations: [{ field: "page_token" }] };

  test("have 50 entries unless asked otherwise, and never more than 500", async () => {
    const { asked, list } = pages(undefined);
    for (const pageSize of [0, 1, 500, 501]) await list({ pageSize });
    expect(asked.map(({ size }) => size)).toEqual([50, 1, 500, 500]);
  });

  test("continue where the last one ended", async () => {
    const { asked, list } = pages(next);
    const filter = { platform: "jira", status: InstallationStatus.ACTIVE, owner: "acme" };
    const { nextPageToken } = await list(filter);
    await list({ ...filter, pageSize: 7, pageToken: nextPageToken ?? "" });
    expect(asked[1]).toMatchObject({
      after: next,
      size: 7,
      filter: { platform: "jira", status: "active", owner: "acme" },
    });
  });

  test("end with an empty token", async () => {
    expect((await pages(undefined).list({})).nextPageToken).toBe("");
  });

  test.each([
    { platform: "jira" },
    { status: InstallationStatus.ACTIVE },
    { externalOrgId: "1" },
    { externalInstallId: "1" },
    { owner: "acme" },
  ])("do not continue under another filter: %j", async (other) => {
    const { list } = pages(next);
    const { nextPageToken = "" } = await list({});
    await expect(list({ ...other, pageToken: nextPageToken })).rejects.toMatchObject(invalid);
  });

  test.each(["rubbish", sealer.seal("rubbish"), sealer.seal("[]"), sealer.seal('["2026",7,"x"]'), sealer.seal("{}")])(
    "do not continue from %s",
    async (pageToken) => {
      await expect(pages(next).list({ pageToken })).rejects.toMatchObject(invalid);
    },
  );
});
