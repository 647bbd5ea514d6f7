import type { Listener } from "../config/listeners.ts";

/** Waits for a listener. @throws Error that names the address, why it cannot be had, and the setting to change. */
export async function listening<T>(
  setting: "PORT" | "INTERNAL_PORT" | "GRPC_PORT",
  { host, port }: Listener,
  started: Promise<T>,
): Promise<T> {
  try {
    return await started;
  } catch (error) {
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    throw new Error(`cannot listen on ${address} (${setting}): ${reason(error)}`, { cause: error });
  }
}

const reasons: readonly (readonly [code: string, words: string])[] = [
  ["EADDRINUSE", "that port is in use: end what uses it, or set another one"],
  ["EACCES", "this process may not use that port: set one above 1023"],
  ["EADDRNOTAVAIL", "this machine does not have that address"],
];

/** gRPC tells the system's reason only in the text of its own error's cause. */
function reason(error: unknown): string {
  const texts = error instanceof Error ? `${error.message} ${error.cause}` : "";
  return reasons.find(([code]) => texts.includes(code))?.[1] ?? "the system refuses it";
}
