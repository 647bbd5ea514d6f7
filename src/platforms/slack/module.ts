import type { PlatformModule } from "../module.ts";
import { adoptSlack } from "./adopt.ts";
import { readSlack, type SlackConfig, type SlackSetting, slackApp, slackSettings } from "./settings.ts";
import { createSlack } from "./slack.ts";

export const slack: PlatformModule<SlackConfig, SlackSetting> = {
  kind: "slack",
  products: [{ name: "slack", label: "Slack" }],
  narrowing: false,
  settings: slackSettings,
  needs: slackApp.required,
  read: readSlack,
  adopt: adoptSlack,
  hosts: ({ slackUrl }) => [slackUrl],
  secretShapes: [/xox[a-z]?[.-][A-Za-z0-9.-]{8,}/, /xapp-[A-Za-z0-9-]{8,}/],
  create: (config, world) => createSlack({ ...config, ...world }),
};
