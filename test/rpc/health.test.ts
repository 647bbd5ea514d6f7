import type { Client, ClientReadableStream } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { connectClient, type Message, unary } from "../support/grpc-client.ts";
import { useGrpc } from "./grpc-server.ts";

const start = useGrpc();
const service = "grpc.health.v1.Health";
const tokenService = "oauth.token.v1.TokenService";

function watch(client: Client, name: string) {
  const method = (client as unknown as Record<string, (request: Message) => ClientReadableStream<Message>>).Watch;
  const stream = method?.call(client, { service: name });
  if (stream === undefined) throw new Error("no Watch");
  const seen = stream[Symbol.asyncIterator]();
  return { next: async () => (await seen.next()).value?.status, cancel: () => stream.cancel() };
}

describe("the health service", () => {
  test.each(["", tokenService])("checks %j", async (name) => {
    const { health, client } = await start();
    const check = async () => (await unary(client(service), "Check", { service: name })).response?.status;
    expect(await check()).toBe("NOT_SERVING");
    health.set("SERVING");
    expect(await check()).toBe("SERVING");
    health.set("NOT_SERVING");
    expect(await check()).toBe("NOT_SERVING");
  });

  test("does not know other services", async () => {
    const { client } = await start();
    const { error } = await unary(client(service), "Check", { service: "oauth.token.v1.OtherService" });
    expect(error?.code).toBe(status.NOT_FOUND);
  });

  test("lists both", async () => {
    const { health, client } = await start();
    health.set("SERVING");
    expect((await unary(client(service), "List", {})).response).toEqual({
      statuses: { "": { status: "SERVING" }, [tokenService]: { status: "SERVING" } },
    });
  });

  test("tells a watcher the status and every change of it", async () => {
    const { health, client } = await start();
    const watcher = watch(client(service), tokenService);
    expect(await watcher.next()).toBe("NOT_SERVING");
    health.set("SERVING");
    expect(await watcher.next()).toBe("SERVING");
    health.set("SERVING");
    health.set("NOT_SERVING");
    expect(await watcher.next()).toBe("NOT_SERVING");
    watcher.cancel();
  });

  test("keeps the watch of an unknown service open", async () => {
    const { health, client } = await start();
    const watcher = watch(client(service), "unknown");
    expect(await watcher.next()).toBe("SERVICE_UNKNOWN");
    health.set("SERVING");
    const further = watcher.next();
    expect(
      await Promise.race([further.catch(() => "ended"), unary(client(service), "List", {}).then(() => "open")]),
    ).toBe("open");
    watcher.cancel();
    await expect(further).rejects.toThrow();
  });

  test.each(["x".repeat(257), "two words", "a/b", "ä"])("refuses to watch %s, which is no name", async (name) => {
    const { client } = await start();
    await expect(watch(client(service), name).next()).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("refuses more watches than a connection, or all of them, may have", async () => {
    const { listener } = await start({}, { streams: { perConnection: 2, inAll: 3 } });
    // Clients of one address and channel share a connection.
    const one = connectClient(service, listener.port, { "grpc.use_local_subchannel_pool": 1 });
    const other = connectClient(service, listener.port, { "grpc.use_local_subchannel_pool": 1 });
    onTestFinished(() => {
      one.close();
      other.close();
    });
    const kept = [watch(one, ""), watch(one, "unknown"), watch(other, "")];
    for (const watcher of kept) await watcher.next();
    const tooMany = { code: status.RESOURCE_EXHAUSTED };
    await expect(watch(one, "").next()).rejects.toMatchObject(tooMany);
    await expect(watch(other, "").next()).rejects.toMatchObject(tooMany);
    kept[0]?.cancel();
    await expect(kept[0]?.next()).rejects.toThrow();
    await until(async () => {
      const again = watch(one, "");
      return again.next().then(
        (seen) => {
          again.cancel();
          return seen === "NOT_SERVING";
        },
        () => false,
      );
    }, "a place of a watch that ended is free");
    expect((await unary(one, "Check", { service: "" })).response?.status).toBe("NOT_SERVING");
  });

  test("ends watches when the server closes, as trouble of this replica alone", async () => {
    const { listener, client } = await start();
    const watcher = watch(client(service), "");
    await watcher.next();
    const ended = watcher.next();
    ended.catch(() => undefined);
    await listener.close(60_000);
    await expect(ended).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });
});
