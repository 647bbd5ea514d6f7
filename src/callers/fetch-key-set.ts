import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { World } from "../world.ts";

const maxBytes = 100 * 1024;

/**
 * Reads the public keys of an issuer: one address, no redirect, at most 100 KiB.
 * @throws Error whose message is fit for the log if there is no key set within `timeoutMs`.
 */
export async function fetchKeySet(
  uri: string,
  fetch: World["fetchNamed"],
  timeoutMs: number,
): Promise<JWTVerifyGetKey> {
  const response = await fetch(uri, {
    redirect: "manual",
    headers: { accept: "application/jwk-set+json, application/json" },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the answer has status ${response.status}`);
  }
  const text = await readText(response);
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    throw new Error("the answer is not JSON");
  }
  // Checks what it is given.
  return createLocalJWKSet(signing(keys) as JSONWebKeySet);
}

/** SPIFFE says for which of its documents a key is, where others say that it signs (SPIFFE bundle format, 4.2.2). */
function signing(set: unknown): unknown {
  if (typeof set !== "object" || set === null || !("keys" in set) || !Array.isArray(set.keys)) return set;
  const ofJwt = (key: unknown) => typeof key === "object" && key !== null && "use" in key && key.use === "jwt-svid";
  return { ...set, keys: set.keys.map((key: unknown) => (ofJwt(key) ? { ...(key as object), use: "sig" } : key)) };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error("the answer is larger than 100 KiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
