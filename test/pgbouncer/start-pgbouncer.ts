import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, isFree } from "../../rig/free-port.ts";
import { until } from "../../rig/gate.ts";

/** A PgBouncer of the run's own, on loopback, before every database of one server. */
export interface PgBouncer {
  readonly port: number;
  close(): Promise<void>;
}

/** Fewer than one replica's ten, so that sessions are everybody's. */
const poolSize = 5;

/** As docs/operations.md has it. @throws Error that says what it said, or that it is not installed. */
export async function startPgBouncer(
  serverUrl: string,
  mode: "session" | "transaction" = "transaction",
): Promise<PgBouncer> {
  const server = new URL(serverUrl);
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-pgbouncer-"));
  // It refuses to run as root, and then reads its files as nobody.
  await chmod(folder, 0o755);
  const port = await freePort();
  const file = join(folder, "pgbouncer.ini");
  await writeFile(join(folder, "users.txt"), `"${server.username}" "${server.password}"\n`);
  await writeFile(file, configuration(server, port, join(folder, "users.txt"), mode));
  const said: string[] = [];
  const child = spawn(process.env.PGBOUNCER_PATH ?? "/usr/sbin/pgbouncer", ["-q", file], {
    ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void said.push(text));
  // However this process ends.
  process.once("exit", () => void child.kill("SIGKILL"));
  const listening = until(async () => hasEnded(child, said) || !(await isFree(port)), "PgBouncer listens", 10_000);
  await Promise.race([listening, failed]);
  return {
    port,
    async close() {
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess, said: readonly string[]): false {
  if (exitCode === null && signalCode === null) return false;
  throw new Error(`PgBouncer does not start:\n${said.join("")}`);
}

/** Who is not in the file is asked of the server, which is how roles that a test makes can log in. */
function configuration(server: URL, port: number, users: string, mode: string): string {
  return `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
auth_user = ${server.username}
auth_query = select usename, passwd from pg_catalog.pg_shadow where usename = $1
admin_users = ${server.username}
pool_mode = ${mode}
default_pool_size = ${poolSize}
max_client_conn = 1000
server_login_retry = 1
`;
}
