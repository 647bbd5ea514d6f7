import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import type { BenchPostgres } from "./postgres-server.ts";

/** What the figures depend on, as name and value. */
export function machineFacts(postgres: BenchPostgres): readonly (readonly [string, string])[] {
  const [cpu] = cpus();
  return [
    ["Date", new Date().toISOString().slice(0, 16).replace("T", " ").concat(" UTC")],
    ["Processor", `${cpu?.model.trim() ?? "unknown"}, ${availableParallelism()} cores`],
    ["Memory", `${Math.round(totalmem() / 2 ** 30)} GiB`],
    ["Kernel", `${type()} ${release()}`],
    ["Node", process.version],
    ["Postgres", `${postgres.version}, commits flushed to the disk`],
    [
      "Load average at the start",
      loadavg()
        .map((load) => load.toFixed(1))
        .join(", "),
    ],
  ];
}

/** The first line a tool says of its version; undefined if it is not installed. */
export function versionOf(tool: string): string | undefined {
  try {
    return execFileSync(tool, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0];
  } catch {
    return undefined;
  }
}
