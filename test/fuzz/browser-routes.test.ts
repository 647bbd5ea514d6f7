import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { headerText, text } from "./support/messages.ts";
import { type HttpReply, sendBytes, sendHttp } from "./support/raw-http.ts";
import { expectOurHeaders } from "./support/refusals.ts";
import { query, segment } from "./support/targets.ts";

const fuzzed = useFuzzedService();
const platforms = ["github", "github-oauth", "jira", "slack", "sentry"];
const parameters = [
  ...["code", "state", "error", "error_description", "iss", "installation_id", "setup_action", "scope"],
  ...["link", "owner", "return_to", "popup", "flow", "ots_at_base"],
];
const platform = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...platforms, "confluence") },
  { weight: 1, arbitrary: segment },
);
/** Rates are counted by address. */
let visitors = 0;
/** What a browser has that went to a platform's page and has not come back. */
const begun: { readonly platform: string; readonly state: string; readonly cookie: string }[] = [];

beforeEach(async () => {
  begun.length = 0;
  for (const name of platforms) for (let times = 0; times < 5; times++) begun.push(await begin(name));
});

async function visit(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<HttpReply> {
  const number = visitors++;
  const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  const host = new URL(fuzzed.service.replicas[0]?.publicUrl ?? "").host;
  const all = { host, "x-forwarded-for": address, ...headers };
  return fuzzed.keep(await sendHttp(fuzzed.ports.public, { method, path, headers: all }));
}

async function begin(name: string) {
  const { headers } = await visit(`/oauth/install/${name}`);
  const [cookie = ""] = String(headers["set-cookie"]).split(";");
  const state = new URL(String(headers.location)).searchParams.get("state") ?? "";
  expect(state).not.toBe("");
  return { platform: name, state, cookie };
}

/** A page or JSON for a person, or the way to the platform; never a server's own words. */
function expectPage(reply: HttpReply): void {
  expectOurHeaders(reply);
  // To who says that it has whatever there is.
  if (reply.status === 304) return;
  if (reply.status >= 300 && reply.status < 400) {
    const { origin } = new URL(String(reply.headers.location));
    const { sandbox, replicas } = fuzzed.service;
    const { github, atlassian, slack, sentry } = sandbox;
    const ways = [...[github, atlassian, slack, sentry].map(({ url }) => url), replicas[0]?.publicUrl ?? ""];
    expect(ways.map((way) => new URL(way).origin)).toContain(origin);
    return;
  }
  const type = String(reply.headers["content-type"]);
  if (type.startsWith("application/json")) {
    const { success, error } = JSON.parse(reply.text);
    expect(success === true || typeof error.code === "string").toBe(true);
  } else {
    expect(type).toBe("text/html; charset=utf-8");
    expect(reply.text).toMatch(/^<!doctype html>/i);
    expect(reply.text).not.toMatch(/<script|javascript:|\{\{7\*7\}\}/i);
  }
}

const accept = fc.constantFrom("application/json", "text/html", "*/*", "", "application/json;q=x", "a/b, ;q=,");

test("install and callback with any query", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("install", "callback"),
      platform,
      query(parameters),
      accept,
      async (route, name, asked, accepted) => {
        expectPage(await visit(`/oauth/${route}/${name}?${asked}`, { accept: accepted }));
      },
    ),
    within(5),
  );
});

test("callbacks of attempts that are under way, with any code, cookie and addition", async () => {
  const values = fc.oneof(text(), fc.constantFrom("code", "access_denied", "redirect_uri_mismatch", "1", "install"));
  const more = fc.array(fc.tuple(fc.constantFrom(...parameters), values), { maxLength: 4 });
  const cookies = fc.constantFrom("own", "own", "own", "none", "other", "twice", "odd");
  const chosen = fc.nat({ max: platforms.length * 5 - 1 });
  await fc.assert(
    fc.asyncProperty(
      chosen,
      fc.nat({ max: platforms.length * 5 - 1 }),
      cookies,
      more,
      headerText,
      accept,
      async (at, elsewhere, cookie, pairs, odd, accepted) => {
        const attempt = begun[at];
        if (attempt === undefined) throw new Error("there is no such attempt");
        const sent: Readonly<Record<string, string>> = {
          own: attempt.cookie,
          none: "",
          other: begun[elsewhere]?.cookie ?? "",
          twice: `${attempt.cookie}; ${attempt.cookie.split("=")[0]}=x`,
          odd: `${odd}; ${attempt.cookie.split("=")[0]}=${odd}`,
        };
        const asked = new URLSearchParams([
          ["state", attempt.state],
          ...pairs.map(([key, value]): [string, string] => [key, value.toWellFormed().slice(0, 300)]),
        ]);
        const reply = await visit(`/oauth/callback/${attempt.platform}?${asked}`, {
          accept: accepted,
          cookie: sent[cookie] ?? "",
        });
        expectPage(reply);
        expect(reply.status).not.toBe(200);
        // Spent or not: the next one finds an attempt that is under way.
        begun[at] = await begin(attempt.platform);
      },
    ),
    within(6),
  );
});

