import { ServiceError } from "../errors.ts";
import type { Redact } from "../secret-shapes.ts";
import type { CallerFile } from "./caller-file.ts";
import { type Case, type Decision, readCase } from "./case-entry.ts";
import { FileRefused } from "./file-problems.ts";
import { createFileReader } from "./file-reader.ts";
import type { KnownNames } from "./names.ts";
import { createPolicy } from "./policy.ts";
import { readYaml } from "./yaml-file.ts";

/** A case that ended otherwise than the table says. */
export interface Difference {
  /** `cases[3] (its name)`. */
  readonly where: string;
  readonly expected: Decision;
  readonly got: Decision;
  /** Why it was denied; undefined: it was allowed. */
  readonly why: string | undefined;
}

/**
 * Decides every case by the code that decides in the service.
 * @throws FileRefused if the table has a mistake in it.
 */
export function runCases(
  text: string,
  options: KnownNames & {
    readonly file: CallerFile;
    readonly now: Date;
    readonly name: string;
    readonly redact: Redact;
  },
): { readonly cases: number; readonly differences: readonly Difference[] } {
  const yaml = readYaml(text);
  if ("problems" in yaml) throw new FileRefused(options.name, yaml.problems, options.redact);
  const reader = createFileReader(options.redact);
  const policy = createPolicy(options.file);
  const root = reader.mapping(yaml.value, "the file", ["version", "cases"]);
  if (root !== undefined && root.get("version") !== 1) {
    reader.problem("version", `${reader.shown(root.get("version"))} is unknown`, "write 1");
  }
  const listed = root === undefined ? [] : (reader.list(root.get("cases"), "cases", "- caller: ci") ?? []);
  const cases = listed.map((entry, index) => readCase(entry, `cases[${index}]`, policy, options, reader));
  if (reader.problems.length > 0) throw new FileRefused(options.name, reader.problems, options.redact);
  const differences = cases.flatMap((one) => {
    const why = refusalOf(one);
    const got = why === undefined ? "allow" : "deny";
    return got === one.expect ? [] : [{ where: one.where, expected: one.expect, got, why } as const];
  });
  return { cases: cases.length, differences };
}

/** Why the case is denied; undefined: it is allowed. */
function refusalOf({ caller, method, platform, owner, permissions, installation }: Case): string | undefined {
  if (caller === undefined) return "this identity is no caller's";
  try {
    const access = caller.access(method);
    access.check(platform, owner, permissions);
    if (installation === undefined || access.sees(installation.platform, installation.owner)) return undefined;
    return `${caller.name} does not see this installation`;
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "CALLER_NOT_ALLOWED") return error.message;
    throw error;
  }
}
