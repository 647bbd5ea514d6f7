import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { freePorts, isFree } from "../../rig/free-port.ts";
import { approve, poll, startCode } from "../end-to-end/support/link-codes.ts";
import { bufCurl } from "../support/buf-curl.ts";
import { createTestDirectory } from "../support/database.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Demo {
  readonly output: () => string;
  /** Fails if it ends without being ready. */
  readonly ready: Promise<void>;
  /** As Ctrl-C in a terminal: the signal goes to everything that was started from it. */
  interrupt(signal?: NodeJS.Signals): void;
  /** Ends it, if it still runs. */
  end(): Promise<void>;
  readonly exited: Promise<{ readonly code: number | null; readonly output: string }>;
}

/** What `npm run demo` runs, in a terminal of its own as it were. */
async function startDemo(env: Readonly<Record<string, string>>): Promise<Demo> {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const [program, ...args] = String(scripts.demo).split(" ");
  expect(program).toBe("node");
  const child = spawn(process.execPath, args, {
    cwd: root,
    detached: true,
    env: { PATH: process.env.PATH ?? "", TMPDIR: tmpdir(), ...env },
  });
  let output = "";
  const ready = Promise.withResolvers<void>();
  const keep = (chunk: Buffer) => {
    output += chunk;
    if (output.includes("is ready")) ready.resolve();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let ended = false;
  const exited = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once("close", (code) => {
      ended = true;
      ready.reject(new Error(`the demo ended:\n${output}`));
      resolve({ code, output });
    }),
  );
  const interrupt = (signal: NodeJS.Signals = "SIGINT") => void process.kill(-(child.pid ?? 0), signal);
  // Not every demo here is meant to become ready.
  ready.promise.catch(() => undefined);
  return {
    output: () => output,
    ready: ready.promise,
    interrupt,
    exited,
    async end() {
      if (!ended) interrupt("SIGTERM");
      await exited;
    },
  };
}

/** Follows redirects with a cookie jar: by curl, or on a machine without it by the tests' own browser. */
async function install(url: string, jar: string): Promise<Record<string, unknown>> {
  const curl = promisify(execFile)("curl", ["-sL", "-c", jar, "-b", jar, "-H", "accept: application/json", url]);
  const text = await curl.then(
    ({ stdout }) => stdout,
    async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return (await createBrowser().visit(url, { accept: "application/json" })).text;
    },
  );
  return JSON.parse(text);
}

/** With a database in it, since making one takes seconds. */
async function dataDirectory(): Promise<string> {
  const { directory, remove } = await createTestDirectory();
  onTestFinished(remove);
  await writeFile(join(directory, "encryption.key"), randomBytes(32).toString("base64url"), { mode: 0o600 });
  return directory;
}

