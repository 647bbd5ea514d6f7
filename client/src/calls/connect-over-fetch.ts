import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { Way } from "./way.ts";

/** Connect by the `fetch` of this place: Node, Deno, Bun, a worker, a browser. */
export function connectOverFetch(baseUrl: string): Way {
  const transport = createConnectTransport({ baseUrl, useBinaryFormat: true, fetch: send });
  return { ...transport, close: () => undefined };
}

/** Of what `fetch` takes only what every place knows: Cloudflare's refuses `redirect: "error"`. */
async function send(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const { method, headers, body, signal } = init;
  const response = await globalThis
    .fetch(input, {
      ...{ method, headers, body, signal },
      redirect: "manual",
    } as RequestInit)
    .catch((error: unknown) => {
      if (signal?.aborted) throw signal.reason;
      throw new ConnectError(`cannot be reached (${describe(error)})`, Code.Unavailable, undefined, undefined, error);
    });
  // Credentials go to the address that was given, and to no other.
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel();
    throw new ConnectError("the address redirects elsewhere", Code.Unavailable);
  }
  return response;
}

/** Node says "fetch failed", and why in the cause. */
function describe(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: unknown; readonly message?: unknown } };
  return String(cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : error));
}
