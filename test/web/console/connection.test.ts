import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { Rule } from "../../../src/domain/access/rule.ts";
import { bufCurl, shellWord } from "../../../src/web/console/connection/commands.ts";
import { type ConsoleSite, startConsole } from "../support/console.ts";
import type { ConsoleBrowser } from "../support/console-browser.ts";
import type { Answer } from "../support/http.ts";

const id = "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6f";
const path = `/console/connections/${id}`;

const installation = {
  ...{ id, platform: "slack", status: "INSTALLATION_STATUS_ACTIVE" },
  ...{ external_org_id: "T1", external_org_name: "Acme", external_install_id: "I7", owner: "acme-tenant" },
  ...{ scopes: ["chat:write", "users:read"], permissions: { contents: "read" }, installed_by: "U77" },
  metadata: { url: "https://acme.example" },
  webhook: { registered: true, url: "https://us.example/webhooks/slack", external_ids: ["W5"], error: "" },
  ...{ token_expire_time: "2026-01-01T01:00:00Z", last_refresh_time: "2026-01-01T00:00:00Z" },
  ...{ last_error: "unavailable", last_used_time: "2025-12-31T23:00:00Z" },
  ...{ create_time: "2025-06-01T00:00:00Z", update_time: "2025-07-01T00:00:00Z" },
};

const answered = (body: object) => ({ status: 200, body: body as never, retryAfterSeconds: undefined });

async function open(...rules: Parameters<ConsoleSite["addCaller"]> extends [string, ...infer R] ? R : never) {
  const site = await startConsole();
  site.answers.set("GetInstallation", answered({ installation }));
  site.answers.set("ListInstallations", answered({ installations: [installation] }));
  const key = site.addCaller("dashboard", ...(rules.length === 0 ? [{}] : rules));
  const browser = site.browser();
  await browser.signIn(key);
  site.calls.length = 0;
  return { site, browser };
}

/** What a person reads. */
function shown({ text }: Answer): string {
  const main = text.slice(text.indexOf("<main"), text.indexOf("</main>"));
  const plain = main
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"');
  return plain.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&").replaceAll(/\s+/g, " ");
}

