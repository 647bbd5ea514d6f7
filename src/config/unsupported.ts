import type { SettingReader } from "./setting-reader.ts";
import { settings } from "./settings.ts";

const advice: Readonly<Record<string, string>> = {
  AUTH_CONFIG: "unset it, and keep the internal listeners on loopback",
};

/** What this version does not do is never silently ignored: refused where it would protect something, else warned of. */
export function refuseUnsupported(reader: SettingReader): void {
  const unused: string[] = [];
  for (const setting of settings) {
    if (!("support" in setting) || !reader.isGiven(setting.name)) continue;
    if (setting.support === "refused") {
      reader.problem(
        setting.name,
        "is not supported by this version yet",
        advice[setting.name] ?? "unset it, and let a proxy on this host encrypt what leaves it",
      );
    } else {
      unused.push(setting.name);
    }
  }
  if (unused.length > 0) reader.warn(`this version does not use ${unused.join(", ")} yet`);
}
