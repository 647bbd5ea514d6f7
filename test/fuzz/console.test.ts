import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { hiddenFields } from "../web/support/console-browser.ts";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { headerText, text } from "./support/messages.ts";
import { type HttpReply, type HttpRequest, sendHttp } from "./support/raw-http.ts";
import { expectOurHeaders } from "./support/refusals.ts";
import { encoded, query, segment } from "./support/targets.ts";

const fuzzed = useFuzzedService();
const parameters = ["search", "platform", "status", "owner", "page", "trail", "kind", "from", "to"];
let cookie = "";
let token = "";

beforeAll(async () => {
  const page = await send({ path: "/console/connect" });
  cookie = String(page.headers["set-cookie"]).split(";")[0] ?? "";
  token = hiddenFields(page.text, "/console/connect").token ?? "";
  expect([cookie, token]).not.toContain("");
});

async function send({ headers = {}, ...request }: HttpRequest): Promise<HttpReply> {
  const host = `localhost:${fuzzed.ports.internal}`;
  return fuzzed.keep(await sendHttp(fuzzed.ports.internal, { ...request, headers: { host, ...headers } }));
}

/** A page of the console or a way to one, with no script but its own; never a server's own words. */
function expectPage(reply: HttpReply): void {
  expectOurHeaders(reply);
  if (reply.status === 303) {
    expect(String(reply.headers.location)).toMatch(/^\/console(?:[/?]|$)/);
    return;
  }
  expect([200, 400, 403, 404, 405, 413]).toContain(reply.status);
  expect(reply.text).toMatch(/^<!doctype html>/);
  const nonce = /script-src 'nonce-([\w-]{22})'/.exec(String(reply.headers["content-security-policy"]))?.[1];
  const [markup = "", script] = reply.text.split(`<script nonce="${nonce}">`);
  expect(nonce === undefined).toBe(script === undefined);
  // Quotes within attributes are escaped, so that these are their ends.
  expect(markup.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<script|<img|<svg|<iframe|<[^>]*\son\w+=/i);
  expect(markup).not.toMatch(/href="(?:javascript:|\/\/)/i);
}

const id = fc.oneof(
  fc.uuid(),
  segment.filter((part) => part !== "" && !part.includes("/")),
);
const path = fc.oneof(
  fc.constantFrom("/console", "/console/", "/console/concerns", "/console/connect", "/console/platforms"),
  id.map((one) => `/console/connections/${one}`),
  id.map((one) => `/console/connections/${one}/revoke`),
  id.map((one) => `/console/connections/${one}/reconnect`),
  segment.map((part) => `/console/${part}`).filter((one) => one !== "/console/changes"),
);

test("any page with any query, of somebody who was here and of strangers", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 2, arbitrary: fc.constant("/console") }, { weight: 3, arbitrary: path }),
      query(parameters),
      fc.constantFrom(cookie, cookie, "", `${cookie}x`, `${cookie.split("=")[0]}=${token}`),
      fc.constantFrom("none", "same-origin", "cross-site", "same-site", "x"),
      async (where, asked, sent, site) => {
        expectPage(await send({ path: `${where}?${asked}`, headers: { cookie: sent, "sec-fetch-site": site } }));
      },
    ),
    within(5),
  );
});

test("the connection that there is, with any place in its record", async () => {
  await fc.assert(
    fc.asyncProperty(query(["trail"]), async (asked) => {
      const page = await send({ path: `/console/connections/${fuzzed.installationId}?${asked}`, headers: { cookie } });
      expectPage(page);
      expect(page.status).toBe(200);
    }),
    within(2),
  );
});

test("any form, from here and from elsewhere", async () => {
  const fields = fc.array(
    fc.oneof(
      fc.tuple(fc.constant("token"), fc.constantFrom(token, token, token, "", "x", cookie)),
      fc.tuple(fc.constant("platform"), fc.oneof(fc.constantFrom("slack", "jira", "nothing"), text())),
      fc.tuple(fc.constant("owner"), text()),
      // Never the id of a connection: what is fuzzed has to go on.
      fc.tuple(fc.constantFrom("confirmed", "reason", "to", "key"), text()),
      fc.tuple(text(), text()),
    ),
    { maxLength: 5 },
  );
  const types = fc.constantFrom(
    ...["application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "text/plain", "application/json"],
    ...["application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data; boundary=x", ""],
  );
  const origin = fc.oneof(fc.constantFrom("null", "https://evil.example", "//", "http://localhost"), headerText);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(path, fc.constant(`/console/connections/${fuzzed.installationId}/revoke`)),
      fields,
      types,
      fc.record({ origin, "sec-fetch-site": fc.constantFrom("same-origin", "same-origin", "cross-site", "none") }),
      fc.option(fc.uint8Array({ maxLength: 200 })),
      async (where, pairs, type, from, bytes) => {
        const form = pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");
        const body = Buffer.from(bytes ?? form);
        const headers = { ...from, cookie, "content-type": type };
        const reply = await send({ method: "POST", path: where, headers, body });
        expectPage(reply);
        if (from["sec-fetch-site"] !== "same-origin") expect(reply.status).not.toBe(200);
      },
    ),
    within(5),
  );
});

test("what changes, from any place", async () => {
  const place = fc.oneof(
    segment,
    fc.stringMatching(/^[\w-]{40,60}$/),
    text().map((one) => encoded(one)),
  );
  await fc.assert(
    fc.asyncProperty(place, headerText, async (from, last) => {
      const reply = await send({ path: `/console/changes?from=${from}`, headers: { cookie, "last-event-id": last } });
      expectOurHeaders(reply);
      expect([200, 400]).toContain(reply.status);
      if (reply.status === 200) expect(reply.text).toMatch(/^retry: 1000\n\nevent: reload\ndata: [0-9a-f-]{36}\n\n$/);
      else expect(reply.text).toBe("");
    }),
    within(2),
  );
});
