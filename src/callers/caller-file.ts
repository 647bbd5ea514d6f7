import { createHash } from "node:crypto";
import { type Caller, createCaller } from "../domain/access/caller.ts";
import type { Rule } from "../domain/access/rule.ts";
import type { Redact } from "../secret-shapes.ts";
import { type FileProblem, FileRefused } from "./file-problems.ts";
import { createFileReader, type FileReader } from "./file-reader.ts";
import { type Issuer, readIssuers } from "./issuer-entries.ts";
import { type Identity, keyOfIdentity, readMatch } from "./match-entry.ts";
import { type KnownNames, wrongWithName } from "./names.ts";
import { readRule } from "./rule-entry.ts";
import { readYaml } from "./yaml-file.ts";

/** The caller file, read and found to be without a mistake. */
export interface CallerFile {
  /** SHA-256 of its bytes, in hex. */
  readonly hash: string;
  readonly issuers: readonly Issuer[];
  readonly callers: readonly FileCaller[];
  /** What is allowed and not a good habit. */
  readonly warnings: readonly string[];
}

export interface FileCaller {
  readonly caller: Caller;
  readonly identity: Identity;
}

export interface CallerFileOptions extends KnownNames {
  readonly now: Date;
  readonly redact: Redact;
  /** How messages call the file. */
  readonly name: string;
}

interface Entry {
  readonly name: string;
  readonly identity: Identity | undefined;
  readonly rules: readonly Rule[];
  readonly path: string;
}

const dayMs = 24 * 3_600_000;
const habitDays = 90;

/** @throws FileRefused that lists everything that is wrong with it, and no secret. */
export function parseCallerFile(bytes: Uint8Array, options: CallerFileOptions): CallerFile {
  const hash = createHash("sha256").update(bytes).digest("hex");
  const refused = (problems: readonly FileProblem[]) => new FileRefused(options.name, problems, options.redact);
  const text = textOf(bytes);
  if (text === undefined) throw refused([{ path: "the file", wrong: "this is not UTF-8", fix: "save it as UTF-8" }]);
  const yaml = readYaml(text);
  if ("problems" in yaml) throw refused(yaml.problems);

  const reader = createFileReader(options.redact);
  const root = reader.mapping(yaml.value, "the file", ["version", "issuers", "callers"]);
  if (root === undefined) throw refused(reader.problems);
  if (root.get("version") !== 1)
    reader.problem("version", `${reader.shown(root.get("version"))} is unknown`, "write 1");
  const issuers = readIssuers(root.get("issuers"), reader);
  const listed = reader.list(root.get("callers"), "callers", "- name: ci") ?? [];
  const entries = listed.map((entry, index) => readEntry(entry, `callers[${index}]`, options, reader));
  refuseDuplicates(entries, reader);
  for (const { identity, path } of entries) {
    if (identity?.kind !== "token" || issuers.has(identity.issuer)) continue;
    const known = issuers.size === 0 ? "add it under issuers" : `the known ones are ${[...issuers.keys()].join(", ")}`;
    reader.problem(`${path}.match.issuer`, "there is no such issuer", known);
  }
  if (reader.problems.length > 0) throw refused(reader.problems);
  return {
    hash,
    issuers: [...issuers.values()],
    callers: entries.flatMap(({ name, identity, rules }) =>
      identity === undefined ? [] : [{ caller: createCaller(name, rules, hash), identity }],
    ),
    warnings: entries.flatMap(({ name, identity }) => warningsOf(name, identity, options.now)),
  };
}

function readEntry(value: unknown, at: string, known: KnownNames, reader: FileReader): Entry {
  const entry = reader.mapping(value, at, ["name", "match", "allow"]);
  if (entry === undefined) return { name: "", identity: undefined, rules: [], path: at };
  const name = reader.exact(entry.get("name"), `${at}.name`, "indexer-worker") ?? "";
  const wrong = name === "" ? undefined : wrongWithName(name, reader.redact);
  if (wrong !== undefined) reader.problem(`${at}.name`, wrong, "give it a name such as indexer-worker");
  // The name is found more quickly than the place.
  const path = name === "" || wrong !== undefined ? at : `${at} (${name})`;
  const allow = reader.list(entry.get("allow"), `${path}.allow`, "- methods: [GetToken]") ?? [];
  return {
    name,
    path,
    identity: readMatch(entry.get("match"), `${path}.match`, reader),
    rules: allow.map((rule, index) => readRule(rule, `${path}.allow[${index}]`, known, reader)),
  };
}

function refuseDuplicates(entries: readonly Entry[], reader: FileReader): void {
  const names = new Map<string, string>();
  const identities = new Map<string, string>();
  for (const { name, identity, path } of entries) {
    const namesake = names.get(name);
    if (name !== "" && namesake !== undefined) reader.problem(path, `${namesake} has this name too`, "rename one");
    names.set(name, path);
    if (identity === undefined) continue;
    const key = keyOfIdentity(identity);
    const other = identities.get(key);
    if (other !== undefined) {
      reader.problem(`${path}.match`, `${other} is matched by the same proof`, "give each caller a proof of its own");
    }
    identities.set(key, path);
  }
}

function warningsOf(name: string, identity: Identity | undefined, now: Date): readonly string[] {
  if (identity?.kind !== "api_key") return [];
  const { expiresAt } = identity;
  if (expiresAt === undefined) return [`the API key of ${name} never expires: give it a day within ${habitDays} days`];
  if (expiresAt <= now) return [`the API key of ${name} has expired`];
  const days = Math.floor((expiresAt.getTime() - now.getTime()) / dayMs);
  return days > habitDays ? [`the API key of ${name} lives for ${days} more days: ${habitDays} are plenty`] : [];
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
