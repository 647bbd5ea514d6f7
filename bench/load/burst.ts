import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pinned } from "../cores.ts";
import { framed } from "./framed.ts";

/** So many calls at once, spread over addresses. */
export interface Burst {
  /** `host:port`; each gets its share. */
  readonly addresses: readonly string[];
  readonly connectionsEach: number;
  readonly calls: number;
  readonly path: string;
  readonly body: Buffer;
}

export interface BurstReport {
  /** From the first call to the last answer. */
  readonly milliseconds: number;
  /** Of all answers; one that is refused has none. */
  readonly bodyBytes: number;
}

/** Sends them with one h2load for each address, all under way together. */
export async function runBurst(burst: Burst, core: number | undefined, directory: string): Promise<BurstReport> {
  const { addresses } = burst;
  const bodyPath = join(directory, "burst-body");
  await writeFile(bodyPath, framed(burst.body));
  const shares = await Promise.all(
    addresses.map((address, i) => share(burst, address, bodyPath, core, join(directory, `burst-log-${i}`))),
  );
  const begun = Math.min(...shares.map((one) => one.begunMicros));
  const ended = Math.max(...shares.map((one) => one.endedMicros));
  return { milliseconds: (ended - begun) / 1000, bodyBytes: shares.reduce((sum, one) => sum + one.bodyBytes, 0) };
}

async function share(
  { addresses, connectionsEach, calls, path }: Burst,
  address: string,
  bodyPath: string,
  core: number | undefined,
  logPath: string,
) {
  await rm(logPath, { force: true });
  const own = calls / addresses.length;
  const [command, ...args] = pinned(core, [
    "h2load",
    "-t",
    "1",
    "-n",
    String(own),
    "-c",
    String(connectionsEach),
    "-m",
    String(own / connectionsEach),
    "-d",
    bodyPath,
    "-H",
    "content-type: application/grpc",
    "-H",
    "te: trailers",
    `--log-file=${logPath}`,
    `http://${address}${path}`,
  ]);
  const output = await new Promise<string>((resolve, reject) => {
    execFile(command, args, { timeout: 60_000 }, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
  // When it began in microseconds since 1970, the HTTP status, how long it took.
  const lines = (await readFile(logPath, "utf8")).trim().split("\n");
  const times = lines.map((line) => line.split("\t").map(Number));
  if (times.length !== own) throw new Error(`${times.length} of ${own} calls were answered:\n${output}`);
  return {
    begunMicros: Math.min(...times.map(([begun = 0]) => begun)),
    endedMicros: Math.max(...times.map(([begun = 0, , took = 0]) => begun + took)),
    bodyBytes: Number(/\((\d+)\) data/.exec(output)?.[1]),
  };
}
