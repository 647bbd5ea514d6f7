import type { PlatformModule } from "../module.ts";
import { adoptAtlassian } from "./adopt.ts";
import { createAtlassian } from "./atlassian.ts";
import {
  type AtlassianConfig,
  type AtlassianSetting,
  atlassianApp,
  atlassianSettings,
  readAtlassian,
} from "./settings.ts";

/** One app for both products. Its tokens are JWTs, which are recognized whoever made them. */
export const atlassian: PlatformModule<AtlassianConfig, AtlassianSetting> = {
  kind: "atlassian",
  products: [
    { name: "jira", label: "Jira" },
    { name: "confluence", label: "Confluence" },
  ],
  narrowing: false,
  settings: atlassianSettings,
  needs: atlassianApp.required,
  read: readAtlassian,
  adopt: adoptAtlassian,
  hosts: ({ authUrl, apiUrl }) => [authUrl, apiUrl],
  secretShapes: [],
  create: (config, world) => createAtlassian({ ...config, ...world }),
};
