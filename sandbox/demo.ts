import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startSandbox } from "./sandbox.ts";

/**
 * Everything on one machine: sandbox platforms, the embedded database, the service as a process of its own. Settings of
 * the service that are set already are kept; `DEMO_PORT_BASE` moves every port, `SANDBOX_AUTO_APPROVE=1` makes the
 * consent pages approve by themselves.
 */
const env = process.env;
const base = env.DEMO_PORT_BASE === undefined ? undefined : portBase(env.DEMO_PORT_BASE);
const ports = {
  sandbox: base ?? 8020,
  public: Number(env.PORT ?? (base === undefined ? 8010 : base + 3)),
  internal: Number(env.INTERNAL_PORT ?? (base === undefined ? 8011 : base + 4)),
  grpc: Number(env.GRPC_PORT ?? (base === undefined ? 50_051 : base + 5)),
};
const baseUrl = env.BASE_URL ?? `http://localhost:${ports.public}`;
const givenDirectory = env.DATA_DIR;
const directory = givenDirectory ?? mkdtempSync(join(tmpdir(), "oauth-token-service-demo-"));
const autoApprove = env.SANDBOX_AUTO_APPROVE === "1";

const sandbox = await startSandbox({ portBase: ports.sandbox, baseUrl, autoApprove }).catch(explain);
const service = spawn(process.execPath, ["src/main.ts"], {
  cwd: join(import.meta.dirname, ".."),
  // A group of its own: Ctrl-C reaches the demo alone, which ends the service in order.
  detached: true,
  stdio: ["ignore", "pipe", "inherit"],
  env: {
    LOG_LEVEL: "info",
    ...sandbox.environment,
    ...env,
    BASE_URL: baseUrl,
    DATA_DIR: directory,
    PORT: String(ports.public),
    INTERNAL_PORT: String(ports.internal),
    GRPC_PORT: String(ports.grpc),
  },
});
service.stdout.setEncoding("utf8");
service.stdout.on("data", (lines: string) => {
  process.stdout.write(lines);
  if (lines.includes('"event":"service.started"')) printNextStep();
});
service.once("exit", (code) => void end(code ?? 1));
process.once("SIGINT", () => stop(service));
process.once("SIGTERM", () => stop(service));

function stop(child: ChildProcess): void {
  if (child.exitCode === null) child.kill("SIGTERM");
}

async function end(code: number): Promise<void> {
  await sandbox.close();
  if (givenDirectory === undefined) rmSync(directory, { recursive: true, force: true });
  process.exit(code);
}

function printNextStep(): void {
  const get = `npx buf curl --protocol grpc --http2-prior-knowledge -d '{"platform":"jira"}' \\
    http://localhost:${ports.grpc}/oauth.token.v1.TokenService/GetToken`;
  process.stdout.write(`
OAuth Token Service is ready.

  Connect (in a browser)    ${["jira", "github", "slack", "github-oauth", "confluence"]
    .map((platform) => `${baseUrl}/oauth/install/${platform}`)
    .join("\n                            ")}
${autoApprove ? `\n  Or by a script            curl -sL -c jar -b jar -H 'accept: application/json' ${baseUrl}/oauth/install/jira\n` : ""}
  Then ask for a token      ${get}
                            curl -s localhost:${ports.internal}/oauth/token/jira

  What is connected         curl -s localhost:${ports.internal}/oauth/installations
  What the RPCs are         npx buf curl --protocol grpc --http2-prior-knowledge --list-methods http://localhost:${ports.grpc}
  Sandbox platforms         GitHub ${sandbox.github.url}, Atlassian ${sandbox.atlassian.url}, Slack ${sandbox.slack.url}
  Data                      ${directory}${givenDirectory === undefined ? " (removed at the end)" : ""}

  Ctrl-C ends it.

`);
}

function explain(error: unknown): never {
  const port =
    error instanceof Error && "code" in error && error.code === "EADDRINUSE" && "port" in error && error.port;
  if (port === false || port === undefined) throw error;
  process.stderr.write(
    `port ${port} is in use: end what uses it, or set DEMO_PORT_BASE to the first of six free ports\n`,
  );
  process.exit(1);
}

function portBase(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port <= 65_529) return port;
  process.stderr.write("DEMO_PORT_BASE: must be a port from 1 to 65529; six ports from it on are used\n");
  process.exit(1);
}
