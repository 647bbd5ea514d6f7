import type { PlatformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import type { Repository } from "./accounts.ts";
import type { Installation, Installations } from "./installations.ts";

/** What a token may do: at most what the installation was granted. */
export interface Narrowed {
  readonly permissions: Readonly<Record<string, string>>;
  /** Undefined: every repository of the installation. */
  readonly repositories: readonly Repository[] | undefined;
}

export interface InstallationToken extends Narrowed {
  readonly value: string;
  readonly installation: Installation;
  readonly expiresAt: Date;
}

export interface InstallationTokens {
  issue(installation: Installation, narrowed: Narrowed): InstallationToken;
  /** The token if it works now: not expired or revoked, its installation neither removed nor suspended. */
  live(value: string | undefined): InstallationToken | undefined;
  revoke(token: InstallationToken): void;
  revokeAll(): void;
}

/** `stateless`: `ghs_{app id}_{JWT}`, about 520 characters; `classic`: `ghs_` and 36 characters. */
export type InstallationTokenFormat = "stateless" | "classic";

export function installationTokens(
  world: PlatformWorld,
  installations: Installations,
  options: { readonly lifetimeSeconds: number; readonly format: InstallationTokenFormat },
): InstallationTokens {
  const all = new Map<string, InstallationToken>();
  return {
    issue(installation, narrowed) {
      // GitHub gives whole seconds.
      const expiresAtSeconds = Math.floor(world.now().getTime() / 1000) + options.lifetimeSeconds;
      const value =
        options.format === "classic"
          ? `ghs_${randomText(world.random, 36)}`
          : `ghs_${installation.appId}_${jwtShaped(world, installation, expiresAtSeconds)}`;
      const token = { ...narrowed, value, installation, expiresAt: new Date(expiresAtSeconds * 1000) };
      all.set(value, token);
      return token;
    },
    live(value) {
      const token = value === undefined ? undefined : all.get(value);
      if (token === undefined || token.expiresAt.getTime() <= world.now().getTime()) return undefined;
      const installation = installations.ours(token.installation.id);
      return installation === undefined || installation.suspendedAt !== undefined ? undefined : token;
    },
    revoke(token) {
      all.delete(token.value);
    },
    revokeAll() {
      all.clear();
    },
  };
}

/** Looks like a JWT and is signed by nobody: clients must not look inside. */
function jwtShaped(world: PlatformWorld, installation: Installation, exp: number): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const payload = { iss: "sandbox", sub: String(installation.id), exp, jti: randomText(world.random, 40) };
  return `${encode({ alg: "RS256", typ: "JWT" })}.${encode(payload)}.${world.random(256).toString("base64url")}`;
}
