import { randomBytes } from "node:crypto";
import { createClock, type TestClock } from "../../../rig/clock.ts";
import { createTestWorld, type TestWorld } from "../../../rig/world.ts";
import { createApiKey } from "../../../src/callers/api-key.ts";
import { type Caller, createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import type { RateLimits } from "../../../src/domain/connecting/address-rates.ts";
import type { ListedConcern } from "../../../src/domain/health/concern.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { ServiceError } from "../../../src/errors.ts";
import type { JsonAnswer, JsonCall, JsonCallContext } from "../../../src/rpc/json/json-calls.ts";
import { Secret } from "../../../src/secret.ts";
import { parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createOpaqueTokens } from "../../../src/storage/seal/opaque-tokens.ts";
import { type ConsoleOptions, createConsole } from "../../../src/web/console/create-console.ts";
import { type ConsoleBrowser, createConsoleBrowser } from "./console-browser.ts";
import { startInternal } from "./internal.ts";

type JsonRequest = Parameters<JsonCall>[0];

/** The console in front of RPCs that answer what the test says. */
export interface ConsoleSite {
  readonly port: number;
  readonly clock: TestClock;
  readonly world: TestWorld;
  readonly calls: { readonly method: string; readonly request: JsonRequest; readonly context: JsonCallContext }[];
  readonly watches: { readonly request: JsonRequest; readonly context: JsonCallContext }[];
  /** What WatchInstallations says, what happens before each message, and why it ends. */
  readonly stream: { messages: JsonRequest[]; end: JsonAnswer | undefined; before: () => void };
  readonly noted: AuditEvent[];
  /** Answers of the RPCs, by name. */
  readonly answers: Map<string, JsonAnswer>;
  /** What needs a person: shown to whoever may list it. */
  readonly concerns: ListedConcern[];
  /** Who may come in, by key. */
  readonly callers: Map<string, Caller>;
  addCaller(name: string, ...rules: readonly Partial<Rule>[]): string;
  browser(): ConsoleBrowser;
}

export const everything: Rule = {
  methods: "all",
  products: "all",
  owners: "all",
  ceilings: new Map(),
  rate: undefined,
  returnOrigins: new Set(),
  completeInCallback: true,
};

export const products = [
  { name: "github", label: "GitHub", missing: undefined },
  { name: "github-oauth", label: "GitHub", missing: [["GITHUB_OAUTH_CLIENT_ID"], ["ONE", "OTHER"]] },
  { name: "slack", label: "Slack", missing: undefined },
  { name: "sentry", label: "Sentry", missing: [["SENTRY_CLIENT_ID"]] },
];

export async function startConsole(options: Partial<ConsoleOptions> = {}): Promise<ConsoleSite> {
  const clock = createClock();
  const world = createTestWorld(clock.now);
  const keys = parseKeyRing(new Secret(randomBytes(32).toString("base64url")));
  const sealedFor = (purpose: string) => createOpaqueTokens({ keys, random: world.random, purpose });
  const calls: ConsoleSite["calls"] = [];
  const answers: ConsoleSite["answers"] = new Map();
  const callers = new Map<string, Caller>();
  const concerns: ListedConcern[] = [];
  const noted: AuditEvent[] = [];
  const watches: ConsoleSite["watches"] = [];
  const stream: ConsoleSite["stream"] = { messages: [], end: undefined, before: () => undefined };
  const call =
    (method: string): JsonCall =>
    async (request, context) => {
      calls.push({ method, request, context });
      return answers.get(method) ?? { status: 200, body: {}, retryAfterSeconds: undefined };
    };
  const consolePages = createConsole({
    ...world,
    calls: {
      listInstallations: call("ListInstallations"),
      getInstallation: call("GetInstallation"),
      listAuditEvents: call("ListAuditEvents"),
      createInstallLink: call("CreateInstallLink"),
      revokeInstallation: call("RevokeInstallation"),
    },
    async *watch(request, context) {
      watches.push({ request, context });
      for (const message of stream.messages) {
        stream.before();
        yield message;
      }
      return stream.end;
    },
    listConcerns: async ({ installationIds: ids, kind }, { access }) =>
      concerns
        .filter((one) => access.sees(one.platform, one.owner) && (kind === undefined || one.kind === kind))
        .filter(({ installationId }) => ids === undefined || ids.includes(installationId)),
    authenticate: ({ authorization }) => {
      const caller = callers.get(authorization?.replace("Bearer ", "") ?? "");
      if (caller === undefined) throw new ServiceError("CALLER_UNAUTHENTICATED", "who is that");
      return caller;
    },
    signsIn: true,
    https: false,
    sealed: { session: sealedFor("console session"), form: sealedFor("console form") },
    rateLimits: memoryRates(),
    note: (event) => noted.push(event),
    products,
    grpcDoor: () => ({ port: 50051, tls: false }),
    productsOf: (platform) => (platform === "jira" ? ["jira", "confluence"] : [platform]),
    revocationReach: () => "app",
    ...options,
  });
  const { port } = await startInternal({ consolePages, anyHost: true });
  return {
    port,
    clock,
    world,
    calls,
    watches,
    stream,
    noted,
    answers,
    concerns,
    callers,
    addCaller(name, ...rules) {
      const key = createApiKey(randomBytes).key.reveal();
      callers.set(
        key,
        createCaller(
          name,
          rules.map((rule) => ({ ...everything, ...rule })),
          "policy",
        ),
      );
      return key;
    },
    browser: () => createConsoleBrowser(port),
  };
}

function memoryRates(): Pick<RateLimits, "count" | "giveBack"> {
  const counts = new Map<string, number>();
  return {
    async count(key, { most }) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count > most ? 60_000 : 0;
    },
    giveBack: async (key) => void counts.set(key, (counts.get(key) ?? 1) - 1),
  };
}
