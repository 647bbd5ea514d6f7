import { execFile, spawnSync } from "node:child_process";
import { chmod, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ensureBuilt } from "../../bin/built.js";
import { createBrowser } from "../../rig/browser.ts";
import { type BuiltProgram, type ChildService, spawnService, startChildService } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { readLockedPackages } from "../../scripts/locked-packages.ts";
import { root } from "../../scripts/run-tool.ts";
import { connectClient, unary } from "../support/grpc-client.ts";

/** The user that owns nothing, where one may become it. */
const nobody = 65_534;
const canBecomeNobody =
  process.getuid?.() === 0 && spawnSync(process.execPath, ["-e", "0"], { uid: nobody }).status === 0;
const uid = canBecomeNobody ? nobody : undefined;

/** What is built, alone in a folder that nobody writes to, as in the image. */
let folder: string;
let program: BuiltProgram;

beforeAll(async () => {
  ensureBuilt(root);
  folder = await mkdtemp(join(tmpdir(), "oauth-token-service-built-"));
  await chmod(folder, 0o755);
  await cp(join(root, "dist"), join(folder, "dist"), { recursive: true });
  program = { main: join(folder, "dist/main.js"), uid };
  await setMode("a-w,a+rX");
});
afterAll(async () => {
  await setMode("u+w");
  await rm(folder, { recursive: true, force: true });
});

async function setMode(mode: string): Promise<void> {
  await promisify(execFile)("chmod", ["-R", mode, folder]);
}

/** Runs the built command as who runs the service, with these settings and no others. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const command = [join(folder, "dist/oauth-token-service.js"), ...args];
  const as = uid === undefined ? {} : { uid, gid: uid };
  return promisify(execFile)(process.execPath, command, { env, ...as }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

/** An empty folder of who runs the service. */
async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "oauth-token-service-built-data-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  if (uid !== undefined) await promisify(execFile)("chown", ["-R", `${uid}:${uid}`, directory]);
  return directory;
}

describe("the built service, alone in a folder that it cannot write to", { timeout: 120_000 }, () => {
  test("opens its database, connects a platform, hands out its token, and is asked for its health", async () => {
    const port = await freePort();
    const baseUrl = `http://localhost:${port}`;
    const sandbox = await startSandbox({ autoApprove: true, baseUrl });
    onTestFinished(() => sandbox.close());
    const data = { DATA_DIR: await dataDirectory(), TOKEN_ENCRYPTION_KEY: Buffer.alloc(32).toString("base64url") };
    const env = { ...sandbox.environment, ...data, BASE_URL: baseUrl, PORT: String(port) };
    const service: ChildService = await startChildService(env, [], program);
    onTestFinished(async () => void (await service.kill()));
    const events = service.lines.map(({ event }) => event);
    expect(events, "its first start unpacks the image that is built").toContain("database.initializing");
    expect(events).not.toContain("database.without_image");
    const { status, text } = await createBrowser().visit(`${baseUrl}/oauth/install/jira`, {
      accept: "application/json",
    });
    expect(status, text).toBe(200);
    const client = connectClient("oauth.token.v1.TokenService", service.ports.grpc);
    onTestFinished(() => client.close());
    const { error, response } = await unary(client, "getToken", { installation_id: JSON.parse(text).installation_id });
    expect(error).toBeUndefined();
    expect(response?.access_token).toMatch(/./);

    const health = await run(["health", "--json"], { GRPC_PORT: String(service.ports.grpc) });
    expect(health).toEqual({
      code: 0,
      stdout: `${JSON.stringify({ address: `127.0.0.1:${service.ports.grpc}`, status: "SERVING" })}\n`,
      stderr: "",
    });
    const { code } = await service.kill("SIGTERM");
    expect(code, service.output()).toBe(0);
    const verified = await run(["audit", "verify", "--json"], data);
    expect(JSON.parse(verified.stdout), verified.stderr).toMatchObject({ findings: 0 });
  });

  test("names the sources in its stack traces", async () => {
    const preload = `data:text/javascript,process.on = () => { throw new Error("a bug"); };`;
    const { output } = await spawnService({ DATA_DIR: folder }, [preload], program).exited;
    const [, line = ""] = /Error: a bug\n.*\n.*\bat run \(file:\/\/.*\/src\/main\.ts:(\d+):\d+\)/.exec(output) ?? [];
    const source = (await readFile(join(root, "src/main.ts"), "utf8")).split("\n");
    expect(source[Number(line) - 1], output).toContain("process.on(");
  });
});

test("what is built holds what it needs and what its licences ask for, and of packages those in production", async () => {
  const files = await readdir(join(folder, "dist"));
  const packages: readonly string[] = JSON.parse(await readFile(join(folder, "dist/packages.json"), "utf8"));
  const production = (await readLockedPackages()).filter(({ isProduction }) => isProduction).map(({ name }) => name);
  const names = packages.map((path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
  expect(names).toEqual(expect.arrayContaining(["express", "postgres", "@electric-sql/pglite", "@opentelemetry/api"]));
  expect(names.filter((name) => !production.includes(name))).toEqual([]);
  const licences = await readFile(join(folder, "dist/LICENSES.txt"), "utf8");
  for (const name of names) expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
  expect(files).toEqual(expect.arrayContaining(["main.js.map", "oauth-token-service.js.map", "migrations"]));
});

test("OpenTelemetry and the embedded database are not loaded before they are used", async () => {
  const read = (file: string) => readFile(join(folder, "dist", file), "utf8");
  const sources = new Map<string, readonly string[]>();
  const load = async (file: string): Promise<void> => {
    if (sources.has(file)) return;
    // What holds nothing of the sources has no map.
    sources.set(file, JSON.parse(await read(`${file}.map`).catch(() => `{"sources":[]}`)).sources);
    const imported = (await read(file)).matchAll(/^(?:import|export)\s[^"';]*?"\.\/([^"]+)";$/gm);
    for (const [, name = ""] of imported) await load(name);
  };
  await load("main.js");
  const loaded = [...sources.values()].flat();
  const some = (place: string) => loaded.some((source) => source.includes(`/${place}/`));
  // In the first and in another file.
  expect([some("node_modules/express"), some("node_modules/postgres"), sources.size > 3]).toEqual([true, true, true]);
  expect([some("@opentelemetry"), some("@electric-sql"), some("src/storage/embedded")]).toEqual([false, false, true]);
});
