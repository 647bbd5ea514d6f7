import type { Config } from "../config/load-config.ts";

/** Where a path of the public listener is reached. */
export function publicUrl(config: Pick<Config, "public">, path: string): string {
  return `${config.public.baseUrl.href.replace(/\/+$/, "")}${path}`;
}
