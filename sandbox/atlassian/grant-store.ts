import type { Adapter, Payload } from "oidc-provider";
import type { AtlassianRegistration } from "./registration.ts";

/** What the authorization server remembers, in memory, with expiry by the sandbox's clock. */
export interface GrantStore {
  /** The adapter for one kind of record, as oidc-provider asks for it. */
  readonly adapter: (kind: string) => Adapter;
  /** Forgets every grant, code and token. */
  clear(): void;
}

export interface GrantStoreOptions {
  readonly now: () => Date;
  readonly registration: AtlassianRegistration;
  readonly leewaySeconds: number;
}

interface Entry {
  readonly payload: Payload;
  readonly expiresAtMs: number;
  spentAtMs: number | undefined;
}

/**
 * oidc-provider reads the process clock and knows no leeway. Both are added here: what is left of a record's life by
 * `now` is handed out as its life by the process clock, and a refresh token spent less than `leewaySeconds` ago as if
 * it were not.
 */
export function grantStore({ now, registration, leewaySeconds }: GrantStoreOptions): GrantStore {
  const entries = new Map<string, Entry>();

  function read(kind: string, id: string): Payload | undefined {
    const entry = entries.get(`${kind}:${id}`);
    const nowMs = now().getTime();
    if (entry === undefined) return undefined;
    const spent = entry.spentAtMs !== undefined && !(kind === "RefreshToken" && isWithinLeeway(entry.spentAtMs, nowMs));
    const leftSeconds = Math.ceil(Math.min(entry.expiresAtMs - nowMs, foreverMs) / 1000);
    return {
      ...entry.payload,
      exp: Math.floor(Date.now() / 1000) + leftSeconds,
      ...(spent && { consumed: Math.floor(nowMs / 1000) }),
    };
  }

  function isWithinLeeway(spentAtMs: number, nowMs: number): boolean {
    return nowMs - spentAtMs < leewaySeconds * 1000;
  }

  function findBy(kind: string, field: string, value: string): Payload | undefined {
    for (const [key, { payload }] of entries) {
      if (key.startsWith(`${kind}:`) && payload[field] === value) return read(kind, key.slice(kind.length + 1));
    }
    return undefined;
  }

  const adapter = (kind: string): Adapter => ({
    async upsert(id, payload, expiresInSeconds) {
      const expiresAtMs = expiresInSeconds === undefined ? Infinity : now().getTime() + expiresInSeconds * 1000;
      entries.set(`${kind}:${id}`, { payload, expiresAtMs, spentAtMs: undefined });
    },
    find: async (id) => (kind === "Client" ? clientMetadata(id, registration) : read(kind, id)),
    findByUid: async (uid) => findBy(kind, "uid", uid),
    findByUserCode: async (userCode) => findBy(kind, "userCode", userCode),
    async consume(id) {
      const entry = entries.get(`${kind}:${id}`);
      if (entry !== undefined) entry.spentAtMs ??= now().getTime();
    },
    async destroy(id) {
      entries.delete(`${kind}:${id}`);
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) {
        if (key.startsWith(`${kind}:`) && payload.grantId === grantId) entries.delete(key);
      }
    },
  });
  return { adapter, clear: () => entries.clear() };
}

const foreverMs = 10 * 365 * 24 * 3600 * 1000;

/** Read anew for every request, so that secret and callback can change. */
function clientMetadata(id: string, registration: AtlassianRegistration): Payload | undefined {
  if (id !== registration.clientId) return undefined;
  return {
    client_id: registration.clientId,
    client_secret: registration.clientSecret,
    redirect_uris: registration.callbackUrls,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
    id_token_signed_response_alg: "ES256",
  };
}
