import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinned } from "../cores.ts";
import { framed } from "./framed.ts";
import type { SteadyLoad, SteadyReport } from "./steady.ts";

/** Runs h2load once. HTTP/2 with gRPC framing, or HTTP/1.1 with JSON. */
export async function runH2load(load: SteadyLoad, core: number | undefined, directory: string): Promise<SteadyReport> {
  const { protocol, address, path, body, seconds, connections, streams, callsPerSecond, authorization } = load;
  const bodyPath = join(directory, "h2load-body");
  const logPath = join(directory, "h2load-log");
  if (body !== undefined) await writeFile(bodyPath, protocol === "grpc" ? framed(body) : body);
  await rm(logPath, { force: true });
  const rate = callsPerSecond === undefined ? [] : [`--rps=${callsPerSecond / connections}`];
  const [command, ...args] = pinned(core, [
    "h2load",
    "-t",
    "1",
    "-c",
    String(connections),
    "-m",
    String(streams),
    "-D",
    `${seconds * 1000}ms`,
    ...(body === undefined ? [] : ["-d", bodyPath, ...contentHeaders[protocol]]),
    ...(protocol === "grpc" ? [] : ["--h1"]),
    ...(authorization === undefined ? [] : ["-H", `authorization: ${authorization.reveal()}`]),
    ...rate,
    `--log-file=${logPath}`,
    `http://${address}${path}`,
  ]);
  const output = await new Promise<string>((resolve, reject) => {
    const options = { timeout: (seconds + 15) * 1000, killSignal: "SIGKILL" as const };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      process.off("exit", end);
      if (error === null) resolve(stdout);
      else reject(new Error(`h2load failed: ${stderr || error.message}`));
    });
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
  });
  const latenciesMs = readLog(await readFile(logPath, "utf8"));
  const bodyBytes = Number(/\((\d+)\) data/.exec(output)?.[1]);
  const statuses = /status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(output)?.[1];
  const succeeded = Number(statuses);
  if (statuses === undefined || latenciesMs.length === 0) throw new Error(`h2load saw failures:\n${output}`);
  return { callsPerSecond: succeeded / seconds, latenciesMs, bytesPerAnswer: bodyBytes / succeeded };
}

const contentHeaders: Readonly<Record<SteadyLoad["protocol"], readonly string[]>> = {
  grpc: ["-H", "content-type: application/grpc", "-H", "te: trailers"],
  http: ["-H", "content-type: application/json"],
};

/** The third column of every line, in milliseconds, ascending. */
function readLog(log: string): Float64Array {
  const lines = log.split("\n").filter((line) => line !== "");
  return Float64Array.from(lines, (line) => Number(line.split("\t")[2]) / 1000).sort();
}
