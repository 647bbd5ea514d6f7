import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { Interrupted } from "../../../client/src/cli/failure.ts";
import { createBrowser } from "../../../rig/browser.ts";
import { until } from "../../../rig/gate.ts";
import { compileCache, quickly } from "../../../rig/quick-node.ts";
import { approve, type StartedCode } from "../../end-to-end/support/link-codes.ts";
import { useService } from "../../end-to-end/support/use-service.ts";
import { createPerson, type Person } from "./person.ts";

const shared = useService();
const program = fileURLToPath(new URL("../../../client/src/cli/oauth-token.ts", import.meta.url));
const published = fileURLToPath(
  new URL("../../../node_modules/@ivotoby/openapi-mcp-server/bin/mcp-server.js", import.meta.url),
);
const reading = fileURLToPath(new URL("./file-reading-server.js", import.meta.url));

/** The part of Jira's API that the sandbox has, as a tool. */
const spec = JSON.stringify({
  openapi: "3.0.0",
  info: { title: "Jira", version: "3" },
  paths: {
    "/rest/api/3/myself": {
      get: { operationId: "getMyself", summary: "Who I am", responses: { 200: { description: "a person" } } },
    },
  },
});

let person: Person;
let stop: AbortController;
let folder: string;
/** Who waits for the clock. */
const waiting = new Set<() => void>();
beforeEach(async () => {
  const { clock, replicas } = shared.service;
  const replica = replicas[0]!;
  stop = new AbortController();
  folder = mkdtempSync(join(tmpdir(), "oauth-token-mcp-"));
  let approved: Promise<unknown> | undefined;
  person = createPerson({
    interrupt: stop.signal,
    now: () => clock.now().getTime(),
    openBrowser(url) {
      approved = approve(createBrowser(), replica, { verification_url_complete: url.href } as StartedCode);
    },
    async sleep() {
      if (approved === undefined) return new Promise((resolve) => void waiting.add(resolve));
      await approved;
      clock.advance(10_000);
    },
  });
  const said = await person.run("login", "--platform", "jira", "--service", replica.publicUrl);
  expect(said.code, said.err).toBe(0);
  approved = undefined;
});
afterEach(() => {
  person.end();
  rmSync(folder, { recursive: true, force: true });
});

async function account() {
  const { out } = await person.run("token", "--platform", "jira", "--json");
  const { access_token, api_base_url } = JSON.parse(out) as Record<"access_token" | "api_base_url", string>;
  return { token: access_token, api: api_base_url };
}

/** An MCP client of a server that is started so. */
async function connect(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  const { PATH = "" } = process.env;
  const transport = new StdioClientTransport({
    ...{ command: process.execPath, args: [...quickly, ...args], cwd: folder, stderr: "ignore" },
    env: { PATH, HOME: person.home, OAUTH_TOKEN_KEYRING: "off", OPENAPI_SPEC_INLINE: spec, ...compileCache, ...env },
  });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return client;
}

async function whoAmI(client: Client): Promise<string> {
  const { tools } = await client.listTools();
  expect(tools).toHaveLength(1);
  return JSON.stringify(await client.callTool({ name: tools[0]!.name, arguments: {} }));
}

test("an MCP server from npm has its token by the environment from exec, and calls the platform", async () => {
  const { token, api } = await account();
  const variable = ["--env", "API_HEADERS=Authorization:Bearer {access_token}"];
  const command = ["--", process.execPath, published];
  const client = await connect([program, "exec", "--platform", "jira", ...variable, ...command], {
    API_BASE_URL: api,
    OPENAPI_SPEC_FROM_STDIN: "false",
  });
  expect(await whoAmI(client)).toContain("Alice");
  for (const path of filesBelow(person.home, folder)) expect(readFileSync(path, "utf8"), path).not.toContain(token);
});

test("one that reads a file goes on past the end of its token, as sync replaces it", async () => {
  const { clock } = shared.service;
  const { token, api } = await account();
  const file = join(folder, "jira.json");
  const synced = person.run("sync", "--platform", "jira", "--file", file, "--template", '{"token":"{access_token}"}');
  await until(() => waiting.size > 0, "the first token is there");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ token });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const client = await connect([reading], { API_BASE_URL: api, TOKEN_FILE: file });
  expect(await whoAmI(client)).toContain("Alice");

  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  // Of an hour.
  for (let minutes = 0; minutes < 65; minutes += 5) {
    clock.advance(5 * 60_000);
    wake();
    await until(() => waiting.size > 0, "it has looked");
  }
  const direct = await fetch(`${api}/rest/api/3/myself`, { headers: { authorization: `Bearer ${token}` } });
  expect(direct.status).toBe(401);
  expect(readFileSync(file, "utf8")).not.toContain(token);
  expect(await whoAmI(client)).toContain("Alice");
  stop.abort(new Interrupted("SIGTERM"));
  wake();
  expect(await synced).toMatchObject({ code: 0, err: "" });
});

function filesBelow(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((one) =>
    readdirSync(one, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
}