describe("the page of a connection", () => {
  test("shows everything that is known of it", async () => {
    const { site, browser } = await open();
    const page = await browser.get(path);
    expect(page.status).toBe(200);
    const text = shown(page);
    for (const known of [
      ...["Acme on Slack", "T1", "I7", "acme-tenant", "U77", "chat:write", "users:read", "contents: read"],
      ...["https://acme.example", "https://us.example/webhooks/slack", "W5", "unavailable", "Registered", id],
      ...["2026-01-01 01:00:00 UTC", "2025-06-01 00:00:00 UTC", "2025-07-01 00:00:00 UTC"],
    ]) {
      expect(text).toContain(known);
    }
    expect(site.calls.map(({ method }) => method)).toEqual(["GetInstallation", "ListAuditEvents"]);
  });

  test("is there for whoever may list it, and shows and offers what its caller may", async () => {
    const { site, browser } = await open({ methods: new Set(["ListInstallations"]) });
    site.answers.set(
      "ListInstallations",
      answered({ installations: [{ ...installation, id: "other" }, installation] }),
    );
    const text = shown(await browser.get(path));
    expect(site.calls.map(({ method, request }) => [method, request])).toEqual([["ListInstallations", { search: id }]]);
    expect(text).toContain("Acme on Slack");
    expect(text).toContain("do not let it read the record");
    expect(text).not.toMatch(/Revoke|Connect again/);
    expect((await browser.get(`${path}/revoke`)).status).toBe(403);
  });

  const sees = { methods: new Set(["ListInstallations", "GetInstallation"]) };
  const deeds = new Set(["CreateInstallLink", "RevokeInstallation"]);
  test.each<[string, Partial<Rule>, readonly Partial<Rule>[], boolean[]]>([
    ["vouches for nobody", { completeInCallback: false }, [], [false, true]],
    ["may for other owners", sees, [{ methods: deeds, owners: new Set(["globex"]) }], [false, false]],
    ["may on other platforms", sees, [{ methods: deeds, products: new Set(["github"]) }], [false, false]],
    ["may for this owner", sees, [{ methods: deeds, owners: new Set(["acme-tenant"]) }], [true, true]],
  ])("offers a caller that %s what it may do with this one", async (_what, rule, rules, offered) => {
    const { browser } = await open(rule, ...rules);
    const text = shown(await browser.get(path));
    expect([text.includes("Connect again"), text.includes("asks first")]).toEqual(offered);
    const { status } = await browser.get(`${path}/revoke`);
    expect(status).toBe(offered[1] ? 200 : 403);
  });

  test("is there for whoever may list it, also where another rule lets it look at others", async () => {
    const looks = { methods: new Set(["GetInstallation"]), products: new Set(["github"]) };
    const { site, browser } = await open({ methods: new Set(["ListInstallations"]) }, looks);
    const error = { reason: "INSTALLATION_NOT_FOUND", message: "there is no such installation" };
    site.answers.set("GetInstallation", { status: 404, body: { error }, retryAfterSeconds: undefined });
    expect((await browser.get(path)).status).toBe(200);
    site.answers.set("ListInstallations", answered({ installations: [] }));
    expect((await browser.get(path)).status).toBe(404);
  });

  test("of what the caller does not see is none", async () => {
    const { site, browser } = await open({ methods: new Set(["ListInstallations"]) });
    site.answers.set("ListInstallations", answered({ installations: [] }));
    const missing = await browser.get(path);
    expect([missing.status, shown(missing)]).toEqual([404, expect.stringContaining("No such connection")]);
  });

  test("goes through the record page by page", async () => {
    const { site, browser } = await open();
    const event = { kind: "token.issued", caller: "ci", method: "GetToken", time: "2025-12-31T22:00:00Z", count: 1 };
    const repeated = {
      ...event,
      kind: "token.repeated",
      count: 7,
      detail: "further_addresses",
      token_id: "ab".repeat(32),
    };
    const unknown = { ...event, kind: "made.up" };
    site.answers.set("ListAuditEvents", answered({ events: [event, repeated, unknown], next_page_token: "a+b/c" }));
    const page = await browser.get(path);
    const text = shown(page);
    expect(text).toContain("A token was handed out, for the first time");
    expect(text).toContain("The same token was handed out again, 7 times");
    expect(text).toContain("further_addresses");
    expect(text).toContain("made.up");
    const older = /href="([^"]*)" rel="next"/.exec(page.text)?.[1]?.split("#")[0] ?? "";
    await browser.get(older);
    expect(site.calls.at(-1)?.request).toEqual({ installation_id: id, page_size: 25, page_token: "a+b/c" });
  });

  test("stays when the record cannot be shown", async () => {
    const { site, browser } = await open();
    const error = { reason: "INVALID_REQUEST", message: "page_token: is too old" };
    site.answers.set("ListAuditEvents", { status: 400, body: { error }, retryAfterSeconds: undefined });
    const page = await browser.get(`${path}?trail=old`);
    expect([page.status, shown(page)]).toEqual([200, expect.stringContaining("page_token: is too old")]);
  });

  test.each([
    `<script>window.ran=1</script>`,
    `"><img src=x onerror=window.ran=1>`,
    `' onmouseover='window.ran=1`,
    `</style></title><svg onload=window.ran=1>`,
  ])("takes %s for text, wherever it stands", async (hostile) => {
    const { site, browser } = await open();
    const fields = Object.entries(installation).map(([name, value]) => [name, spoilt(value, hostile)]);
    site.answers.set("GetInstallation", answered({ installation: Object.fromEntries(fields) }));
    const event = {
      kind: hostile,
      caller: hostile,
      method: hostile,
      address: hostile,
      detail: hostile,
      token_id: hostile,
    };
    site.answers.set("ListAuditEvents", answered({ events: [event], next_page_token: hostile }));
    for (const address of [path, `${path}/revoke`]) {
      const page = await browser.get(address);
      expect(page.text).not.toContain(hostile);
      const [text = ""] = page.text.split("<script nonce");
      // Quotes within attributes are escaped, so that these are their ends.
      expect(text.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<(script|img|svg)|<[^>]*\son\w+=/);
    }
  });
});

function spoilt(value: unknown, hostile: string): unknown {
  if (typeof value === "string") return /^\d{4}-\d{2}-\d{2}T/.test(value) ? value : hostile;
  if (Array.isArray(value)) return [hostile];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, spoilt(inner, hostile)]));
}

describe("revoking", () => {
  test("says first what will happen, and does nothing", async () => {
    const { site, browser } = await open();
    const text = shown(await browser.get(`${path}/revoke`));
    // Others may have the same name.
    for (const part of ["Acme on Slack (T1)", "acme-tenant", "cannot be undone", "uninstalled from the organization"]) {
      expect(text).toContain(part);
    }
    expect(site.calls.map(({ method }) => method)).toEqual(["GetInstallation"]);
  });

  test("is done once it was confirmed for this one", async () => {
    const { site, browser } = await open();
    const answer = answered({ installation, provider_revocation: "PROVIDER_REVOCATION_FAILED" });
    site.answers.set("RevokeInstallation", answer);
    const page = await browser.get(`${path}/revoke`);
    site.calls.length = 0;
    for (const confirmed of ["", "yes", "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6e"]) {
      expect(shown(await browser.send(page, `${path}/revoke`, { confirmed }))).toContain("cannot be undone");
    }
    expect(site.calls.map(({ method }) => method)).not.toContain("RevokeInstallation");
    const done = await browser.send(page, `${path}/revoke`, { reason: " they left " });
    expect(site.calls.at(-1)).toMatchObject({
      method: "RevokeInstallation",
      request: { installation_id: id, reason: "they left" },
    });
    expect(shown(done)).toContain("Somebody should remove the app there by hand");
  });

  test.each([
    ["PROVIDER_REVOCATION_REVOKED", "has ended it as well"],
    ["PROVIDER_REVOCATION_SHARED", "another connection still uses"],
    ["PROVIDER_REVOCATION_UNSUPPORTED", "by hand"],
    ["PROVIDER_REVOCATION_UNSPECIFIED", "not known yet"],
  ])("that came to %s says so", async (provider_revocation, words) => {
    const { site, browser } = await open();
    site.answers.set("RevokeInstallation", answered({ installation, provider_revocation }));
    const page = await browser.get(`${path}/revoke`);
    expect(shown(await browser.send(page, `${path}/revoke`))).toContain(words);
  });

  test("is not offered twice", async () => {
    const { site, browser } = await open();
    const revoked = { ...installation, status: "INSTALLATION_STATUS_REVOKED" };
    site.answers.set("GetInstallation", answered({ installation: revoked }));
    expect(shown(await browser.get(path))).not.toMatch(/Connect again|asks first/);
    expect(shown(await browser.get(`${path}/revoke`))).toContain("is revoked already");
  });
});

