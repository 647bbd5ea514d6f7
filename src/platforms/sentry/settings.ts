import { Secret } from "../../secret.ts";
import { type ClientSettings, isConfigured, readRequired, readRotatingSecret } from "../../settings/client-settings.ts";
import type { Setting } from "../../settings/setting.ts";
import type { SettingReader } from "../../settings/setting-reader.ts";
import { readBaseAddress } from "../../settings/urls.ts";

export const sentrySettings = [
  {
    name: "SENTRY_INTEGRATION_SLUG",
    meaning: "Sentry public integration (`sentry`): the slug in the address of its page.",
  },
  { name: "SENTRY_CLIENT_ID", meaning: "Sentry public integration: client id." },
  {
    name: "SENTRY_CLIENT_SECRET",
    secret: true,
    meaning:
      "Sentry public integration: client secret, which events are signed with, too; two, comma separated, while rotating: the first is sent.",
  },
  { name: "SENTRY_URL", default: "https://sentry.io", meaning: "Sentry; its API is `$SENTRY_URL/api/0/`." },
] as const satisfies readonly Setting[];

export type SentrySetting = (typeof sentrySettings)[number];

export interface SentryConfig {
  readonly slug: string;
  readonly clientId: string;
  /** Proves who we are. */
  readonly clientSecret: Secret;
  /** What its events are signed with: the client secrets in use, two while one is being rotated. */
  readonly signingSecrets: readonly Secret[];
  /** `https://sentry.io`, without a trailing slash; the API is at `/api/0/` below it. */
  readonly sentryUrl: string;
}

export const sentryIntegration: ClientSettings<SentrySetting> = {
  title: "Sentry public integration",
  required: [["SENTRY_INTEGRATION_SLUG"], ["SENTRY_CLIENT_ID"], ["SENTRY_CLIENT_SECRET"]],
};

/** The Sentry public integration; undefined: not configured. */
export function readSentry(reader: SettingReader<SentrySetting>): SentryConfig | undefined {
  if (!isConfigured(reader, sentryIntegration)) return undefined;
  const slug = readRequired(reader, "SENTRY_INTEGRATION_SLUG");
  if (slug !== "" && !/^[\w-]{1,64}$/.test(slug)) {
    reader.problem("SENTRY_INTEGRATION_SLUG", "is no slug", "set what stands after /sentry-apps/ in its address");
  }
  const signingSecrets = readRotatingSecret(reader, "SENTRY_CLIENT_SECRET");
  return {
    slug,
    clientId: readRequired(reader, "SENTRY_CLIENT_ID"),
    clientSecret: signingSecrets[0] ?? new Secret(""),
    signingSecrets,
    sentryUrl: readBaseAddress(reader, "SENTRY_URL"),
  };
}
