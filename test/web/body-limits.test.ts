import { expect, test } from "vitest";
import { askRaw } from "./support/http.ts";
import { startInternal } from "./support/internal.ts";
import { startSite } from "./support/site.ts";

const large = 64 * 1024 + 1;

test("a body that announces too much is refused before it is sent, and its connection ends", async () => {
  const { port } = await startInternal();
  const head = `DELETE /oauth/installations/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${large}\r\n\r\n`;
  const internal = await askRaw(port, head);
  expect(internal).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"INVALID_ARGUMENT"/);
  const site = await startSite();
  const asked = `GET /oauth/install/x HTTP/1.1\r\nHost: ${site.baseUrl.host}\r\nAccept: application/json\r\n`;
  expect(await askRaw(site.port, `${asked}Content-Length: ${large}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 413 [\s\S]*"code":"body_too_large"/,
  );
  expect(site.starts).toEqual([]);
});

test("a body that never ends is not waited for where nobody reads it", async () => {
  const { port, calls } = await startInternal();
  const head = "DELETE /oauth/installations/1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const text = await askRaw(port, `${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`);
  expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*Connection: close/);
  expect(calls).toHaveLength(1);
});

test.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data", ""])(
  "content that is no JSON is refused: %j",
  async (type) => {
    const { ask, calls } = await startInternal();
    const headers = { "content-type": type, "content-length": "1" };
    const { status, text } = await ask("/oauth/installations/1", { method: "DELETE", headers, body: "x" });
    expect([status, JSON.parse(text).error.reason]).toEqual([415, "INVALID_REQUEST"]);
    expect(calls).toEqual([]);
  },
);

test("JSON that says nothing is taken, as is no body at all", async () => {
  const { ask, calls } = await startInternal();
  const headers = { "content-type": "application/json; charset=utf-8", "content-length": "2" };
  expect((await ask("/oauth/installations/1", { method: "DELETE", headers, body: "{}" })).status).toBe(200);
  const none = { "content-length": "0" };
  expect((await ask("/oauth/installations/1", { method: "DELETE", headers: none })).status).toBe(200);
  expect(calls).toHaveLength(2);
});

test("what is asked for in the body of a GET is not taken for nothing asked for", async () => {
  const { ask, calls } = await startInternal();
  const headers = { "content-type": "application/json", "content-length": "26" };
  for (const path of ["/oauth/token/github", "/oauth/installations"]) {
    const { status, text } = await ask(path, { headers, body: '{"repositories":["web"]}  ' });
    expect([status, JSON.parse(text).error.reason]).toEqual([400, "INVALID_REQUEST"]);
  }
  expect(calls).toEqual([]);
});