describe("the demo", { timeout: 90_000 }, () => {
  let base: number;
  let demo: Demo;
  let jars: string;
  beforeAll(async () => {
    base = await freePorts(8);
    demo = await startDemo({
      DEMO_PORT_BASE: String(base),
      SANDBOX_AUTO_APPROVE: "1",
      // What a shell may have set for a real deployment.
      DATABASE_URL: "postgres://me:canary@db.example.com/tokens",
      TOKEN_ENCRYPTION_KEY: "canary",
      GITHUB_CLIENT_ID: "real",
      INSTALL_MODE: "link",
      PUBLIC_URL: "https://oauth.example.com",
      GITHUB_TOKEN: "not a setting",
    });
    jars = await mkdtemp(join(tmpdir(), "oauth-token-service-jars-"));
    await demo.ready;
  }, 90_000);
  afterAll(async () => {
    await demo.end();
    await rm(jars, { recursive: true, force: true });
  });

  const directory = () => /embedded database in (\S+)/.exec(demo.output())?.[1] ?? "";

  test("says first what it starts, where the data is, and what it leaves unused", () => {
    const [before] = demo.output().split("service.started");
    expect(before).toMatch(/^Starting sandbox platforms/);
    expect(before).toContain(`ports ${base}-${base + 3}`);
    expect(before).toContain(`a product that connects there on port ${base + 7}`);
    expect(existsSync(directory())).toBe(true);
    expect(before).toContain("not used in the demo: DATABASE_URL, GITHUB_CLIENT_ID, INSTALL_MODE, PUBLIC_URL, TOKEN");
    expect(demo.output()).not.toContain("canary");
  });

  test.each(["jira", "github", "slack", "sentry", "github-oauth", "confluence"])(
    "connects %s by one curl",
    async (platform) => {
      const jar = join(jars, platform);
      const answer = await install(`http://localhost:${base + 4}/oauth/install/${platform}`, jar);
      expect(answer).toMatchObject({ success: true, installation_id: expect.any(String) });
    },
  );

  test("then hands out a token over gRPC with which the sandbox's own API answers 200", async () => {
    await install(`http://localhost:${base + 4}/oauth/install/jira`, join(jars, "jira"));
    const { stdout } = await bufCurl(base + 6, "-d", '{"platform":"jira"}', "/oauth.token.v1.TokenService/GetToken");
    const { accessToken, apiBaseUrl } = JSON.parse(stdout);
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await fetch(`${apiBaseUrl}/rest/api/3/myself`, { headers })).status).toBe(200);
  });

  test("prints how a program without a browser connects, and that works", async () => {
    const site = { publicUrl: `http://localhost:${base + 4}` };
    expect(demo.output()).toContain(`curl -s ${site.publicUrl}/v1/link-code -H 'content-type: application/json'`);
    expect(demo.output()).toContain(`curl -s ${site.publicUrl}/v1/poll/LINK_CODE -H 'authorization: Bearer`);
    const started = await startCode(site, { platform: "jira" });
    expect((await approve(createBrowser(), site, started)).status).toBe(200);
    const token = { access_token: expect.any(String), account_secret: expect.any(String) };
    expect(await poll(site, started)).toMatchObject({ status: 200, body: token });
  });

  test("refuses ports that are in use, in one line", async () => {
    const sandboxTaken = await startDemo({ DEMO_PORT_BASE: String(base) });
    const end = await sandboxTaken.exited;
    expect(end.code).toBe(1);
    expect(end.output).toMatch(
      new RegExp(`^demo: port (${base}|${base + 1}|${base + 2}|${base + 3}) is in use: end what`, "m"),
    );
    expect(end.output).not.toContain("    at ");

    const other = String(await freePorts(8));
    const env = { DEMO_PORT_BASE: other, PORT: String(base + 4), DATA_DIR: await dataDirectory() };
    const serviceTaken = await startDemo(env);
    const failed = await serviceTaken.exited;
    expect(failed.code).toBe(1);
    const reason = `cannot listen on 127.0.0.1:${base + 4} (PORT): that port is in use`;
    expect(failed.output).toContain(`demo: the service ended with exit code 1: ${reason}`);
  });

  test("refuses a port that is none", async () => {
    const { exited } = await startDemo({ DEMO_PORT_BASE: "many" });
    expect(await exited).toEqual({ code: 1, output: "demo: DEMO_PORT_BASE: many is not a port from 1 to 65528\n" });
  });

  test("runs beside another one, on the ports and the data directory it is given", async () => {
    const kept = await dataDirectory();
    const [sandbox, own] = [await freePorts(8), await freePorts(8)];
    const ports = { PORT: String(own), INTERNAL_PORT: String(own + 1), GRPC_PORT: String(own + 2) };
    const second = await startDemo({ DEMO_PORT_BASE: String(sandbox), DATA_DIR: kept, ...ports });
    onTestFinished(() => second.end());
    await second.ready;
    const page = await createBrowser().visit(`http://localhost:${own}/oauth/install/slack`);
    expect(page.text, "a person is asked").toContain("Approve");
    expect((await fetch(`http://localhost:${own + 1}/oauth/installations`)).status).toBe(200);
    const { stdout } = await bufCurl(own + 2, "-d", "{}", "/grpc.health.v1.Health/Check");
    expect(stdout).toContain("SERVING");
    second.interrupt("SIGTERM");
    expect(await second.exited).toMatchObject({ code: 0 });
    expect(existsSync(join(kept, "db"))).toBe(true);
    expect((await fetch(`http://localhost:${base + 4}/health`)).status, "the first goes on").toBe(200);
  });

  test("ends with everything it started on Ctrl-C", async () => {
    const { pid } = JSON.parse(await readFile(join(directory(), "lock"), "utf8"));
    expect(process.kill(pid, 0)).toBe(true);
    demo.interrupt();
    const { code, output } = await demo.exited;
    expect(code, output).toBe(0);
    expect(output).toContain("service.stopped");
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(existsSync(directory())).toBe(false);
    for (let offset = 0; offset < 8; offset++) expect(await isFree(base + offset)).toBe(true);
  });
});
