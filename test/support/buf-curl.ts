import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const buf = new URL("../../node_modules/.bin/buf", import.meta.url).pathname;

/** `buf curl` over gRPC without TLS; the last argument is the path. It knows the service from reflection alone. */
export function bufCurl(
  port: number,
  ...args: string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args.slice(0, -1)];
  return run(buf, [...flags, `http://127.0.0.1:${port}${args.at(-1)}`], { timeout: 20_000 });
}
