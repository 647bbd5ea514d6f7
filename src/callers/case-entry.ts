import type { Caller } from "../domain/access/caller.ts";
import type { Permissions } from "../domain/access/rule.ts";
import type { FileReader, Mapping } from "./file-reader.ts";
import { type Identity, readMatch } from "./match-entry.ts";
import { type KnownNames, knownMethods } from "./names.ts";
import type { Policy } from "./policy.ts";

export type Decision = "allow" | "deny";

/** One line of a decision table: who asks for what, and how that has to end. */
export interface Case {
  readonly where: string;
  /** Undefined: nobody is matched by the case's identity. */
  readonly caller: Caller | undefined;
  readonly method: string;
  readonly platform: string | undefined;
  readonly owner: string | undefined;
  readonly permissions: Permissions | undefined;
  readonly installation: { readonly platform: string; readonly owner: string | undefined } | undefined;
  readonly expect: Decision;
}

const keys = ["name", "caller", "identity", "method", "platform", "owner", "permissions", "installation", "expect"];

/** An entry of `cases`. What is wrong reads as nothing: the table is refused anyway. */
export function readCase(
  value: unknown,
  at: string,
  policy: Policy,
  names: KnownNames & { readonly now: Date },
  reader: FileReader,
): Case {
  const { products, now } = names;
  const entry = reader.mapping(value, at, keys) ?? new Map<string, unknown>();
  const optional = (from: Mapping, key: string, path: string, example: string) =>
    from.has(key) ? reader.exact(from.get(key), `${path}.${key}`, example) : undefined;
  const name = optional(entry, "name", at, "the indexer reads");
  const path = name === undefined ? at : `${at} (${name})`;
  const known = (from: Mapping, key: string, under: string, names: readonly string[], example: string) => {
    const found = optional(from, key, under, example);
    if (found === undefined || names.includes(found)) return found;
    reader.problem(`${under}.${key}`, `${reader.shown(found)} is unknown`, `the known ones are ${names.join(", ")}`);
    return undefined;
  };
  const method = known(entry, "method", path, knownMethods(names), "GetToken");
  if (!entry.has("method")) reader.problem(`${path}.method`, "missing", "write one such as GetToken");
  const expect = entry.get("expect");
  if (expect !== "allow" && expect !== "deny") {
    reader.problem(`${path}.expect`, `${reader.shown(expect)} is not a decision`, "write allow or deny");
  }
  return {
    where: path,
    caller: readCaller(entry, path, policy, now, reader),
    method: method ?? "",
    platform: known(entry, "platform", path, products, "github"),
    owner: optional(entry, "owner", path, "acme"),
    permissions: readPermissions(entry.get("permissions"), `${path}.permissions`, reader),
    installation: readInstallation(),
    expect: expect === "allow" ? "allow" : "deny",
  };

  function readInstallation(): Case["installation"] {
    if (!entry.has("installation")) return undefined;
    const under = `${path}.installation`;
    const found = reader.mapping(entry.get("installation"), under, ["platform", "owner"]);
    if (found === undefined) return undefined;
    if (!found.has("platform")) reader.problem(`${under}.platform`, "missing", "write one such as github");
    const platform = known(found, "platform", under, products, "github") ?? "";
    return { platform, owner: optional(found, "owner", under, "acme") };
  }
}

/** A caller by its name, which has to be one, or by what proves to be it, which need not. */
function readCaller(entry: Mapping, path: string, policy: Policy, now: Date, reader: FileReader): Caller | undefined {
  if (entry.has("caller") === entry.has("identity")) {
    reader.problem(path, "a case has either a caller or an identity", "write caller: with a name of the caller file");
    return undefined;
  }
  if (entry.has("identity")) {
    const identity = readMatch(entry.get("identity"), `${path}.identity`, reader);
    return identity === undefined ? undefined : callerOf(identity);
  }
  const name = reader.exact(entry.get("caller"), `${path}.caller`, "indexer-worker");
  const found = policy.callers.find((caller) => caller.name === name);
  if (name !== undefined && found === undefined) {
    const names = policy.callers.map((caller) => caller.name).join(", ");
    reader.problem(`${path}.caller`, `${reader.shown(name)} is no caller`, `the known ones are ${names}`);
  }
  return found;

  function callerOf(identity: Identity): Caller | undefined {
    switch (identity.kind) {
      case "certificate":
        return policy.byCertificate([identity.name]);
      case "api_key":
        return policy.byKeyHash(identity.sha256, now)?.caller;
      case "token": {
        const issuer = policy.issuers.find((known) => known.name === identity.issuer);
        if (issuer !== undefined) return policy.bySubject(issuer, identity.subject);
        reader.problem(
          `${path}.identity.issuer`,
          "there is no such issuer",
          "write a name of the caller file's issuers",
        );
        return undefined;
      }
    }
  }
}

function readPermissions(value: unknown, path: string, reader: FileReader): Permissions | undefined {
  if (value === undefined) return undefined;
  const entries = value instanceof Map ? [...(value as Mapping)] : [];
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  if (texts.length > 0 && texts.length === entries.length) return Object.fromEntries(texts);
  reader.problem(path, "this is not a mapping of permissions to levels", "write { contents: read }");
  return undefined;
}
