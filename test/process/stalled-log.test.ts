import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { compileService } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { until } from "../../rig/gate.ts";
import { compileCache, quickly } from "../../rig/quick-node.ts";
import { createTestDirectory } from "../support/database.ts";

beforeAll(compileService);

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
/** As wide as a request's line in the log, so that some thousands fill every buffer on the way. */
const requests = 7_000;

/** The service, whose standard output nobody reads until `read` is called. */
async function startUnread() {
  const { directory, remove } = await createTestDirectory();
  onTestFinished(remove);
  const [publicPort, internalPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [...quickly, "--disable-sigusr1", program], {
    env: {
      ...compileCache,
      PATH: process.env.PATH ?? "",
      ...{ DATA_DIR: directory, TOKEN_ENCRYPTION_KEY: randomBytes(32).toString("base64url") },
      ...{ PORT: String(publicPort), INTERNAL_PORT: String(internalPort), GRPC_PORT: "0" },
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const urls = { public: `http://localhost:${publicPort}`, internal: `http://127.0.0.1:${internalPort}` };
  await until(() => statusOf(`${urls.internal}/health?full=1`).then((status) => status === 200), "the service serves");
  return { child, urls, ports: { public: publicPort } };
}

async function statusOf(url: string): Promise<number> {
  return fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
}

/** Anybody can ask for what is not there. Resolves to how many were told so, once all were or none more comes. */
async function fillLog(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  const request = "GET /not-there HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
  socket.end(request.repeat(requests));
  socket.setTimeout(5_000, () => socket.destroy());
  let answered = 0;
  let rest = "";
  for await (const chunk of socket) {
    const text = rest + chunk;
    answered += text.split("HTTP/1.1 404 ").length - 1;
    rest = text.slice(-12);
  }
  return answered;
}

async function droppedLines(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^oauth_token_service_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
}

async function exitCodeOf(child: ChildProcess): Promise<unknown> {
  if (child.exitCode === null) await once(child, "exit");
  return child.exitCode;
}

test("a reader of the log that stalls stops nothing, and hears of what it missed", { timeout: 120_000 }, async () => {
  const { child, urls, ports } = await startUnread();
  expect(await fillLog(ports.public)).toBe(requests);
  expect(await statusOf(`${urls.public}/health`)).toBe(200);
  expect(await statusOf(`${urls.internal}/health?full=1`)).toBe(200);
  const dropped = await droppedLines(urls.internal);
  expect(dropped).toBeGreaterThan(0);

  const events: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout! }).on("line", (text) => void events.push(JSON.parse(text)));
  const lost = () => events.filter(({ event }) => event === "log.lines_dropped");
  await until(() => lost().length > 0, "the line about the lines that are not there");
  expect(lost()).toMatchObject([{ level: "warn", lines: dropped }]);
  child.kill("SIGTERM");
  expect(await exitCodeOf(child)).toBe(0);
  await until(() => events.at(-1)?.event === "service.stopped", "the last line");
});

test("a process whose log nobody reads ends in order", { timeout: 120_000 }, async () => {
  const { child, ports } = await startUnread();
  expect(await fillLog(ports.public)).toBe(requests);
  child.kill("SIGTERM");
  expect(await exitCodeOf(child)).toBe(0);
});
