import { timingSafeEqual } from "node:crypto";
import type { Caller } from "../domain/access/caller.ts";
import { hashOfApiKey, isApiKey } from "./api-key.ts";
import type { CallerFile } from "./caller-file.ts";
import type { Issuer } from "./issuer-entries.ts";
import { type Identity, keyOfIdentity } from "./match-entry.ts";

/** Whose a proof is, and when it ends; undefined: never. */
export interface Proof {
  readonly caller: Caller;
  readonly expiresAt: Date | undefined;
}

/** Whose a proof is, by one version of the caller file. */
export interface Policy {
  readonly hash: string;
  readonly callers: readonly Caller[];
  readonly issuers: readonly Issuer[];
  /** By the claim `iss`. */
  issuerOf(iss: string): Issuer | undefined;
  bySubject(issuer: Issuer, subject: string): Caller | undefined;
  /** The names (`URI:…`, `DNS:…`) of a verified certificate. Exactly one of them has to be a caller's. */
  byCertificate(names: readonly string[]): Caller | undefined;
  byApiKey(key: string, now: Date): Proof | undefined;
  /** By the hash of a key, as the caller file has it. */
  byKeyHash(sha256: Buffer, now: Date): Proof | undefined;
}

export function createPolicy({ hash, callers, issuers }: CallerFile): Policy {
  const byIdentity = new Map<string, Caller>();
  const keys: (Proof & { readonly sha256: Buffer })[] = [];
  for (const { caller, identity } of callers) {
    if (identity.kind === "api_key") keys.push({ ...identity, caller });
    else byIdentity.set(keyOfIdentity(identity), caller);
  }
  const byIss = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  const find = (identity: Identity) => byIdentity.get(keyOfIdentity(identity));

  /**
   * The file has no ids of keys, so every key is compared, each in constant time and none left out: how long it takes
   * depends on the number of keys alone. Hashes could be looked up without harm, since nobody can choose one.
   */
  function byKeyHash(sha256: Buffer, now: Date): Proof | undefined {
    let found: Proof | undefined;
    for (const key of keys) {
      const isValid = key.expiresAt === undefined || now < key.expiresAt;
      if (timingSafeEqual(key.sha256, sha256) && isValid) found = key;
    }
    return found;
  }

  return {
    hash,
    callers: callers.map(({ caller }) => caller),
    issuers,
    issuerOf: (iss) => byIss.get(iss),
    bySubject: (issuer, subject) => find({ kind: "token", issuer: issuer.name, subject }),
    byCertificate(names) {
      const found = [...new Set(names)].flatMap((name) => find({ kind: "certificate", name }) ?? []);
      return found.length === 1 ? found[0] : undefined;
    },
    byApiKey: (key, now) => (isApiKey(key) ? byKeyHash(hashOfApiKey(key), now) : undefined),
    byKeyHash,
  };
}
