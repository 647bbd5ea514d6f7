import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinned } from "../cores.ts";
import { versionOf } from "../machine.ts";

/** Rows per second that pgbench reads by primary key; undefined where it is not installed. */
export async function runPgbench(options: {
  readonly url: string;
  readonly table: string;
  readonly rows: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly core: number | undefined;
  readonly directory: string;
}): Promise<number | undefined> {
  if (versionOf("pgbench") === undefined) return undefined;
  const { table, rows, inFlight, seconds, core, directory } = options;
  const script = join(directory, "pgbench-script");
  await writeFile(script, `\\set n random(1, ${rows})\nselect filler from ${table} where n = :n;\n`);
  const { hostname, port, username, password, pathname } = new URL(options.url);
  const [command, ...args] = pinned(core, [
    "pgbench",
    "-n",
    "-M",
    "prepared",
    "-f",
    script,
    "-c",
    String(inFlight),
    "-j",
    "1",
    "-T",
    String(seconds),
    "-h",
    hostname,
    "-p",
    port,
    "-U",
    username,
    pathname.slice(1),
  ]);
  const output = await new Promise<string>((resolve, reject) => {
    const env = { PATH: process.env.PATH ?? "", PGPASSWORD: password };
    execFile(command, args, { env, timeout: (seconds + 10) * 1000, killSignal: "SIGKILL" }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
  return Number(/^tps = ([\d.]+)/m.exec(output)?.[1]);
}
