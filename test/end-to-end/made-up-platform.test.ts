import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { settingsTable } from "../../scripts/settings-table.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { withPlatforms } from "../../src/config/settings.ts";
import { another } from "../../src/platforms/another.ts";
import { createRegistry } from "../../src/platforms/create-registry.ts";
import { platformModules } from "../../src/platforms/registry.ts";
import { filesOf } from "../config/load.ts";
import { pager } from "../fixtures/pager.ts";
import { createTestDirectory, type TestDirectory } from "../support/database.ts";
import { asJson, startService, type TestService } from "../support/service.ts";
import { type Caller, createCaller } from "./support/caller.ts";

/** The same kind at another place. */
const pagerEu = another(pager, {
  products: [{ name: "pager-eu", label: "Pager Europe" }],
  setting: (name) => name.replace("PAGER_", "PAGER_EU_"),
});
const platforms = createRegistry([...platformModules, pager, pagerEu]);

/** Where the made-up platform runs: it asks nobody, and gives each refresh token for one use. */
interface FakePager {
  readonly url: string;
  /** What every request to it said it was. */
  readonly clients: Set<string>;
  /** Refresh tokens that were spent, in order. */
  readonly spent: string[];
  readonly revoked: string[];
  /** What a person answers. */
  decision: "approve" | "deny";
  close(): Promise<void>;
}

