import { createConnectTransport } from "@connectrpc/connect-node";
import type { Way } from "./way.ts";

/** PEM. */
export interface OwnTls {
  readonly ca: string | Uint8Array | undefined;
  readonly certificate?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

/** Connect for who brings a CA or a certificate, which Node's `fetch` does not take. */
export function connectOverNode(baseUrl: string, { ca, certificate, key }: OwnTls): Way {
  const nodeOptions = { ca: pem(ca), cert: pem(certificate), key: pem(key) };
  const transport = createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, nodeOptions });
  return { ...transport, close: () => undefined };
}

/** Node takes bytes as a Buffer alone. */
export function pem(given: string | Uint8Array | undefined): Buffer | undefined {
  return given === undefined ? undefined : Buffer.from(given);
}
