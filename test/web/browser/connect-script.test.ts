import { expect, test } from "vitest";
import { startSite } from "../support/site.ts";

test("pages of any origin may load the popup helper, and keep it", async () => {
  const site = await startSite();
  const { status, headers, text } = await site.ask("/connect.js", { headers: { origin: "https://product.example" } });
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=300",
    "content-type": "text/javascript; charset=utf-8",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
  });
  expect(headers).not.toHaveProperty("set-cookie");
  expect(text).toMatch(/export\{\w+ as connect\};$/);
  expect(Buffer.byteLength(text), "less than 5 KB as it is sent").toBeLessThan(5_000);
  expect(text, "an inline script of the result page shares code with it").not.toContain("</script");
});

test("who has the popup helper already is told so", async () => {
  const site = await startSite();
  const { etag = "" } = (await site.ask("/connect.js")).headers;
  const again = await site.ask("/connect.js", { headers: { "if-none-match": etag } });
  expect([again.status, again.text]).toEqual([304, ""]);
  expect(again.headers).toMatchObject({ "access-control-allow-origin": "*", etag });
  expect((await site.ask("/connect.js", { headers: { "if-none-match": '"older"' } })).status).toBe(200);
  const head = await site.ask("/connect.js", { method: "HEAD" });
  expect([head.status, head.text, head.headers.etag]).toEqual([200, "", etag]);
});
