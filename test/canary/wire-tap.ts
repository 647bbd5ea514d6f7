import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Canaries } from "./canaries.ts";

/** Stands before a platform: learns the secrets that pass in either direction, and can answer in its place. */
export interface WireTap {
  readonly url: string;
  /** Decides about each request before the platform sees it; undefined lets it pass. */
  answer: (request: TappedRequest) => TappedAnswer | undefined;
  close(): Promise<void>;
}

export interface TappedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TappedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends the connection before the body is complete. */
  readonly broken?: boolean;
}

export async function tapPlatform(origin: string, canaries: Canaries): Promise<WireTap> {
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  // Under load a client may come back after longer than the usual five seconds, just as its connection is closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const tap: WireTap = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: () => undefined,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    const body = await read(request);
    learnFromRequest(canaries, headers, body);
    const answer = tap.answer({ method, path: url.split("?", 1)[0] ?? "", headers, body });
    if (answer !== undefined) return reply(response, answer);
    const real = await forward(origin + url, method, headers, body);
    const text = await read(real);
    learn(canaries, text);
    learnFromUrl(canaries, real.headers.location);
    response.writeHead(real.statusCode ?? 502, real.headers).end(text);
  }

  return tap;
}

function reply(response: ServerResponse, { status, headers, body, broken }: TappedAnswer): void {
  const length = Buffer.byteLength(body) + (broken === true ? 10 : 0);
  response.writeHead(status, { "content-type": "application/json", "content-length": length, ...headers });
  if (broken === true) response.write(body, () => response.destroy());
  else response.end(body);
}

function forward(url: string, method: string, headers: IncomingHttpHeaders, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { host: _, ...rest } = headers;
    send(url, { method, headers: { ...rest, connection: "close" }, agent: false }, resolve)
      .once("error", reject)
      .end(body);
  });
}

async function read(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function learnFromRequest(canaries: Canaries, { authorization = "" }: IncomingHttpHeaders, body: string): void {
  const [scheme, credentials = ""] = authorization.split(" ");
  if (scheme === "Bearer") canaries.add(credentials.startsWith("eyJ") ? "app JWT or token" : "token", credentials);
  if (scheme === "Basic") {
    const [, secret] = Buffer.from(credentials, "base64").toString("utf8").split(":");
    canaries.add("client secret", secret && decodeURIComponent(secret));
  }
  learn(canaries, body);
}

const secretFields: Readonly<Record<string, string>> = {
  access_token: "access token",
  token: "access token",
  refresh_token: "refresh token",
  client_secret: "client secret",
  code: "code",
  code_verifier: "PKCE verifier",
};

/** Reads JSON or a form; what is neither holds nothing that was issued. */
function learn(canaries: Canaries, body: string): void {
  try {
    learnFromJson(canaries, JSON.parse(body));
  } catch {
    for (const [name, value] of new URLSearchParams(body)) canaries.add(secretFields[name] ?? "", known(name, value));
  }
}

function learnFromJson(canaries: Canaries, value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, field] of Object.entries(value)) {
    if (typeof field === "string") canaries.add(secretFields[name] ?? "", known(name, field));
    else learnFromJson(canaries, field);
  }
}

/** Codes and states as they stand in the address a browser is sent to. */
export function learnFromUrl(canaries: Canaries, location: string | undefined): void {
  if (location === undefined) return;
  const { searchParams } = new URL(location, "http://nowhere.invalid");
  for (const name of ["code", "state"]) canaries.add(name, searchParams.get(name) ?? undefined);
}

function known(name: string, value: string): string | undefined {
  return Object.hasOwn(secretFields, name) ? value : undefined;
}
