import fc from "fast-check";
import { test } from "vitest";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { headerText } from "./support/messages.ts";
import { sendHttp } from "./support/raw-http.ts";
import { expectOurHeaders, expectRestAnswer } from "./support/refusals.ts";
import { encoded, query, segment } from "./support/targets.ts";

const fuzzed = useFuzzedService();
const parameters = [
  "platform",
  "installation_id",
  "external_org_id",
  "org_id",
  "external_install_id",
  "owner",
  "actor",
  "external_user_id",
  "min_ttl",
  "rejected_token_id",
  "page_size",
  "page_token",
  "status",
  "reason",
  "repositories",
  "repository_ids",
  "permissions",
];

async function ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const reply = fuzzed.keep(await sendHttp(fuzzed.ports.internal, { method, path, headers }));
  if (method === "HEAD") expectOurHeaders(reply);
  else expectRestAnswer(reply);
}

test("the token route with any query", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.constantFrom("slack", "github", "jira", "confluence"), segment),
      query(parameters),
      (platform, asked) => ask("GET", `/oauth/token/${platform}?${asked}`),
    ),
    within(5),
  );
});

test("the list with any query", async () => {
  await fc.assert(
    fc.asyncProperty(query(parameters), (asked) => ask("GET", `/oauth/installations?${asked}`)),
    within(4),
  );
});

test("any path, with any method and headers", async () => {
  const paths = fc.oneof(
    fc
      .tuple(fc.constantFrom("/oauth/token/", "/oauth/installations/", "/oauth/", "/"), segment)
      .map(([start, end]) => start + end),
    fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
    fc.constantFrom(
      "/oauth/token",
      "/OAUTH/token/slack",
      "/oauth/token/slack/",
      "/oauth/token/slack/x",
      "//oauth/token/slack",
      "/oauth/installations/",
      "/oauth/%74oken/slack",
      "/oauth/token/..%2f..%2fetc",
    ),
  );
  const methods = fc.constantFrom(
    "GET",
    "GET",
    "DELETE",
    "DELETE",
    "POST",
    "PUT",
    "PATCH",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
  );
  const headers = fc.record(
    {
      accept: headerText,
      "content-type": headerText,
      "x-request-id": headerText,
      traceparent: headerText,
      authorization: headerText,
      "x-forwarded-for": headerText,
      cookie: headerText,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(paths, query(parameters), methods, headers, async (path, asked, method, odd) => {
      await ask(method, `${path}?${asked}`, odd);
    }),
    within(5),
  );
});

test("names this host does not have", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        headerText,
        fc.constantFrom(
          "evil.example",
          "localhost.evil.example",
          "127.0.0.1.nip.io",
          "[::1]",
          "localhost:1",
          "LOCALHOST",
          "0",
        ),
      ),
      (host) => ask("GET", `/oauth/token/slack?owner=${encoded("x")}`, { host: host === "" ? "localhost" : host }),
    ),
    within(2),
  );
});
