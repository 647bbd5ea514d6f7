import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Client, ClientReadableStream } from "@grpc/grpc-js";
import { afterAll, beforeEach, expect, test } from "vitest";
import { LinkStatus, TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { createBrowser } from "../../rig/browser.ts";
import { until } from "../../rig/gate.ts";
import { connectClient, type Message } from "../support/grpc-client.ts";
import type { Replica } from "../support/service.ts";
import { approve, poll, type StartedCode } from "./support/link-codes.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const clients: Client[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});
beforeEach(async () => {
  await shared.sql`delete from link_codes`;
  await shared.sql`delete from rate_limits`;
});

const replicas = () => {
  const [first, second] = shared.service.replicas;
  if (first === undefined || second === undefined) throw new Error("there are two replicas");
  return [first, second] as const;
};
const connect = ({ internalUrl: baseUrl }: Replica) =>
  createClient(TokenService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));

async function start(replica: Replica): Promise<StartedCode> {
  const { linkCode, pollSecret, verificationUrl, verificationUrlComplete, expireTime, interval } = await connect(
    replica,
  ).startLink({ platform: "slack", owner: "acme", clientName: "ci" });
  expect([expireTime === undefined, interval?.seconds]).toEqual([false, 5n]);
  return {
    ...{ link_code: linkCode, poll_secret: pollSecret, expires_in: 600, interval: 5 },
    ...{ verification_url: verificationUrl, verification_url_complete: verificationUrlComplete },
  };
}

function overGrpc(replica: Replica, { link_code, poll_secret }: StartedCode) {
  const client = connectClient("oauth.token.v1.TokenService", replica.app.ports.grpc);
  clients.push(client);
  const seen: Message[] = [];
  const watch = client as unknown as { watchLink(...args: unknown[]): ClientReadableStream<Message> };
  const stream = watch.watchLink({ link_code, poll_secret });
  stream.on("data", (message: Message) => seen.push(message));
  const ended = new Promise<void>((resolve, reject) => stream.on("end", resolve).on("error", reject));
  return { seen, ended };
}

function overConnect(replica: Replica, { link_code: linkCode, poll_secret: pollSecret }: StartedCode) {
  const seen: LinkStatus[] = [];
  const read = async () => {
    for await (const { status } of connect(replica).watchLink({ linkCode, pollSecret })) seen.push(status);
  };
  return { seen, ended: read() };
}

test("a link is watched over gRPC at one replica and approved at the other", async () => {
  const [one, other] = replicas();
  const started = await start(one);
  const watched = overGrpc(other, started);
  await until(async () => watched.seen.length === 1, "it waits");
  await approve(createBrowser(), one, started);
  await watched.ended;
  const [waiting, connected] = watched.seen;
  expect(waiting).toMatchObject({ status: "LINK_STATUS_PENDING", access_token: "" });
  expect(connected).toMatchObject({
    ...{ status: "LINK_STATUS_CONNECTED", token_type: "Bearer" },
    installations: [{ owner: "acme", status: "INSTALLATION_STATUS_ACTIVE" }],
    account_secret: expect.stringMatching(/^[\w-]{43}$/),
  });
  const token = { access_token: String(connected?.access_token), api_base_url: String(connected?.api_base_url) };
  expect(await isAccepted("slack", token)).toBe(true);
  expect((await poll(one, started)).status).toBe(410);
});

test("a stream beside one that was delivered ends as expired", async () => {
  const [one, other] = replicas();
  const started = await start(one);
  const streams = [overConnect(one, started), overConnect(other, started)];
  await until(async () => streams.every(({ seen }) => seen.length === 1), "both wait");
  await approve(createBrowser(), other, started);
  await Promise.all(streams.map(({ ended }) => ended));
  expect(streams.map(({ seen }) => seen.at(-1)).sort()).toEqual([LinkStatus.CONNECTED, LinkStatus.EXPIRED]);
});

test("a link of a secret that is not its own is a bad request", async () => {
  const [one] = replicas();
  const started = await start(one);
  await expect(overGrpc(one, { ...started, poll_secret: "another" }).ended).rejects.toMatchObject({ code: 3 });
});
