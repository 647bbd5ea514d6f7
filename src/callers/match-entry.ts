import type { FileReader } from "./file-reader.ts";

/** What proves to be a caller. */
export type Identity =
  | { readonly kind: "token"; readonly issuer: string; readonly subject: string }
  /** `name`: a name of a certificate with its kind, `URI:…` or `DNS:…`. */
  | { readonly kind: "certificate"; readonly name: string }
  /** `sha256` of the whole key; `expiresAt`: the first moment it counts no more. */
  | { readonly kind: "api_key"; readonly sha256: Buffer; readonly expiresAt: Date | undefined };

const dayMs = 24 * 3_600_000;
const keys = ["issuer", "subject", "mtls_san", "api_key", "expires"];
const ways = "issuer and subject, or mtls_san, or api_key and expires";

/** `match` of a caller: exactly one way. Its values are never repeated, since keys may be among them by mistake. */
export function readMatch(value: unknown, path: string, reader: FileReader): Identity | undefined {
  const entry = reader.mapping(value, path, keys);
  if (entry === undefined) return undefined;
  const given = ["issuer", "subject"].some((key) => entry.has(key)) ? ["issuer"] : [];
  if (entry.has("mtls_san")) given.push("mtls_san");
  if (entry.has("api_key")) given.push("api_key");
  if (given.length !== 1) {
    reader.problem(path, `this is ${given.length === 0 ? "no way" : "more than one way"} to prove`, `write ${ways}`);
    return undefined;
  }
  if (entry.has("expires") && given[0] !== "api_key") {
    reader.problem(`${path}.expires`, "only an api_key has an end of its own", "remove it");
  }
  switch (given[0]) {
    case "issuer": {
      const issuer = reader.exact(entry.get("issuer"), `${path}.issuer`, "k8s-prod");
      const subject = reader.exact(entry.get("subject"), `${path}.subject`, "system:serviceaccount:ci:runner");
      return issuer === undefined || subject === undefined ? undefined : { kind: "token", issuer, subject };
    }
    case "mtls_san": {
      const name = reader.exact(entry.get("mtls_san"), `${path}.mtls_san`, "spiffe://example.org/ns/web/sa/dashboard");
      return name === undefined ? undefined : { kind: "certificate", name: `${kindOf(name)}:${name}` };
    }
    default: {
      const sha256 = readHash(entry.get("api_key"), `${path}.api_key`, reader);
      const expiresAt = readExpiry(entry.get("expires"), `${path}.expires`, reader);
      return sha256 === undefined ? undefined : { kind: "api_key", sha256, expiresAt };
    }
  }
}

/** The same for the same proof. */
export function keyOfIdentity(identity: Identity): string {
  switch (identity.kind) {
    case "token":
      return JSON.stringify([identity.issuer, identity.subject]);
    case "certificate":
      return identity.name;
    case "api_key":
      return identity.sha256.toString("hex");
  }
}

/** A DNS name has no colon, and every URI has one. */
function kindOf(name: string): "URI" | "DNS" {
  return name.includes(":") ? "URI" : "DNS";
}

function readHash(value: unknown, path: string, reader: FileReader): Buffer | undefined {
  const hex = typeof value === "string" ? /^sha256:([0-9a-f]{64})$/.exec(value)?.[1] : undefined;
  if (hex !== undefined) return Buffer.from(hex, "hex");
  reader.problem(
    path,
    "this is not sha256: and 64 hexadecimal digits in lower case",
    "write the line that oauth-token-service keys create printed, never the key itself",
  );
  return undefined;
}

/** The end of that day, UTC. */
function readExpiry(value: unknown, path: string, reader: FileReader): Date | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? value : "";
  const start = new Date(`${text}T00:00:00Z`);
  if (!Number.isNaN(start.getTime()) && start.toISOString().startsWith(text)) return new Date(start.getTime() + dayMs);
  reader.problem(path, "this is not a day", "write one such as 2027-01-31");
  return undefined;
}
