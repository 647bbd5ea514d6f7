import { parseCallerFile } from "../../../callers/caller-file.ts";
import { loadAuthConfig } from "../../../config/load-parts.ts";
import { registry } from "../../../platforms/registry.ts";
import { methodNames } from "../../../rpc/rpc-names.ts";
import type { CommandWorld } from "../../command.ts";
import { type Finding, findingsOf, whyOf } from "./finding.ts";

const finding = findingsOf("callers");

/** The caller file, as the service reads it. */
export function checkCallers({ env, readFile, now }: CommandWorld): readonly Finding[] {
  try {
    const path = loadAuthConfig(env, readFile);
    if (path === undefined) {
      return [
        finding("ok", "are not told apart: whoever is on this machine may do everything (AUTH_CONFIG is not set)"),
      ];
    }
    const { productNames, narrowable, redact } = registry;
    const known = { rpcs: methodNames, products: productNames, narrowable, redact, now: now() };
    const name = `the caller file ${path}`;
    const { callers, warnings } = parseCallerFile(Buffer.from(readFile(path)), { ...known, name });
    return [
      ...warnings.map((warning) => finding("warning", warning)),
      finding("ok", `${name} has ${callers.length}, and no mistake`),
    ];
  } catch (error) {
    return [finding("failed", whyOf(error))];
  }
}
