import type { Secret } from "../secret.ts";
import { readChoice } from "../settings/scalars.ts";
import type { Reader } from "./settings.ts";

export interface EncryptionConfig {
  /** Fernet keys, comma separated, the first of which encrypts; undefined: generated in the data directory. */
  readonly keys: Secret | undefined;
  /** What new rows are sealed with. */
  readonly cipher: "fernet" | "aes-256-gcm";
}

const generate =
  "run `npm run -s ots -- keys generate` (in a container: `oauth-token-service keys generate`) and set what it prints";

export function readEncryption(reader: Reader, database: "postgres" | "embedded"): EncryptionConfig {
  return {
    keys: readKeys(reader, database),
    cipher: readChoice(reader, "TOKEN_CIPHER", ["fernet", "aes-256-gcm"]),
  };
}

function readKeys(reader: Reader, database: "postgres" | "embedded"): Secret | undefined {
  const keys = reader.secret("TOKEN_ENCRYPTION_KEY");
  if (keys === undefined && database === "postgres" && !reader.isGiven("TOKEN_ENCRYPTION_KEY")) {
    reader.problem("TOKEN_ENCRYPTION_KEY", "is required with Postgres", generate);
  }
  for (const [index, key] of (keys?.reveal().split(",") ?? []).entries()) {
    if (isFernetKey(key.trim())) continue;
    reader.problem("TOKEN_ENCRYPTION_KEY", `key ${index + 1} is not 32 bytes in URL-safe base64`, generate);
  }
  return keys;
}

/** github.com/fernet/spec: 32 bytes, base64url; the padding is often lost on the way. */
function isFernetKey(key: string): boolean {
  return /^[\w-]{43}=?$/.test(key);
}
