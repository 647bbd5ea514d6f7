import { expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { connectClient, unary } from "../support/grpc-client.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ env: { TRUSTED_PROXIES: "127.0.0.0/8" } });
const forwarded = { "x-forwarded-for": "198.51.100.9, 203.0.113.7, 127.0.0.2" };

test("every door puts the same address on record behind a trusted proxy", async () => {
  const { service, sql } = shared;
  const [replica] = service.replicas;
  const client = connectClient(TokenService.typeName, replica!.app.ports.grpc);
  const rpc = `${replica!.internalUrl}/${TokenService.typeName}/GetToken`;
  const json = { "content-type": "application/json", ...forwarded };
  const doors = {
    grpc: () => unary(client, "GetToken", { platform: "slack" }, { metadata: forwarded }),
    // The first line is the client's own, the second one the proxy's.
    "grpc in two lines": () =>
      unary(
        client,
        "GetToken",
        { platform: "slack" },
        { metadata: { "x-forwarded-for": ["198.51.100.9", "203.0.113.7, 127.0.0.2"] } },
      ),
    connect: () => fetch(rpc, { method: "POST", headers: json, body: '{"platform":"slack"}' }),
    rest: () => fetch(`${replica!.internalUrl}/oauth/token/slack`, { headers: forwarded }),
  };
  const addresses: Record<string, unknown> = {};
  for (const [door, ask] of Object.entries(doors)) {
    await service.connect("slack");
    await ask();
    const [row] =
      await sql`select address from audit_events where token_fingerprint is not null order by at desc, id desc`;
    addresses[door] = row?.address;
  }
  client.close();
  expect(addresses).toEqual(Object.fromEntries(Object.keys(doors).map((door) => [door, "203.0.113.7"])));
});

test("so do the doors for browsers", async () => {
  const { service, sql } = shared;
  const [replica] = service.replicas;
  const started = await fetch(`${replica!.publicUrl}/oauth/install/slack`, { redirect: "manual", headers: forwarded });
  const state = new URL(started.headers.get("location") ?? "").searchParams.get("state");
  const cookies = started.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
  await fetch(`${replica!.publicUrl}/oauth/callback/slack?state=${state}&error=access_denied`, {
    headers: { ...forwarded, cookie: cookies.join("; ") },
  });
  expect(await sql`select kind, address from audit_events where kind like 'install.%'`).toEqual([
    { kind: "install.failed", address: "203.0.113.7" },
  ]);
});
