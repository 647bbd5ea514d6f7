import { posix, win32 } from "node:path";
import { Failure } from "../failure.ts";
import type { CliWorld } from "../world.ts";

/**
 * Where accounts lie: `$XDG_CONFIG_HOME/oauth-token`, or what is usual on the system.
 * @throws Failure if nobody says where.
 */
export function configDirectory({ env, platform, home }: Pick<CliWorld, "env" | "platform" | "home">): string {
  const { isAbsolute, join } = platform === "win32" ? win32 : posix;
  const xdg = env.XDG_CONFIG_HOME ?? "";
  // The specification has a relative one ignored.
  if (isAbsolute(xdg)) return join(xdg, "oauth-token");
  const roaming = env.APPDATA ?? "";
  if (platform === "win32" && isAbsolute(roaming)) return join(roaming, "oauth-token");
  if (home === "") {
    throw new Failure("failed", "NO_HOME", "there is no home directory to keep accounts in: set XDG_CONFIG_HOME");
  }
  return join(home, ".config", "oauth-token");
}