async function startPager(client: string): Promise<FakePager> {
  const codes = new Map<string, { readonly challenge: string; readonly redirectUri: string }>();
  const live = new Set<string>();
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakePager = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clients: new Set(),
    spent: [],
    revoked: [],
    decision: "approve",
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
  return fake;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", fake.url);
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
    if (url.pathname === "/authorize") return authorize(url.searchParams, response);
    const form = new URLSearchParams(await textOf(request));
    fake.clients.add(`${form.get("client_id")}:${form.get("client_secret")}`);
    if (form.get("client_id") !== client) return void send(401, { error: "invalid_client" });
    const token = form.get("refresh_token") ?? form.get("token") ?? "";
    if (url.pathname === "/revoke") {
      fake.revoked.push(token);
      live.delete(token);
      return void send(200, {});
    }
    if (!(form.get("grant_type") === "refresh_token" ? spend(token) : redeem(form))) {
      return void send(400, { error: "invalid_grant" });
    }
    const next = `pgr_r${randomBytes(12).toString("hex")}`;
    live.add(next);
    const access_token = `pgr_a${randomBytes(12).toString("hex")}`;
    send(200, { access_token, refresh_token: next, expires_in: 3_600, team: { id: "T1" } });
  }

  function authorize(query: URLSearchParams, response: ServerResponse): void {
    const redirectUri = query.get("redirect_uri") ?? "";
    const back = new URL(redirectUri);
    back.searchParams.set("state", query.get("state") ?? "");
    if (fake.decision === "deny") back.searchParams.set("error", "access_denied");
    else {
      const code = randomBytes(12).toString("hex");
      codes.set(code, { challenge: query.get("code_challenge") ?? "", redirectUri });
      back.searchParams.set("code", code);
    }
    response.writeHead(302, { location: back.href, connection: "close" }).end();
  }

  function redeem(form: URLSearchParams): boolean {
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const proof = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    return code !== undefined && code.challenge === proof && code.redirectUri === form.get("redirect_uri");
  }

  function spend(token: string): boolean {
    fake.spent.push(token);
    return live.delete(token);
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe.each(["postgres", "embedded"])("a platform of one module, there under two names, on %s", (database) => {
  let fakes: Readonly<Record<"pager" | "pager-eu", FakePager>>;
  let service: TestService;
  let caller: Caller;
  let directory: TestDirectory;

  beforeAll(async () => {
    directory = await createTestDirectory();
    fakes = { pager: await startPager("world"), "pager-eu": await startPager("europe") };
    service = await startService({
      platforms,
      env: {
        PAGER_CLIENT_ID: "world",
        PAGER_CLIENT_SECRET: "secret of the world",
        PAGER_URL: fakes.pager.url,
        PAGER_EU_CLIENT_ID: "europe",
        PAGER_EU_CLIENT_SECRET: "secret of europe",
        PAGER_EU_URL: fakes["pager-eu"].url,
        ...(database === "embedded" && { DATABASE_URL: "", DATA_DIR: directory.directory }),
      },
    });
    const [replica] = service.replicas;
    if (replica === undefined) throw new Error("no replica");
    caller = createCaller(replica);
  });
  afterAll(async () => {
    caller?.close();
    await service?.close();
    await Promise.all(Object.values(fakes ?? {}).map((fake) => fake.close()));
    await directory?.remove();
  });

  test("the report of the start names both", () => {
    const started = service.world.lines.find((line) => line.includes('"service.started"')) ?? "{}";
    const before = ["github", "github-oauth", "jira", "slack", "sentry"];
    expect(JSON.parse(started).platforms).toEqual([...before, "pager", "pager-eu"]);
    // As its module says, wherever something is written or answered.
    expect(service.config().redact(`token=pgr_${"a".repeat(12)}&x`)).toBe("token=[redacted]&x");
    expect([...service.config().ownHosts]).toContain("127.0.0.1");
  });

  test("is installed, read, refreshed and revoked, and neither sees what is the other's", async () => {
    const world = await service.connect("pager", { query: "?owner=acme" });
    const europe = await service.connect("pager-eu", { query: "?owner=acme" });
    expect([world.success, europe.success]).toEqual([true, true]);
    expect(world.installation_id).not.toBe(europe.installation_id);
    expect([...fakes.pager.clients]).toEqual(["world:secret of the world"]);
    expect([...fakes["pager-eu"].clients]).toEqual(["europe:secret of europe"]);
    for (const [platform, { installation_id }] of Object.entries({ pager: world, "pager-eu": europe })) {
      expect(await caller.installation(installation_id)).toMatchObject({ platform, external_org_id: "T1" });
      const { installations } = await caller.list({ platform });
      expect(installations.map(({ id }) => id)).toEqual([installation_id]);
    }

    const ofWorld = { platform: "pager", external_org_id: "T1" };
    const ofEurope = { platform: "pager-eu", external_org_id: "T1" };
    const first = await caller.token(ofWorld);
    const other = await caller.token(ofEurope);
    expect([first.installation_id, other.installation_id]).toEqual([world.installation_id, europe.installation_id]);
    expect(first.access_token).not.toBe(other.access_token);
    // What the module calls its product is the kind's own affair: the address at the platform is the same.
    expect([first.api_base_url, other.api_base_url]).toEqual([
      `${fakes.pager.url}/api/pager`,
      `${fakes["pager-eu"].url}/api/pager`,
    ]);

    for (let round = 1; round <= 2; round++) {
      service.clock.advance(3_600_000);
      const next = await caller.token(ofWorld);
      expect(next.access_token).not.toBe(first.access_token);
      expect(new Set(fakes.pager.spent).size).toBe(round);
    }
    expect(fakes["pager-eu"].spent).toEqual([]);

    expect(await caller.revoke(world.installation_id)).toMatchObject({
      provider_revocation: "PROVIDER_REVOCATION_REVOKED",
    });
    expect(fakes.pager.revoked).toHaveLength(1);
    expect(fakes["pager-eu"].revoked).toEqual([]);
    expect((await caller.refusalSoon(ofWorld)).reason).toBe("INSTALLATION_NOT_FOUND");
    expect((await caller.token(ofEurope)).installation_id).toBe(europe.installation_id);
    expect(fakes["pager-eu"].spent).toHaveLength(1);
  });

  test("pages call it as people do", async () => {
    const start = `${service.replicas[0]?.publicUrl}/oauth/install/pager-eu?owner=acme`;
    const done = await createBrowser().visit(start);
    expect(done.text).toContain("Pager Europe is connected");
    fakes["pager-eu"].decision = "deny";
    const denied = await createBrowser().visit(start, asJson);
    expect([denied.status, denied.text]).toEqual([403, expect.stringContaining("approve the request at Pager Europe")]);
  });
});

test("its settings are in the table, under the names of each, and a default stands there", () => {
  const table = settingsTable(withPlatforms(platforms.settings));
  expect(table).toContain("| `PAGER_URL` | https://pager.example | Pager. |");
  expect(table).toContain(
    "| `PAGER_EU_CLIENT_SECRET` (secret) |  | Pager app: client secret, of the app in PAGER_EU_CLIENT_ID. |",
  );
});

test("a misspelled setting of either is noticed, and half of them is a problem in the names of that one", () => {
  const warned = loadConfig({ PAGER_CLEINT_ID: "x", PAGER_EU_CLIENT_IDS: "x" }, filesOf({}), platforms).warnings;
  expect(warned).toEqual([
    "PAGER_CLEINT_ID is not a setting; PAGER_CLIENT_ID is",
    "PAGER_EU_CLIENT_IDS is not a setting; PAGER_EU_CLIENT_ID is",
  ]);
  expect(() => loadConfig({ PAGER_EU_CLIENT_ID: "x" }, filesOf({}), platforms)).toThrow(
    "PAGER_EU_CLIENT_SECRET: is missing, while PAGER_EU_CLIENT_ID is set; set it, or unset all settings of the Pager app",
  );
});

test("where it has no settings it is known and not configured", () => {
  const { config } = loadConfig({ PAGER_EU_CLIENT_ID: "x", PAGER_EU_CLIENT_SECRET: "y" }, filesOf({}), platforms);
  expect(config.notConfigured).toEqual(["github", "github-oauth", "jira", "confluence", "slack", "sentry", "pager"]);
  expect(config.platforms).toMatchObject([{ kind: "pager", products: ["pager-eu"] }]);
  expect([...config.ownHosts]).toEqual([]);
});
