import { afterEach } from "vitest";
import { createTestWorld, type TestWorld } from "../../../rig/world.ts";
import type { JsonAnswer, JsonCall, JsonCallContext } from "../../../src/rpc/json/json-calls.ts";
import { createClientAddress } from "../../../src/web/client-address.ts";
import { createInternalApp, type InternalAppOptions } from "../../../src/web/internal/internal-app.ts";
import { listen } from "../../../src/web/listen.ts";
import { call as callOf } from "../../support/call.ts";
import { type Answer, type Asked, ask } from "./http.ts";

type JsonRequest = Parameters<JsonCall>[0];

export interface Internal {
  readonly port: number;
  readonly world: TestWorld;
  /** What was called, with which request. */
  readonly calls: { readonly method: string; readonly request: JsonRequest; readonly context: JsonCallContext }[];
  ask(path: string, asked?: Asked): Promise<Answer>;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** The internal app on a port of its own, its calls answered with `answer`; closed after the test. */
export async function startInternal(
  options: Partial<InternalAppOptions> & { readonly answer?: Partial<JsonAnswer> } = {},
): Promise<Internal> {
  const world = createTestWorld();
  const calls: Internal["calls"] = [];
  const call =
    (method: string): JsonCall =>
    async (request, context) => {
      calls.push({ method, request, context });
      return { status: 200, body: { answered: method }, retryAfterSeconds: undefined, ...options.answer };
    };
  const app = createInternalApp({
    ...world,
    connect: (_request, response) => void response.end("connect"),
    calls: {
      getToken: call("GetToken"),
      listInstallations: call("ListInstallations"),
      revokeInstallation: call("RevokeInstallation"),
    },
    readHealth: async () => ({ ok: true, parts: {} }),
    addressOf: createClientAddress([]),
    certificateNamesOf: () => [],
    anyHost: false,
    admitToMetrics: async () => callOf({ method: "Metrics" }),
    ...options,
  });
  const listener = await listen(app, { host: "127.0.0.1", port: 0 });
  closers.push(() => listener.close(0));
  return { port: listener.port, world, calls, ask: (path, asked) => ask(listener.port, path, asked) };
}
