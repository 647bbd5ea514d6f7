import type { ListenAddress } from "../config/listeners.ts";

/** Waits for a listener. @throws Error that names the address, why it cannot be had, and the setting to change. */
export async function listening<T>(
  setting: keyof typeof hostSetting,
  { host, port }: ListenAddress,
  started: Promise<T>,
): Promise<T> {
  try {
    return await started;
  } catch (error) {
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    throw new Error(`cannot listen on ${address} (${setting}): ${reason(error, hostSetting[setting])}`, {
      cause: error,
    });
  }
}

/** Where the address comes from. */
const hostSetting = { PORT: "HOST", INTERNAL_PORT: "INTERNAL_HOST", GRPC_PORT: "INTERNAL_HOST" } as const;

const reasons: readonly (readonly [codes: RegExp, say: (host: string) => string])[] = [
  [/EADDRINUSE/, () => "that port is in use: end what uses it, or set another one"],
  [/EACCES/, () => "this process may not use that port: set one above 1023"],
  [/EADDRNOTAVAIL/, (host) => `this machine does not have that address: set ${host} to one that it has`],
  [
    /ENOTFOUND|EAI_|Name resolution failed/,
    (host) => `that name does not resolve: set ${host} to an address of this machine`,
  ],
];

/** gRPC tells the system's reason only in the text of its own error's cause. */
function reason(error: unknown, host: string): string {
  const texts = error instanceof Error ? `${error.message} ${error.cause}` : "";
  return reasons.find(([codes]) => codes.test(texts))?.[1](host) ?? "the system refuses it";
}
