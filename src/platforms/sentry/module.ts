import type { PlatformModule } from "../module.ts";
import { adoptSentry } from "./adopt.ts";
import { createSentry } from "./sentry.ts";
import { readSentry, type SentryConfig, type SentrySetting, sentryIntegration, sentrySettings } from "./settings.ts";

/** A public integration. Its tokens are plain hexadecimal; those of other kinds have a prefix. */
export const sentry: PlatformModule<SentryConfig, SentrySetting> = {
  kind: "sentry",
  products: [{ name: "sentry", label: "Sentry" }],
  narrowing: false,
  settings: sentrySettings,
  needs: sentryIntegration.required,
  read: readSentry,
  adopt: adoptSentry,
  hosts: ({ sentryUrl }) => [sentryUrl],
  secretShapes: [/sntry[a-z]{1,3}_[A-Za-z0-9+/=_.-]{16,}/],
  create: (config, world) => createSentry({ ...config, ...world }),
};
