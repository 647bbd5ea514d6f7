import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const buf = new URL("../../node_modules/.bin/buf", import.meta.url).pathname;

/** `buf curl` over gRPC without TLS; the last argument is the path. It knows the service from reflection alone. */
export function bufCurl(
  port: number,
  ...args: string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run(buf, argumentsOf(port, args), { timeout: 20_000 });
}

/** The same for a stream, which goes on until it is stopped; `hear` is told of what it prints. */
export function startBufCurl(
  hear: (printed: string) => void,
  port: number,
  ...args: string[]
): { readonly stop: () => void } {
  // A group of its own, since the command is a script that starts the program.
  const curl = spawn(buf, argumentsOf(port, args), { stdio: ["ignore", "pipe", "ignore"], detached: true });
  curl.stdout.on("data", (printed: Buffer) => hear(printed.toString()));
  return { stop: () => void (curl.pid !== undefined && process.kill(-curl.pid)) };
}

function argumentsOf(port: number, args: readonly string[]): string[] {
  const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args.slice(0, -1)];
  return [...flags, `http://127.0.0.1:${port}${args.at(-1)}`];
}
