import { describe, expect, test } from "vitest";
import { startSite } from "../support/site.ts";

const hostile = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)//https://portal.example",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox(1)",
  "file:///etc/passwd",
  "ftp://portal.example/",
  "ws://portal.example/",
  "blob:https://portal.example/0c5b",
  "filesystem:https://portal.example/x",
  "about:blank",
  "null",
  "/done",
  "done",
  "//portal.example/done",
  "//evil.example/",
  "///evil.example/",
  "/\\evil.example/",
  "\\\\evil.example\\",
  "http://portal.example/",
  "https://portal.example:8443/",
  "https://portal.example:80/",
  "https://portal.example./",
  "https://portal.example.evil.example/",
  "https://portal.exampleevil.example/",
  "https://portal.example-evil.example/",
  "https://evilportal.example/",
  "https://evil.portal.example/",
  "https://example/",
  "https://portal/",
  "https://evil.example/portal.example",
  "https://evil.example/?https://portal.example",
  "https://evil.example/#https://portal.example",
  "https://evil.example?@portal.example/",
  "https://evil.example#@portal.example/",
  "https://portal.example@evil.example/",
  "https://portal.example:443@evil.example/",
  "https://portal.example%40evil.example/",
  "https://portal.example%2F@evil.example/",
  "https://user@portal.example/",
  "https://user:pass@portal.example/",
  "https://@portal.example/",
  "https://:@portal.example/",
  "https://evil.example\\@portal.example/",
  "https://portal.example\\@evil.example/",
  "https://portal.example\\.evil.example/",
  "https:\\\\portal.example\\",
  "https:/portal.example/",
  "https:portal.example/",
  "https:///portal.example/",
  "https://portal.example%00.evil.example/",
  "https://portal.example%2eevil.example/",
  "https://portal。evil.example/",
  "https://portal.example／.evil.example/",
  "https://pórtal.example/",
  "https://portаl.example/",
  "https://portal.example\u0000.evil.example/",
  "https://portal.example\n.evil.example/",
  "https://portal.example\t/",
  "ht\ntps://portal.example/",
  " https://portal.example/",
  "https://portal.example/ ",
  "\u0001https://portal.example/",
  "\ufeffhttps://portal.example/",
  "https://portal.example/\u202e",
  "https://portal.example/\r\nSet-Cookie: a=b",
  "https://[::1]/",
  "https://0x7f.1/",
  "https://127.0.0.1/",
  "https://portal.example:99999/",
  "https://portal.example:/x:y@evil.example:1/../".replace(":/x", ":x"),
  "https://",
  `https://portal.example/${"a".repeat(2048)}`,
];

describe("return_to", () => {
  test.each(hostile)("%j is refused before an attempt begins", async (returnTo) => {
    const site = await startSite({ allowedReturnOrigins: ["https://portal.example"] });
    const answer = await site.ask(`/oauth/install/slack?return_to=${encodeURIComponent(returnTo)}`, {
      headers: { accept: "application/json" },
    });
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([400, "return_to_not_allowed"]);
    expect([site.starts, answer.headers.location, answer.setCookies]).toEqual([[], undefined, []]);
  });

  test.each([
    ["https://portal.example", "https://portal.example/"],
    ["HTTPS://Portal.Example:443/Done", "https://portal.example/Done"],
    ["https://portal.example/a?b=c@d#e", "https://portal.example/a?b=c@d#e"],
    ["https://portal.example?x=https://evil.example", "https://portal.example/?x=https://evil.example"],
    ["https://portal.example//evil.example", "https://portal.example//evil.example"],
    ["http://localhost:3000/app", "http://localhost:3000/app"],
  ])("%s leads to an allowed origin", async (returnTo, href) => {
    const site = await startSite({ allowedReturnOrigins: ["https://portal.example/", "http://localhost:3000"] });
    const answer = await site.ask(`/oauth/install/slack?return_to=${encodeURIComponent(returnTo)}`);
    expect(answer.status).toBe(302);
    expect(site.starts[0]?.returnTo).toBe(href);
  });

  test("is allowed nowhere when no origin is", async () => {
    const site = await startSite({ allowedReturnOrigins: [] });
    expect((await site.ask("/oauth/install/slack?return_to=https://portal.example/")).status).toBe(400);
  });
});
