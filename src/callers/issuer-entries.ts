import type { FileReader } from "./file-reader.ts";
import { wrongWithName } from "./names.ts";
import { safeAddress } from "./web-address.ts";

/** Who signs callers' tokens, and how such a token has to look. */
export interface Issuer {
  /** Its name in the caller file. */
  readonly name: string;
  /** `iss`, as it stands. */
  readonly issuer: string;
  /** The only `aud`. */
  readonly audience: string;
  readonly jwksUri: string;
  readonly algorithms: readonly string[];
  /** Seconds since `iat` after which a token counts no more, whatever its `exp`. */
  readonly maxAgeSeconds: number;
}

/** Those that are verified with a public key. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const keys = ["kind", "issuer", "audience", "jwks_uri", "algorithms", "max_age"];
const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const defaultMaxAgeSeconds = 3600;
const longestMaxAgeSeconds = 24 * 3600;

/** `issuers` of the caller file, by name. */
export function readIssuers(value: unknown, reader: FileReader): ReadonlyMap<string, Issuer> {
  const found = new Map<string, Issuer>();
  if (value === undefined) return found;
  if (!(value instanceof Map)) {
    reader.problem("issuers", "this is not a mapping", "write issuers by name");
    return found;
  }
  const names = new Map<string, string>();
  for (const [name, entry] of value as ReadonlyMap<string, unknown>) {
    const wrong = wrongWithName(name, reader.redact);
    if (wrong !== undefined) reader.problem(`issuers.${reader.shown(name)}`, wrong, "give it a name such as k8s-prod");
    const issuer = readIssuer(name, entry, reader);
    const other = names.get(issuer.issuer);
    if (other !== undefined && issuer.issuer !== "") {
      reader.problem(`issuers.${name}.issuer`, `this is the issuer of ${other} as well`, "keep one of them");
    }
    names.set(issuer.issuer, name);
    found.set(name, issuer);
  }
  return found;
}

/** What is wrong reads as empty: the file is refused anyway, and its callers' issuers are known. */
function readIssuer(name: string, value: unknown, reader: FileReader): Issuer {
  const path = `issuers.${name}`;
  const entry = reader.mapping(value, path, keys);
  if (entry === undefined) {
    return { name, issuer: "", audience: "", jwksUri: "", algorithms: [], maxAgeSeconds: defaultMaxAgeSeconds };
  }
  if (entry.get("kind") !== "oidc") {
    reader.problem(`${path}.kind`, `${reader.shown(entry.get("kind"))} is not a kind of issuer`, "write oidc");
  }
  const issuer = readAddress("issuer", "https://issuer.example");
  const jwksUri = readAddress("jwks_uri", "https://issuer.example/keys");
  return {
    name,
    issuer,
    audience: reader.exact(entry.get("audience"), `${path}.audience`, "oauth-token-service") ?? "",
    jwksUri,
    algorithms: reader.names(entry.get("algorithms"), `${path}.algorithms`, "[RS256, ES256]", algorithms) ?? [],
    maxAgeSeconds: readMaxAge(entry.get("max_age"), `${path}.max_age`, reader),
  };

  function readAddress(key: string, example: string): string {
    const text = reader.exact(entry?.get(key), `${path}.${key}`, example) ?? "";
    if (text !== "" && safeAddress(text) === undefined) {
      reader.problem(`${path}.${key}`, "this is not https (or http on loopback) without a user", `write ${example}`);
    }
    return text;
  }
}

function readMaxAge(value: unknown, path: string, reader: FileReader): number {
  if (value === undefined) return defaultMaxAgeSeconds;
  const [, amount, unit] = (typeof value === "string" && /^([1-9]\d{0,5})([smh])$/.exec(value)) || [];
  const seconds = Number(amount) * (unitSeconds[unit ?? ""] ?? Number.NaN);
  if (seconds >= 1 && seconds <= longestMaxAgeSeconds) return seconds;
  reader.problem(path, `${reader.shown(value)} is not a duration up to 24h`, "write one such as 1h, 30m or 90s");
  return defaultMaxAgeSeconds;
}
