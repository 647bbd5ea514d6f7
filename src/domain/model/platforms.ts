import { invalidField, ServiceError } from "../../errors.ts";
import type { Platform } from "./platform.ts";

/** The platforms of this process, configured ones only. */
export interface Platforms {
  /** By the name installations are stored under (`jira`, never `confluence`). */
  byName(name: string): Platform | undefined;
  /** By a name callers use: `confluence` finds the platform `jira`. */
  byProduct(product: string): Platform | undefined;
  readonly all: readonly Platform[];
  /** Every product this version knows, configured or not. */
  readonly known: readonly string[];
}

/** Refuses a platform name nobody knows, or one that this process has no settings for. */
export function checkPlatform(name: string, platforms: Platforms): Platform {
  if (!platforms.known.includes(name)) {
    throw invalidField("platform", `unknown platform; known are ${platforms.known.join(", ")}`);
  }
  const platform = platforms.byProduct(name);
  if (platform === undefined) throw notConfigured(name);
  return platform;
}

/** `lacks`: what is said of the platform; operators are told of settings, which callers do not know. */
export function notConfigured(platform: string, lacks = "is not configured in this service"): ServiceError {
  return new ServiceError("PLATFORM_NOT_CONFIGURED", `platform ${platform} ${lacks}`, { metadata: { platform } });
}
