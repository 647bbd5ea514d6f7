import { parseCallerFile } from "../../callers/caller-file.ts";
import { runCases } from "../../callers/decision-table.ts";
import { loadAuthConfig } from "../../config/load-parts.ts";
import { registry } from "../../platforms/registry.ts";
import { methodNames } from "../../rpc/rpc-names.ts";
import type { Command, CommandWorld } from "../command.ts";

/**
 * `policy test CASES.yaml [--file CALLERS.yaml]`: decides the cases of a table by the caller file, AUTH_CONFIG's unless
 * one is named, and says which of them ended otherwise than written. Done only if none did.
 */
export const policyTestCommand: Command<readonly [string], "file"> = async (given, world) => {
  const [casesPath] = given.arguments;
  const path = given.values.file ?? loadAuthConfig(world.env, world.readFile);
  if (path === undefined) throw new Error("there is no caller file: set AUTH_CONFIG, or name it with --file");

  const { print, complain } = world;
  const now = world.now();
  const bytes = Buffer.from(read(path, world));
  const { productNames, narrowable, redact } = registry;
  const known = { rpcs: methodNames, products: productNames, narrowable, redact, now };
  const file = parseCallerFile(bytes, { ...known, name: `the caller file ${path}` });
  for (const warning of file.warnings) complain(`(warning) ${warning}`);
  const name = `the table ${casesPath}`;
  const { cases, differences } = runCases(read(casesPath, world), { ...known, file, name });
  for (const { where, expected, got, why } of differences) {
    print(`${where}: expected ${expected}, got ${got}${why === undefined ? "" : `: ${why}`}`);
  }
  print(
    differences.length === 0 ? `${cases} cases, all as expected` : `${differences.length} of ${cases} cases differ`,
  );
  return { code: differences.length === 0 ? 0 : 1, result: { cases, differences } };
};

function read(path: string, { readFile }: CommandWorld): string {
  try {
    return readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Error(`the file ${path} cannot be read (${code})`);
  }
}
