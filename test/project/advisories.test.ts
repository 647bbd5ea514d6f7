import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { parseAudit } from "../../scripts/advisories.ts";
import { readLockedPackages } from "../../scripts/locked-packages.ts";

const script = fileURLToPath(new URL("../../scripts/advisories.ts", import.meta.url));

/** Runs the script with a registry of our own. */
async function run(registry: string, ...args: readonly string[]) {
  const env = { ...process.env, npm_config_registry: registry, npm_config_fetch_retries: "0" };
  return new Promise<{ readonly code: number; readonly output: string; readonly errors: string }>((done) => {
    execFile(process.execPath, [script, ...args], { env }, (error, output, errors) => {
      done({ code: typeof error?.code === "number" ? error.code : 0, output, errors });
    });
  });
}

async function openRegistry(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const bulk = "/-/npm/v1/security/advisories/bulk";

test("asks for every package in production and for no other", async () => {
  const asked: string[] = [];
  const registry = await openRegistry(async (request, response) => {
    const chunks = await request.toArray();
    const body = Buffer.concat(chunks);
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    if (request.url === bulk) asked.push(...Object.keys(JSON.parse(text.toString("utf8"))));
    response.setHeader("content-type", "application/json").end("{}");
  });
  const { code, output } = await run(registry);
  expect(output).toMatch(/^0 known advisories for \d+ packages in production\n$/);
  expect(code).toBe(0);
  const production = (await readLockedPackages()).filter(({ isProduction }) => isProduction);
  expect(asked.sort()).toEqual([...new Set(production.map(({ name }) => name))].sort());
});

test("prints what is known of a package, and fails", async () => {
  const advisory = {
    ...{ id: 1, url: "https://github.com/advisories/GHSA-test", title: "A thing goes wrong", severity: "high" },
    ...{ vulnerable_versions: "<99.0.0", cwe: [], cvss: { score: 0, vectorString: null } },
  };
  const registry = await openRegistry((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url === bulk) response.end(JSON.stringify({ express: [advisory] }));
    else {
      // Of the package, and of those that depend on it.
      const name = decodeURIComponent((request.url ?? "").slice(1));
      response.end(JSON.stringify({ name, "dist-tags": {}, versions: {} }));
    }
  });
  const { code, output } = await run(registry);
  expect(output).toContain("high: express <99.0.0: A thing goes wrong (https://github.com/advisories/GHSA-test)\n");
  expect(output).toMatch(/^1 known advisories for \d+ packages in production$/m);
  expect(code).toBe(1);
});

test.each<[what: string, listener: RequestListener]>([
  ["does not have the endpoint", (_request, response) => void response.writeHead(405).end()],
  ["is in trouble", (_request, response) => void response.writeHead(503).end("{}")],
  ["hangs up", (request) => void request.socket.destroy()],
  ["answers with a page", (_request, response) => void response.end("<html>sign in</html>")],
])("says that nothing was checked when the registry %s", async (_what, listener) => {
  const { code, output, errors } = await run(await openRegistry(listener));
  expect(errors).toMatch(/^not checked: ./);
  expect(output).toBe("");
  expect(code).toBe(2);
});

test("says that nothing was checked when the registry never answers", async () => {
  const { code, errors } = await run(await openRegistry(() => {}), "--time-limit", "2");
  expect(errors).toBe("not checked: the registry did not answer within 2 s\n");
  expect(code).toBe(2);
});

test.each(["", "null", "[]", "{}", "not json", '{"vulnerabilities":{}}', '{"message":"m","vulnerabilities":{}}'])(
  "a report that is not whole is none: %j",
  (text) => {
    expect(parseAudit(text).kind).toBe("not checked");
  },
);

test("a report about no package is none", () => {
  const text = JSON.stringify({ vulnerabilities: {}, metadata: { dependencies: { prod: 0 } } });
  expect(parseAudit(text).kind).toBe("not checked");
});
