import { connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import type { TestWorld } from "../../rig/world.ts";
import type { Call } from "../../src/domain/model/call.ts";
import type { GetTokenRequest } from "../../src/domain/tokens/get-token.ts";
import { ServiceError } from "../../src/errors.ts";
import { createHealthStatus } from "../../src/rpc/grpc/health-status.ts";
import { listenGrpc } from "../../src/rpc/grpc/listen-grpc.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { detailsOf, unary } from "../support/grpc-client.ts";
import { fakeUseCases, installationId, openDoor, sealer } from "./fake-use-cases.ts";
import { useGrpc } from "./grpc-server.ts";
import { refusals } from "./refusals.ts";

const service = "oauth.token.v1.TokenService";
const startGrpc = useGrpc();

async function start(useCases: Partial<UseCases> = {}) {
  const grpc = await startGrpc(useCases);
  return { ...grpc, client: grpc.client(service), another: () => grpc.client(service) };
}

function logged(world: TestWorld): Record<string, unknown>[] {
  return world.lines.map((line) => JSON.parse(line));
}

describe("the gRPC door", () => {
  test("answers GetToken with the token, as a client sees it that has only the proto files", async () => {
    const { client } = await start();
    const { response } = await unary(client, "GetToken", { platform: "github" });
    expect(response).toEqual({
      access_token: "ghs_the-token",
      token_type: "Bearer",
      expire_time: { seconds: "1893553445", nanos: 678_000_000 },
      scopes: ["repo"],
      permissions: { contents: "read" },
      installation_id: installationId,
      external_org_id: "4711",
      token_id: "a".repeat(64),
      api_base_url: "https://api.github.com",
    });
  });

  test("answers every other RPC", async () => {
    const { client } = await start();
    const list = await unary(client, "ListInstallations", {});
    expect(list.response).toEqual({ installations: [], next_page_token: "" });
    const got = await unary(client, "GetInstallation", { installation_id: installationId });
    expect(got.response).toMatchObject({ installation: { status: "INSTALLATION_STATUS_ACTIVE", revoke_time: null } });
    const revoked = await unary(client, "RevokeInstallation", { installation_id: installationId });
    expect(revoked.response).toMatchObject({
      installation: { status: "INSTALLATION_STATUS_REVOKED" },
      provider_revocation: "PROVIDER_REVOCATION_REVOKED",
    });
  });

  test.each(refusals)("refuses $reason with $code and exactly one ErrorInfo", async ({ reason, number, retry }) => {
    const { client } = await start({
      getToken: async () => {
        throw new ServiceError(reason, "no, because – reasons", {
          metadata: { install_url: "https://x.test" },
          ...(retry ? { retryAfterMs: 1_500 } : {}),
        });
      },
    });
    const { error } = await unary(client, "GetToken", { platform: "github" });
    expect(error?.code).toBe(number);
    expect(error?.details).toBe("no, because – reasons");
    const details = detailsOf(error);
    expect(details.filter(({ type }) => type === "google.rpc.ErrorInfo")).toEqual([
      {
        type: "google.rpc.ErrorInfo",
        value: { reason, domain: "oauth.token.v1", metadata: { install_url: "https://x.test" } },
      },
    ]);
    expect(details.filter(({ type }) => type === "google.rpc.RetryInfo").map(({ value }) => value)).toEqual(
      retry ? [{ retry_delay: { seconds: "1", nanos: 500_000_000 } }] : [],
    );
  });

  test("promises a time to retry even where the refusal names none", async () => {
    const { client } = await start({
      getToken: async () => {
        throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
      },
    });
    const { error } = await unary(client, "GetToken", { platform: "github" });
    expect(detailsOf(error).map(({ type }) => type)).toEqual(["google.rpc.ErrorInfo", "google.rpc.RetryInfo"]);
  });

  test("reports all violations of a request, and calls no use case", async () => {
    const { client } = await start({
      getToken: async () => {
        throw new Error("was called");
      },
    });
    const { error } = await unary(client, "GetToken", {
      installation_id: "1",
      repository_ids: [0],
      repositories: ["a"],
    });
    expect(error?.code).toBe(status.INVALID_ARGUMENT);
    const badRequest = detailsOf(error).find(({ type }) => type === "google.rpc.BadRequest")?.value;
    expect(badRequest).toMatchObject({
      field_violations: [{ field: "installation_id" }, { field: "repository_ids[0]" }, { field: "repositories" }],
    });
  });

  test("keeps trailers small, whatever a request does wrong", async () => {
    const { client } = await start();
    const permissions = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`${n + 10}${"\u{1F600}".repeat(300)}`, "x"]),
    );
    const { error } = await unary(client, "GetToken", { platform: "github", permissions });
    expect(error?.code).toBe(status.INVALID_ARGUMENT);
    expect(error?.metadata.get("grpc-status-details-bin")[0]?.length).toBeLessThan(8_000);
  });

  test("takes a message that is no protobuf for an invalid request", async () => {
    const { client } = await start();
    const error = await new Promise<Parameters<typeof detailsOf>[0]>((resolve) =>
      client.makeUnaryRequest(
        `/${service}/GetToken`,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        Buffer.from([0x0a, 0xff]),
        (failure) => resolve(failure ?? undefined),
      ),
    );
    expect(error?.code).toBe(status.INVALID_ARGUMENT);
    expect(detailsOf(error)[0]?.value).toMatchObject({ reason: "INVALID_REQUEST" });
  });

  test("refuses messages of more than 64 KiB", async () => {
    const { client } = await start();
    const { error } = await unary(client, "GetToken", { platform: "x".repeat(65 * 1024) });
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  test("does not implement what is not in the descriptor", async () => {
    const { client } = await start();
    const error = await new Promise<{ code: number } | null>((resolve) =>
      client.makeUnaryRequest(
        `/${service}/StealToken`,
        (b: Buffer) => b,
        (b) => b,
        Buffer.alloc(0),
        resolve,
      ),
    );
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });

  test("tells nothing of a bug, and logs no message that may hold values", async () => {
    const { client, world } = await start({
      getToken: async () => {
        const cause = Object.assign(new Error("duplicate key (token)=(s3cret)"), { code: "23505" });
        throw new Error("Failed query: insert into credentials\nparams: s3cret\n    at s3cret", { cause });
      },
    });
    const { error } = await unary(
      client,
      "GetToken",
      { platform: "github" },
      { metadata: { "x-request-id": "req-7" } },
    );
    expect(error?.code).toBe(status.INTERNAL);
    expect(error?.details).toBe("internal error");
    expect(detailsOf(error)).toEqual([]);
    expect(logged(world)).toMatchObject([
      {
        level: "error",
        code: "INTERNAL",
        requestId: "req-7",
        error: { name: "Error", stack: expect.any(Array), cause: { code: "23505" } },
      },
    ]);
    expect(world.lines.join()).toContain("grpc.test.ts");
    expect(world.lines.join()).not.toContain("s3cret");
  });

  test.each(["AbortError", "TimeoutError"])("does not take an %s of ours for a caller that hung up", async (name) => {
    const { client } = await start({
      getToken: async () => {
        throw new DOMException("aborted", name);
      },
    });
    const { error } = await unary(client, "GetToken", { platform: "github" });
    expect(error?.code).toBe(status.INTERNAL);
  });

  test("writes one log line per call, and no content", async () => {
    const { client, world } = await start({
      getInstallation: async () => {
        throw new ServiceError("INSTALLATION_NOT_FOUND", "there is no such installation");
      },
    });
    await unary(client, "GetToken", { platform: "github", owner: "acme-owner" });
    await unary(client, "GetInstallation", { installation_id: installationId });
    expect(logged(world)).toEqual([
      {
        level: "debug",
        event: "rpc",
        method: "GetToken",
        code: "OK",
        ms: expect.any(Number),
        caller: "anonymous",
        requestId: expect.stringMatching(/^[0-9a-f]{24}$/),
      },
      {
        level: "info",
        event: "rpc",
        method: "GetInstallation",
        code: "NOT_FOUND",
        reason: "INSTALLATION_NOT_FOUND",
        ms: expect.any(Number),
        caller: "anonymous",
        requestId: expect.stringMatching(/^[0-9a-f]{24}$/),
      },
    ]);
    expect(world.lines.join()).not.toMatch(/ghs_|acme-owner/);
  });

  test("tells the use case who asks and how long they wait", async () => {
    const calls: Call[] = [];
    const left: number[] = [];
    const { client } = await start({
      getToken: async (_request: GetTokenRequest, call) => {
        calls.push(call);
        left.push(call.remainingMs());
        return fakeUseCases().getToken(_request, call);
      },
    });
    const ask = (settings: Parameters<typeof unary>[3]) => unary(client, "GetToken", { platform: "github" }, settings);
    await ask({ metadata: { "x-request-id": "from-caller" } });
    await ask({ deadlineMs: 5_000, metadata: { "x-request-id": "x".repeat(129) } });
    await ask({ deadlineMs: 600_000, metadata: { "x-request-id": "two words" } });
    const { caller, address, method } = calls[0]!;
    expect({ caller, address, method }).toEqual({ caller: "anonymous", address: "127.0.0.1", method: "GetToken" });
    expect(calls.map(({ requestId }) => requestId)).toEqual([
      "from-caller",
      expect.stringMatching(/^[0-9a-f]{24}$/),
      expect.stringMatching(/^[0-9a-f]{24}$/),
    ]);
    expect(calls[1]?.requestId).not.toBe(calls[2]?.requestId);
    expect(left[0]).toBeGreaterThan(9_000);
    expect(left[0]).toBeLessThanOrEqual(10_000);
    expect(left[1]).toBeLessThanOrEqual(5_000);
    expect(left[1]).toBeGreaterThan(4_000);
    expect(left[2]).toBeGreaterThan(59_000);
    expect(left[2]).toBeLessThanOrEqual(60_000);
  });

  test("goes on when the caller hangs up", async () => {
    const asked = createGate();
    const proceed = createGate();
    const finished = createGate();
    const { client } = await start({
      getToken: async (request, call) => {
        asked.open();
        await proceed.opened;
        finished.open();
        return fakeUseCases().getToken(request, call);
      },
    });
    const hungUp = unary(client, "GetToken", { platform: "github" }, { deadlineMs: 200 });
    await asked.opened;
    expect((await hungUp).error?.code).toBe(status.DEADLINE_EXCEEDED);
    proceed.open();
    await finished.opened;
  });
});

