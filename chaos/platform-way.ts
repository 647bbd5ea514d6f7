import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { replicaHeader } from "./named-replica.ts";
import type { PlatformTraffic, RefreshUse } from "./platform-traffic.ts";

/** What a refresh meets on its way instead of the platform. `wrong_secret`: our own secret is wrong when it arrives. */
export type WayFault =
  | { readonly kind: "answer"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "hang" }
  | { readonly kind: "wrong_secret" };

/** One replica's way to one platform: it knows whose call is where, and can be broken. */
export interface PlatformWay {
  /** Refreshes of this replica that are under way. */
  readonly busy: number;
  fault: WayFault | undefined;
}

/** To one platform, for everybody: replicas are told apart by the name that they carry, browsers carry none. */
export interface PlatformRoad {
  /** Stands for the platform's own address. */
  readonly url: string;
  /** One for each replica, in order. */
  readonly ways: readonly PlatformWay[];
  close(): Promise<void>;
}

/** How long a refresh is on its way to the platform, and its answer on the way back. */
export interface WayDelays {
  readonly thereMs: number;
  readonly backMs: number;
}

interface Way extends PlatformWay {
  busy: number;
}

interface Message {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

export async function openRoad(options: {
  /** The platform's own address. */
  readonly target: string;
  readonly traffic: PlatformTraffic;
  readonly replicas: number;
  readonly delays: WayDelays;
}): Promise<PlatformRoad> {
  const { target, traffic, replicas, delays } = options;
  const ways = Array.from({ length: replicas }, (): Way => ({ busy: 0, fault: undefined }));

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const refreshToken = refreshTokenOf(body.toString("utf8"));
    if (refreshToken === undefined) return send(response, await forward(target, incoming, body));
    const replica = Number(incoming.headers[replicaHeader]);
    const way = ways[replica];
    if (way === undefined) throw new Error("a refresh of no replica");
    way.busy++;
    const use = traffic.begin(refreshToken, replica);
    try {
      const answer = await refresh(incoming, response, { body, use, met: way.fault });
      if (answer !== undefined) send(response, answer);
    } finally {
      use.end();
      way.busy--;
    }
  }

  async function refresh(
    incoming: IncomingMessage,
    response: ServerResponse,
    { body, use, met }: { readonly body: Buffer; readonly use: RefreshUse; readonly met: WayFault | undefined },
  ): Promise<Message | undefined> {
    if (met?.kind === "hang") return void (await closed(response));
    await delay(delays.thereMs);
    // Whoever was killed while its request was on the way has sent nothing.
    if (response.destroyed) return undefined;
    if (met?.kind === "answer") {
      return { status: met.status, headers: { ...met.headers }, body: Buffer.from('{"error":"chaos"}') };
    }
    const answer = await forward(target, incoming, met === undefined ? body : withWrongSecret(body));
    if (/"?access_token"?[:=]/.test(answer.body.toString("utf8"))) use.granted();
    await delay(delays.backMs);
    return answer;
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    ways,
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await ended;
    },
  };
}

/** Goes on when the caller hangs up: a platform does not notice. */
function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Message> {
  return new Promise((resolve, reject) => {
    const {
      host: _ours,
      [replicaHeader]: _replica,
      "content-length": _length,
      "transfer-encoding": _encoding,
      ...headers
    } = incoming.headers;
    const url = new URL(incoming.url ?? "/", target);
    const length = body.length > 0 ? { "content-length": body.length } : {};
    const sent = request(url, { method: incoming.method ?? "GET", headers: { ...headers, ...length } }, (reply) => {
      readAll(reply).then(
        (answer) => resolve({ status: reply.statusCode ?? 502, headers: reply.headers, body: answer }),
        reject,
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

function send(response: ServerResponse, { status, headers, body }: Message): void {
  if (response.destroyed) return;
  const { connection: _connection, "transfer-encoding": _encoding, ...rest } = headers;
  response.writeHead(status, { ...rest, "content-length": body.length }).end(body);
}

function refreshTokenOf(body: string): string | undefined {
  return /"refresh_token":"([^"]+)"/.exec(body)?.[1] ?? /(?:^|&)refresh_token=([^&]+)/.exec(body)?.[1];
}

function withWrongSecret(body: Buffer): Buffer {
  const text = body.toString("utf8");
  return Buffer.from(
    text.replace(/("client_secret":")[^"]*/, "$1wrong").replace(/((?:^|&)client_secret=)[^&]*/, "$1wrong"),
  );
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function closed(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => response.once("close", () => resolve()));
}
