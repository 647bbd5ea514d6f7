import { type Config, loadConfig } from "../../../config/load-config.ts";
import { ConfigError } from "../../../settings/config-error.ts";
import type { CommandWorld } from "../../command.ts";
import { type Finding, findingsOf } from "./finding.ts";

const finding = findingsOf("settings");

/** Reads all settings as the service does; without a configuration if any is wrong. */
export function checkSettings({ env, readFile }: CommandWorld): {
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
} {
  try {
    const { config, warnings } = loadConfig(env, readFile);
    const { platforms, notConfigured } = config;
    const names = platforms.flatMap(({ products }) => products);
    const none = finding("warning", "no platform is configured", "set what one of them needs: see docs/settings.md");
    const others = notConfigured.length === 0 ? "" : `; not ${notConfigured.join(", ")}`;
    const found = finding("ok", `can be used, for ${names.join(", ")}${others}`);
    return {
      config,
      findings: [...warnings.map((warning) => finding("warning", warning)), names.length === 0 ? none : found],
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const findings = error.problems.map(({ setting, wrong, fix }) => finding("failed", `${setting}: ${wrong}`, fix));
    return { config: undefined, findings };
  }
}