describe("connecting again", () => {
  const reconnect = async (browser: ConsoleBrowser) => browser.send(await browser.get(path), `${path}/reconnect`);

  test("makes a link for this installation and its owner", async () => {
    const { site, browser } = await open();
    const url = "https://us.example/oauth/install/slack?link=abc&x=1";
    site.answers.set("CreateInstallLink", answered({ url, expire_time: "2026-01-01T00:10:00Z" }));
    const page = await reconnect(browser);
    expect(site.calls.at(-1)?.request).toEqual({
      ...{ platform: "slack", installation_id: id, owner: "acme-tenant", complete_in_callback: true },
    });
    expect(page.text).toContain(`href="${url.replace("&", "&amp;")}"`);
    expect(shown(page)).toContain(url);
  });

  test("of what has no owner asks for nobody's", async () => {
    const { site, browser } = await open();
    site.answers.set("GetInstallation", answered({ installation: { ...installation, owner: "" } }));
    await reconnect(browser);
    expect(site.calls.at(-1)?.request).toEqual({ platform: "slack", installation_id: id });
  });

  test("names the product that the caller may, where a platform has several", async () => {
    const { site, browser } = await open({ products: new Set(["confluence"]) });
    site.answers.set("GetInstallation", answered({ installation: { ...installation, platform: "jira" } }));
    await reconnect(browser);
    expect(site.calls.at(-1)?.request).toMatchObject({ platform: "confluence", installation_id: id });
  });

  test("is a form: whoever goes to its address, as after a sign-in, is led to the connection", async () => {
    const { site, browser } = await open();
    const page = await browser.get(path);
    browser.cookies.clear();
    const out = await browser.send(page, `${path}/reconnect`);
    expect(out.status).toBe(401);
    const signedIn = await browser.send(out, "/console/sign-in", { key: site.addCaller("dashboard", {}) });
    const led = await browser.get(signedIn.headers.location ?? "", { "sec-fetch-site": "same-origin" });
    expect([led.status, led.headers.location]).toEqual([303, path]);
  });

  test("that is refused says why", async () => {
    const { site, browser } = await open();
    const error = { reason: "CALLER_NOT_ALLOWED", message: "not complete_in_callback" };
    site.answers.set("CreateInstallLink", { status: 403, body: { error }, retryAfterSeconds: undefined });
    const page = await reconnect(browser);
    expect([page.status, shown(page)]).toEqual([403, expect.stringContaining("not complete_in_callback")]);
  });
});

describe("what is copied into a terminal", () => {
  test.each(["it's", "$(touch x)", "`x`", "a\\'b", "line\nbreak", "; rm -rf /", "", "!!"])(
    "is %j to a shell",
    (text) => {
      const printed = execFileSync("/bin/sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" });
      expect(printed).toBe(text);
    },
  );

  const door = { port: 50051, tls: false };
  test("names the door of callers, by the name by which the console was reached", () => {
    const line = (host: string | undefined) => bufCurl("GetToken", { installationId: id, host, door, withKey: false });
    expect(line("localhost:8011")).toContain("'http://localhost:50051/oauth.token.v1.TokenService/GetToken'");
    expect(line("[::1]:8011")).toContain("'http://[::1]:50051/");
    expect(line("a b';x")).toContain("'http://localhost:50051/");
    expect(line(undefined)).toContain("'http://localhost:50051/");
  });

  test("leaves the key to the shell, and encrypts where the door does", () => {
    const commands = { installationId: id, host: "ots.example", door: { port: 7, tls: true }, withKey: true };
    expect(bufCurl("GetInstallation", commands)).toBe(
      [
        "buf curl --protocol grpc",
        `-H "authorization: Bearer $OAUTH_TOKEN_SERVICE_API_KEY"`,
        `-d '{"installation_id":"${id}"}'`,
        "'https://ots.example:7/oauth.token.v1.TokenService/GetInstallation'",
      ].join(" "),
    );
  });
});
