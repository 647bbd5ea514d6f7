import { randomBytes } from "node:crypto";
import type { ClientHttp2Session } from "node:http2";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { createCanaries } from "../../canary/canaries.ts";
import { notePlatformSecrets } from "../../end-to-end/support/platform-secrets.ts";
import { startService, type TestService } from "../../support/service.ts";
import { type GrpcReply, grpcFrame, openSession, sendGrpc } from "./raw-grpc.ts";
import { type HttpReply, sendHttp } from "./raw-http.ts";

/** A whole service with something to steal in it, and a memory of all that came out. Valid from `beforeAll` on. */
export interface FuzzedService {
  readonly service: TestService;
  readonly ports: { readonly public: number; readonly internal: number; readonly grpc: number };
  /** Of Slack, live for the whole file. */
  readonly installationId: string;
  /** A connection that is opened anew when the one before was cut. */
  session(): Promise<ClientHttp2Session>;
  /** Keeps an answer for the search after the test. Gives it back. */
  keep<Reply extends HttpReply | GrpcReply>(reply: Reply): Reply;
}

/** Bounds of one property: whatever ends first. Of a failure, seed and smallest value are printed. */
export function within(seconds: number) {
  return { numRuns: 5_000, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false };
}

const getTokenPath = "/oauth.token.v1.TokenService/GetToken";
const inside = [
  /\bat (?:async )?(?:[\w.<>#]+ \()?(?:file:|node:|\/)[^\s]*:\d+/,
  /node_modules|node:internal|\.ts:\d/,
  new RegExp(process.cwd().replaceAll(/[^\w/]/g, "\\$&")),
  /\b(?:select|insert into|delete from|update)\b[^.]*\b(?:from|values|set|where)\b/i,
  /PostgresError|DrizzleQueryError|Failed query|relation "|syntax error at or near|TypeError|RangeError|ReferenceError/,
];

/**
 * Starts the service for the tests of a file. After each test it still serves through every door, it has logged no
 * error, and neither an answer nor the log holds a secret or tells how the inside looks. Vitest itself fails the run
 * when a rejection is handled by nobody.
 */
export function useFuzzedService(env: Readonly<Record<string, string>> = {}): FuzzedService {
  const secrets = notePlatformSecrets();
  const texts = new Set<string>();
  let service: TestService | undefined;
  let installationId = "";
  let session: ClientHttp2Session | undefined;
  let linesBefore = 0;

  const started = () => {
    if (service === undefined) throw new Error("the service is started before the tests, not before the file");
    return service;
  };
  const ports = () => {
    const [replica] = started().replicas;
    if (replica === undefined) throw new Error("there is no replica");
    return replica.app.ports;
  };
  const currentSession = async () => {
    if (session === undefined || session.closed || session.destroyed) session = await openSession(ports().grpc);
    return session;
  };

  beforeAll(async () => {
    service = await startService({
      fetch: secrets.fetch,
      sandbox: {
        github: { app: { clientSecret: secret() }, oauthApp: { clientSecret: secret() } },
        atlassian: { registration: { clientSecret: secret() } },
        slack: { registration: { clientSecret: secret(), signingSecret: secret() } },
      },
      // Rates are counted by address: whoever names another one starts anew.
      env: { TRUSTED_PROXIES: "127.0.0.0/8,::1", LOG_LEVEL: "trace", ...env },
    });
    installationId = (await service.connect("slack")).installation_id;
    await service.connect("github");
    await service.connect("jira");
  });
  afterAll(async () => {
    session?.destroy();
    await service?.close();
  });
  afterEach(async () => {
    await expectToServe();
    const lines = started().world.lines.slice(linesBefore);
    linesBefore += lines.length;
    expect(lines.filter(isBug)).toEqual([]);
    // A cause may be named in the log, never in an answer.
    expect([...texts].flatMap((text) => inside.flatMap((look) => look.exec(text)?.[0] ?? []))).toEqual([]);
    expect(search([...texts], lines)).toEqual([]);
    texts.clear();
  });

  async function expectToServe(): Promise<void> {
    const body = JSON.stringify({ installation_id: installationId });
    const json = { "content-type": "application/json" };
    const [grpc, connect, health, alive] = await Promise.all([
      sendGrpc(await openFresh(), getTokenPath, grpcFrame(Buffer.from(`\x12\x24${installationId}`))),
      sendHttp(ports().internal, { method: "POST", path: getTokenPath, headers: json, body: Buffer.from(body) }),
      sendHttp(ports().internal, { path: "/health?full=1" }),
      sendHttp(ports().public, { path: "/health" }),
    ]);
    expect([grpc.grpcStatus, connect.status, health.status, alive.status]).toEqual([0, 200, 200, 200]);
  }

  async function openFresh(): Promise<ClientHttp2Session> {
    session?.destroy();
    session = undefined;
    return currentSession();
  }

  function search(answers: readonly string[], lines: readonly string[]): readonly string[] {
    const canaries = createCanaries();
    for (const token of secrets.all) canaries.add("a token", token);
    for (const [name, value] of Object.entries(started().sandbox.environment)) {
      if (/CLIENT_SECRET|SIGNING_SECRET|PRIVATE_KEY/.test(name)) canaries.add(name, value);
    }
    canaries.add("database password", new URL(started().databaseUrl).password);
    const all = { answers, "the log": lines };
    return canaries.search(Object.entries(all).flatMap(([where, some]) => some.map((text) => ({ where, text }))));
  }

  return {
    get service() {
      return started();
    },
    get ports() {
      return ports();
    },
    get installationId() {
      return installationId;
    },
    session: currentSession,
    keep(reply) {
      // A token that was rightly handed out is no leak.
      if (!reply.text.includes("access_token") && !reply.text.includes("accessToken") && !isIssued(reply)) {
        texts.add(reply.text);
      }
      texts.add(reply.head);
      return reply;
    },
  };
}

/** Nothing that comes from outside is an error of ours. */
function isBug(line: string): boolean {
  return JSON.parse(line).level === "error";
}

/** Like nothing that a request would have by chance. */
function secret(): string {
  return randomBytes(30).toString("base64url");
}

/** Also where the caller's time or its connection ended while the token was on its way: whoever it is for asked for it. */
function isIssued(reply: HttpReply | GrpcReply): boolean {
  if (!("grpcStatus" in reply)) return false;
  const isCut = reply.grpcStatus === undefined || reply.grpcStatus === deadlineExceeded;
  // A message of a few kilobytes, uncompressed: no text of an error begins so.
  return reply.grpcStatus === 0 || (isCut && reply.text.startsWith("\0\0\0"));
}

/** Of gRPC. */
const deadlineExceeded = 4;
