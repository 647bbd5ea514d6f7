import type { PlatformWorld } from "./options.ts";
import { randomText } from "./random-text.ts";

/** Authorization codes: each works once, and not for long. */
export interface SingleUseCodes<T> {
  issue(grant: T): string;
  /** Spends the code; undefined if it is unknown, spent or too old. */
  spend(code: string | undefined): T | undefined;
}

export function singleUseCodes<T>(world: PlatformWorld, lifetimeSeconds: number): SingleUseCodes<T> {
  const live = new Map<string, { readonly grant: T; readonly expiresAtMs: number }>();
  return {
    issue(grant) {
      const code = randomText(world.random, 40);
      live.set(code, { grant, expiresAtMs: world.now().getTime() + lifetimeSeconds * 1000 });
      return code;
    },
    spend(code) {
      const entry = code === undefined ? undefined : live.get(code);
      if (code === undefined || entry === undefined) return undefined;
      live.delete(code);
      return entry.expiresAtMs > world.now().getTime() ? entry.grant : undefined;
    },
  };
}
