import fc from "fast-check";
import { expect, test } from "vitest";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { headerText, text } from "./support/messages.ts";
import { type HttpReply, sendHttp } from "./support/raw-http.ts";
import { expectOurHeaders } from "./support/refusals.ts";
import { encoded, query, segment } from "./support/targets.ts";

const fuzzed = useFuzzedService();
/** Rates are counted by address. */
let visitors = 0;

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

async function send(path: string, { headers, ...request }: Sent = {}): Promise<HttpReply> {
  const number = visitors++;
  const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  const { host } = new URL(fuzzed.service.replicas[0]?.publicUrl ?? "");
  const all = { host, "x-forwarded-for": address, ...headers };
  return fuzzed.keep(await sendHttp(fuzzed.ports.public, { path, headers: all, ...request }));
}

function expectPage(reply: HttpReply): void {
  expectOurHeaders(reply);
  expect([200, 302, 400, 403, 404, 410, 413, 429, 502]).toContain(reply.status);
  // Another host is sent to the base URL.
  if (reply.status === 302) return;
  if (String(reply.headers["content-type"]).startsWith("application/json")) {
    expect(typeof JSON.parse(reply.text).error.code).toBe("string");
    return;
  }
  expect(reply.text).toMatch(/^<!doctype html>/);
  expect(reply.text).not.toMatch(/<script|href="javascript:|<img/i);
}

/** In the words of the contract: one text, and no stack or status of a server's own. */
function expectAnswer(reply: HttpReply): void {
  expectOurHeaders(reply);
  expect(String(reply.headers["content-type"])).toMatch(/^application\/json/);
  const body = JSON.parse(reply.text);
  if (reply.status === 200 || reply.status === 202) return;
  expect([400, 401, 403, 404, 405, 410, 413, 415, 429, 503]).toContain(reply.status);
  expect(typeof body.error).toBe("string");
}

const digits = fc.stringMatching(/^\d{11}$/);
const code = fc.oneof(
  digits,
  text(),
  fc.constantFrom("", " ", "123-4567-8901", "１２３４５６７８９０１", "0".repeat(5_000)),
);

test("the link page with any query", async () => {
  await fc.assert(
    fc.asyncProperty(query(["code", "proof", "token", "decision"]), async (asked) => {
      expectPage(await send(`/link?${asked}`));
    }),
    within(3),
  );
});

test("any form, of this browser and of others", async () => {
  const { headers, text: shown } = await send("/link");
  const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
  const own = / name="token" value="([^"]*)"/.exec(shown)?.[1] ?? "";
  const fields = fc.array(
    fc.oneof(
      fc.tuple(fc.constant("token"), fc.constantFrom(own, own, own, "", "x")),
      fc.tuple(fc.constant("code"), code),
      fc.tuple(fc.constant("decision"), fc.constantFrom("approve", "deny", "maybe", "")),
      fc.tuple(fc.constant("proof"), text()),
      fc.tuple(text(), text()),
    ),
    { maxLength: 5 },
  );
  const types = fc.constantFrom(
    ...["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16", "text/plain"],
    ...["multipart/form-data; boundary=x", "application/json", ""],
  );
  await fc.assert(
    fc.asyncProperty(
      fields,
      types,
      fc.constantFrom(cookie, cookie, cookie, "", `${cookie}x`, "ots-link="),
      fc.option(fc.uint8Array({ maxLength: 200 })),
      async (pairs, type, sent, bytes) => {
        const form = pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");
        const body = Buffer.from(bytes === null ? form : bytes);
        const reply = await send("/link", { method: "POST", headers: { "content-type": type, cookie: sent }, body });
        expectPage(reply);
        expect(reply.headers.refresh, "nobody's code was guessed").toBeUndefined();
      },
    ),
    within(5),
  );
});

test("link codes, polls and accounts with any name, secret and body", async () => {
  const names = fc.oneof(
    segment.filter((part) => part !== "" && !part.includes("/")),
    digits,
    fc.uuid(),
  );
  const paths = fc.oneof(
    fc.constant("/v1/link-code"),
    names.map((name) => `/v1/poll/${name}`),
    fc.tuple(names, query(["rejected_token_id"])).map(([name, asked]) => `/v1/tokens/${name}?${asked}`),
    names.map((name) => `/v1/tokens/${name}/secret`),
  );
  const body = fc.oneof(
    fc.json().map((json) => Buffer.from(json)),
    fc
      .record(
        { platform: fc.constantFrom("jira", "slack", "nothing", ""), owner: text(), client_name: text(), x: text() },
        { requiredKeys: [] },
      )
      .map((request) => Buffer.from(JSON.stringify(request))),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET", "POST", "POST", "DELETE", "PUT"),
      paths,
      fc.oneof(headerText, fc.constantFrom("Bearer x", "bearer  x=", "Basic x", "Bearer ")),
      fc.option(body),
      async (method, path, authorization, sent) => {
        const type = sent === null ? {} : { "content-type": "application/json" };
        const headers = { authorization, ...type };
        expectAnswer(await send(path, { method, headers, ...(sent !== null && { body: sent }) }));
      },
    ),
    within(6),
  );
});
