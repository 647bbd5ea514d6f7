import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { startInternal } from "./support/internal.ts";
import { startSite } from "./support/site.ts";
import { parseStrictHtml } from "./support/strict-html.ts";

const always = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "origin-agent-cluster": "?1",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-dns-prefetch-control": "off",
  "x-frame-options": "DENY",
  "x-permitted-cross-domain-policies": "none",
};

const answers: [what: string, path: string, method: string, host?: string][] = [
  ["a page", "/oauth/callback/slack?state=s", "GET"],
  ["a redirect to the platform", "/oauth/install/slack", "GET"],
  ["a redirect to the base URL", "/oauth/install/slack", "GET", "other.example"],
  ["health", "/health", "GET"],
  ["what is not there", "/nothing", "GET"],
  ["a wrong method", "/oauth/install/slack", "POST"],
  ["what cannot be decoded", "/oauth/install/%zz", "GET"],
];

test.each(answers)("%s has every header, and nothing that names the software", async (_what, path, method, host) => {
  const site = await startSite();
  const { headers } = await site.ask(path, { method, ...(host !== undefined && { headers: { host } }) });
  // A redirect to our own name shows nothing, and may be a popup's, which its opener must not lose.
  const opener = host === undefined ? "same-origin" : "unsafe-none";
  expect(headers).toMatchObject({ ...always, "cross-origin-opener-policy": opener });
  const page = parseStrictHtml((await site.ask("/nothing")).text);
  const hash = createHash("sha256").update(page.style).digest("base64");
  expect(headers["content-security-policy"]).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  for (const name of ["x-powered-by", "server", "etag", "strict-transport-security", "access-control-allow-origin"]) {
    expect(headers).not.toHaveProperty(name);
  }
});

test("browsers are told to stay with https where the base URL has it", async () => {
  const site = await startSite({ baseUrl: new URL("https://tokens.example") });
  const { headers } = await site.ask("/oauth/install/slack");
  expect(headers["strict-transport-security"]).toBe("max-age=31536000");
});

test.each(["/health", "/nothing", "/oauth/token/slack", "/oauth.token.v1.TokenService/GetToken"])(
  "the internal listener's %s is not cached, sniffed or framed either",
  async (path) => {
    const internal = await startInternal();
    expect((await internal.ask(path)).headers).toMatchObject(always);
  },
);
