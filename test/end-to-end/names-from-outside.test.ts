import { expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { useService } from "./support/use-service.ts";

const names: Readonly<Record<string, string>> = {
  "a NUL": "ac\0me",
  "half a character": "ac\ud83dme",
  "characters that turn a line around": "\u202eemca\u2066",
  "control characters": "ac\u001b[2Jme\r\n",
  "10,000 characters": "acme".repeat(2_500),
  nothing: "",
  "nothing to be seen": "\u200b\u0007",
};

/** What every platform says for a name of a person or an organization. */
let name = "";
const named = new Set(["name", "displayName", "login"]);

const shared = useService({
  fetch: async (input, init) => {
    const response = await fetch(input, init);
    const text = await response.text();
    const { status, headers } = response;
    if (!headers.get("content-type")?.includes("json") || text === "") return new Response(text || null, response);
    const body = JSON.stringify(JSON.parse(text), (key, value) => (named.has(key) ? name : value));
    return new Response(body, { status, headers: { ...Object.fromEntries(headers) } });
  },
});

test.each(
  Object.keys(names).flatMap((what) =>
    ["slack", "jira", "github", "github-oauth"].map((platform) => [what, platform] as const),
  ),
)("a name with %s installs %s, and is shown safely", async (what, platform) => {
  const { service, sql, caller } = shared;
  name = names[what] ?? "";
  const connected = await service.connect(platform);
  expect(connected).toMatchObject({ success: true });
  const rows = await sql`select external_org_name, metadata::text from installations`;
  expect(rows.length).toBeGreaterThan(0);
  for (const { external_org_name: kept, metadata } of rows) {
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThanOrEqual(256);
    expect(kept + metadata).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
  }
  const page = await createBrowser().visit(`${service.replicas[0]!.publicUrl}/oauth/install/${platform}`);
  expect(page.status).toBe(200);
  expect(page.text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cs}\u200b\u202a-\u202e\u2066-\u2069]/u);
  const { installations } = await caller.list({ platform });
  const shown = new Set(rows.map(({ external_org_name }) => external_org_name));
  for (const { external_org_name } of installations) expect(shown).toContain(external_org_name);
  const [{ id: installation_id } = { id: "" }] = installations;
  expect((await caller.token({ installation_id })).installation_id).toBe(installation_id);
});