test("states of the right shape that nobody was given", async () => {
  const states = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString("base64url"));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...platforms),
      states,
      fc.stringMatching(/^[0-9a-f]{16}$/),
      async (name, state, cookieName) => {
        const reply = await visit(`/oauth/callback/${name}?code=x&state=${state}`, {
          cookie: `ots-${cookieName}=${state}`,
        });
        expectPage(reply);
        // Why is said at the address of its result.
        expect(reply.status).toBe(303);
      },
    ),
    within(2),
  );
});

test("flows by any name are told to pages of no other origin", async () => {
  const names = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{43}$/), segment);
  const origins = fc.oneof(
    fc.constantFrom("https://portal.example", "null", "", "https://", "http://[::1"),
    headerText,
  );
  const accepted = fc.oneof(accept, fc.constant("text/event-stream"));
  await fc.assert(
    fc.asyncProperty(names, origins, accepted, fc.boolean(), async (name, origin, kind, closed) => {
      const isName = /^[\w-]{43}$/.test(name);
      // What nobody has begun is waited for.
      const begun = await visit(`/oauth/install/slack?popup=1&flow=${encodeURIComponent(name)}`);
      expect(begun.status).toBe(isName ? 302 : 400);
      const path = `/oauth/flows/${encodeURIComponent(name)}`;
      const headers = { origin, accept: kind };
      const reply = await (closed ? visit(`${path}/closed`, headers, "POST") : visit(path, headers));
      expectOurHeaders(reply);
      expect(isName ? [403] : [403, 404]).toContain(reply.status);
      if (reply.status === 403) expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
    }),
    within(2),
  );
});

test("any path, method and headers", async () => {
  const paths = fc.oneof(
    fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    platform.map((name) => `/oauth/callback/${name}`),
  );
  const methods = fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND");
  const headers = fc.record(
    {
      accept: headerText,
      cookie: headerText,
      "x-forwarded-for": headerText,
      "x-forwarded-host": headerText,
      "content-type": headerText,
      host: headerText,
      range: headerText,
      "if-none-match": headerText,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(paths, query(parameters), methods, headers, async (path, asked, method, odd) => {
      const reply = await visit(`${path}?${asked}`, odd, method);
      if (method === "HEAD") expectOurHeaders(reply);
      else if (!(reply.status === 400 && reply.text === "")) expectPage(reply);
    }),
    within(4),
  );
});

test("bytes that are hardly HTTP", async () => {
  const line = fc.oneof(
    fc.constantFrom(
      "GET /health HTTP/1.1",
      "GET /oauth/install/slack HTTP/1.1",
      "GET * HTTP/1.1",
      "GET http://x/oauth/callback/slack?state=%ff HTTP/1.1",
      "GET //evil HTTP/1.1",
      "CONNECT x:1 HTTP/1.1",
      "GET / HTTP/9.9",
      "PRI * HTTP/2.0",
      "GET /\u00ff\u0080 HTTP/1.1",
      "POST /oauth/callback/slack HTTP/1.1",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 60 }),
  );
  const header = fc.oneof(
    fc.constantFrom(
      "Host: localhost",
      "Host:",
      "Host: a\r\nHost: b",
      "Content-Length: -1",
      "Content-Length: 5\r\nContent-Length: 6",
      "Transfer-Encoding: chunked, x",
      "Transfer-Encoding: chunked\r\nContent-Length: 3",
      "Expect: 100-continue",
      "Expect: x",
      "Upgrade: h2c\r\nConnection: upgrade",
      ": x",
      " folded",
      "Cookie: \x01\x02",
      "Cookie: ots-x=\xff",
      "X: \0",
      "Connection: close",
    ),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => `X: ${Buffer.from(bytes).toString("latin1")}`),
  );
  const body = fc.constantFrom("", "", "0\r\n\r\n", "ffffffffffffffffff\r\nx", "xx");
  const port = fc.constantFrom("public", "internal");
  await fc.assert(
    fc.asyncProperty(port, line, fc.array(header, { maxLength: 5 }), body, async (which, first, headers, rest) => {
      const answer = await sendBytes(
        fuzzed.ports[which as "public"],
        Buffer.from([first, ...headers, "", rest].join("\r\n"), "latin1"),
      );
      fuzzed.keep({ status: 0, headers: {}, head: "", text: answer, bytes: Buffer.alloc(0) });
      expect(answer).not.toMatch(/^HTTP\/1\.1 500/m);
      if (answer !== "") expect(answer).toMatch(/^HTTP\/1\.1 (?:1\d\d|[234]\d\d|501) /);
    }),
    within(4),
  );
});
