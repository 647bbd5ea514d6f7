import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { onTestFinished } from "vitest";

/** A key of an issuer, and what it publishes of it. */
export interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function newKey(kid: string | undefined, alg = "ES256"): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return {
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }), alg, use: "sig" },
  };
}

/** An HTTP server on this machine that counts who comes. */
export interface CountingServer {
  readonly url: string;
  /** Connections so far. */
  connections(): number;
  /** Requests so far. */
  requests(): number;
  close(): Promise<void>;
}

export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<CountingServer> {
  let connections = 0;
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    answer(request, response);
  });
  server.on("connection", () => {
    connections++;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, connections: () => connections, requests: () => requests, close };
}

/** Publishes what `keys` holds at the moment. */
export function serveKeys(keys: { readonly current: readonly unknown[] }): Promise<CountingServer> {
  return serve((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ keys: keys.current }));
  });
}

/** `issuers` of a caller file, as one line. */
export function issuerEntry(url: string, more = ""): string {
  return `ci: { kind: oidc, issuer: ${url}, audience: tokens, jwks_uri: ${url}/keys, algorithms: [ES256, RS256]${more} }`;
}

export const subject = "repo:acme/app:ref:refs/heads/main";

/** A token that is good in everything: a minute old, for four more. */
export function goodClaims(iss: string, now: Date): JWTPayload & { readonly iat: number } {
  const seconds = Math.floor(now.getTime() / 1000);
  return { iss, aud: "tokens", sub: subject, iat: seconds - 60, nbf: seconds - 60, exp: seconds + 240 };
}

export function sign(
  key: SigningKey,
  claims: JWTPayload,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { alg = "ES256", kid } = key.jwk;
  return new SignJWT(claims)
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
    .sign(key.privateKey);
}

/** A part of a token as it travels. */
export function part(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}
