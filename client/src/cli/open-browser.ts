import { spawn } from "node:child_process";
import type { CliWorld } from "./world.ts";

/**
 * Shows an address in the person's browser where there is one: not over SSH, whose browser would be that of another
 * machine, or one in this terminal. Never throws, and waits for nothing.
 */
export function openBrowser({ env, platform }: Pick<CliWorld, "env" | "platform">, url: URL): void {
  const opener = openerOf(env, platform);
  if (opener === undefined) return;
  const [program, ...args] = opener;
  // No shell: the address is one argument, whatever is in it.
  const child = spawn(program, [...args, url.href], { stdio: "ignore", detached: true });
  child.once("error", () => {});
  child.unref();
}

/** The program that opens an address, with its first arguments. */
export function openerOf(env: CliWorld["env"], platform: NodeJS.Platform): readonly [string, ...string[]] | undefined {
  const has = (name: string) => (env[name] ?? "") !== "";
  if (has("SSH_CONNECTION") || has("SSH_TTY") || has("CI")) return undefined;
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return has("DISPLAY") || has("WAYLAND_DISPLAY") ? ["xdg-open"] : undefined;
}
