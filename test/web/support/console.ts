import { randomBytes } from "node:crypto";
import { createClock, type TestClock } from "../../../rig/clock.ts";
import { createTestWorld, type TestWorld } from "../../../rig/world.ts";
import { createApiKey } from "../../../src/callers/api-key.ts";
import { type Caller, createCaller } from "../../../src/domain/access/caller.ts";
import type { Rule } from "../../../src/domain/access/rule.ts";
import type { RateLimits } from "../../../src/domain/connecting/address-rates.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { ServiceError } from "../../../src/errors.ts";
import type { JsonAnswer, JsonCall, JsonCallContext } from "../../../src/rpc/json/json-calls.ts";
import { Secret } from "../../../src/secret.ts";
import { parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createOpaqueTokens } from "../../../src/storage/seal/opaque-tokens.ts";
import { type ConsoleOptions, createConsole } from "../../../src/web/console/create-console.ts";
import { type Answer, ask } from "./http.ts";
import { startInternal } from "./internal.ts";

type JsonRequest = Parameters<JsonCall>[0];

/** The console in front of RPCs that answer what the test says. */
export interface ConsoleSite {
  readonly port: number;
  readonly clock: TestClock;
  readonly world: TestWorld;
  readonly calls: { readonly method: string; readonly request: JsonRequest; readonly context: JsonCallContext }[];
  readonly noted: AuditEvent[];
  /** Answers of the RPCs, by name. */
  readonly answers: Map<string, JsonAnswer>;
  /** Who may come in, by key. */
  readonly callers: Map<string, Caller>;
  addCaller(name: string, ...rules: readonly Partial<Rule>[]): string;
  browser(): ConsoleBrowser;
}

/** A browser as far as the console needs one: cookies, and the headers by which browsers say where a form was. */
export interface ConsoleBrowser {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Sends the form that a page has for this action, filled in. Headers that are empty are left out. */
  send(
    page: Answer,
    action: string,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  /** A body as it is. */
  raw(path: string, body: string, headers: Record<string, string>): Promise<Answer>;
  request(path: string, method: string): Promise<Answer>;
  /** Signed in, and shown the first page. */
  signIn(key: string): Promise<Answer>;
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
  { name: "github", label: "GitHub" },
  { name: "github-oauth", label: "GitHub" },
  { name: "slack", label: "Slack" },
  { name: "sentry", label: "Sentry" },
];

export async function startConsole(options: Partial<ConsoleOptions> = {}): Promise<ConsoleSite> {
  const clock = createClock();
  const world = createTestWorld(clock.now);
  const keys = parseKeyRing(new Secret(randomBytes(32).toString("base64url")));
  const sealedFor = (purpose: string) => createOpaqueTokens({ keys, random: world.random, purpose });
  const calls: ConsoleSite["calls"] = [];
  const answers: ConsoleSite["answers"] = new Map();
  const callers = new Map<string, Caller>();
  const noted: AuditEvent[] = [];
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
    revocationReach: () => "app",
    ...options,
  });
  const { port } = await startInternal({ consolePages, anyHost: true });
  return {
    port,
    clock,
    world,
    calls,
    noted,
    answers,
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

function createConsoleBrowser(port: number): ConsoleBrowser {
  const cookies = new Map<string, string>();
  const host = `localhost:${port}`;

  async function request(path: string, method: string, headers: Record<string, string>, body?: string) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const all = { host, ...(cookie === "" ? {} : { cookie }), ...headers };
    const answer = await ask(port, path, { method, headers: all, ...(body === undefined ? {} : { body }) });
    for (const line of answer.setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  const browser: ConsoleBrowser = {
    cookies,
    request: (path, method) => request(path, method, {}),
    get: (path, headers = {}) => request(path, "GET", { "sec-fetch-site": "none", ...headers }),
    post: (path, fields, headers) => browser.raw(path, new URLSearchParams(fields).toString(), headers ?? {}),
    raw: (path, body, headers) => {
      const own = { origin: `http://${host}`, "sec-fetch-site": "same-origin" };
      const type = "application/x-www-form-urlencoded";
      const all = { "content-type": type, "content-length": String(Buffer.byteLength(body)), ...own, ...headers };
      // What is empty is not sent at all.
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
      return request(path, "POST", given, body);
    },
    send: (page, action, fields = {}, headers = {}) =>
      browser.post(action, { ...hiddenFields(page.text, action), ...fields }, headers),
    async signIn(key) {
      const signedIn = await browser.send(await browser.get("/console"), "/console/sign-in", { key });
      if (signedIn.status !== 303) throw new Error(`signing in was answered with ${signedIn.status}`);
      return browser.get(signedIn.headers.location ?? "", { "sec-fetch-site": "same-origin" });
    },
  };
  return browser;
}

/** What the form with this action sends along. */
export function hiddenFields(page: string, action: string): Record<string, string> {
  const form = page.split(`<form method="post" action="${action}">`)[1]?.split("</form>")[0];
  if (form === undefined) throw new Error(`the page has no form for ${action}`);
  const inputs = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...inputs].map(([, name = "", value = ""]) => [name, value.replaceAll("&amp;", "&")]));
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
