import { type CallerFile, parseCallerFile } from "../../../src/callers/caller-file.ts";
import { FileRefused } from "../../../src/callers/file-problems.ts";
import { registry } from "../../../src/platforms/registry.ts";
import { methodNames } from "../../../src/rpc/rpc-names.ts";

/** The day on which caller files of tests are read. */
export const today = new Date("2026-11-21T12:00:00Z");

export function parse(text: string | Uint8Array, now = today): CallerFile {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return parseCallerFile(bytes, {
    rpcs: methodNames,
    products: registry.productNames,
    narrowable: registry.narrowable,
    redact: registry.redact,
    now,
    name: "the caller file",
  });
}

/** Why a file is refused, as one text; empty if it is not. */
export function refusalOf(text: string | Uint8Array): string {
  try {
    parse(text);
    return "";
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    return error.message;
  }
}

/** A file with these callers, each of them `- name: …` and so on, and these issuers. */
export function fileOf(callers: readonly string[], issuers: readonly string[] = []): string {
  const named = issuers.length === 0 ? "" : `issuers:\n${issuers.map((issuer) => `  ${issuer}\n`).join("")}`;
  return `version: 1\n${named}callers:\n${callers.map((caller) => `  - ${caller}\n`).join("")}`;
}

/** A caller of all that GetToken gives of acme's GitHub. */
export function callerOf(name: string, match: string): string {
  return `{ name: ${name}, match: { ${match} }, allow: [{ methods: [GetToken], platforms: [github], owners: [acme] }] }`;
}