describe("closing the gRPC door", () => {
  test("lets a call under way finish and takes no new one", async () => {
    const asked = createGate();
    const proceed = createGate();
    const { client, another, listener } = await start({
      getToken: async (request, call) => {
        asked.open();
        await proceed.opened;
        return fakeUseCases().getToken(request, call);
      },
    });
    const underWay = unary(client, "GetToken", { platform: "github" });
    await asked.opened;
    const closed = listener.close(20_000);
    expect((await unary(another(), "GetToken", { platform: "github" }, { deadlineMs: 5_000 })).error?.code).toBe(
      status.UNAVAILABLE,
    );
    proceed.open();
    expect((await underWay).response).toMatchObject({ access_token: "ghs_the-token" });
    await closed;
  });

  test("is not held up by idle connections", async () => {
    const { listener } = await start();
    const idle = connect(`http://127.0.0.1:${listener.port}`);
    await new Promise((resolve) => idle.once("remoteSettings", resolve));
    const ended = new Promise((resolve) => idle.once("close", resolve));
    await listener.close(60_000);
    await ended;
  });

  test("refuses what does not finish in time", async () => {
    const asked = createGate();
    const { client, listener } = await start({
      getToken: () => {
        asked.open();
        return new Promise(() => undefined);
      },
    });
    const stuck = unary(client, "GetToken", { platform: "github" });
    await asked.opened;
    await listener.close(10);
    const { error } = await stuck;
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(detailsOf(error)[0]?.value).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
  });

  test("cuts a connection whose request never ends", async () => {
    const { listener } = await start();
    const session = connect(`http://127.0.0.1:${listener.port}`);
    session.on("error", () => undefined);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const ended = new Promise((resolve) => session.once("close", resolve));
    const stream = session.request({
      ":method": "POST",
      ":path": `/${service}/GetToken`,
      "content-type": "application/grpc",
    });
    stream.on("error", () => undefined);
    stream.write(Buffer.from([0, 0, 0, 0, 9]));
    await new Promise((resolve) => session.ping(resolve));
    await listener.close(10);
    await ended;
  });

  test("says which address cannot be bound", async () => {
    const { listener, world } = await start();
    const procedures = createProcedures({ useCases: fakeUseCases(), sealer });
    const address = { host: "127.0.0.1", port: listener.port };
    const options = { ...world, ...openDoor, ...address, procedures, health: createHealthStatus() };
    await expect(listenGrpc(options)).rejects.toThrow(`127.0.0.1:${listener.port}`);
  });
});
