import type { PlatformModule } from "../module.ts";
import { actionsVariables } from "./actions-variables.ts";
import { adoptInstallation, adoptPerson } from "./adopt.ts";
import { createGithub } from "./github-app.ts";
import { createGithubOauth } from "./github-oauth.ts";
import {
  type AppSetting,
  appSettings,
  type GithubConfig,
  type GithubOauthConfig,
  gitHubApp,
  gitHubOauthApp,
  type OauthSetting,
  oauthSettings,
  readGithub,
  readGithubOauth,
} from "./settings.ts";

/** Both live at the same GitHub, and their tokens look alike. */
const shared = {
  foreignNames: actionsVariables,
  hosts: ({ webUrl, apiUrl }: { readonly webUrl: string; readonly apiUrl: string }) => [webUrl, apiUrl],
  secretShapes: [/gh[sopur]_[A-Za-z0-9._-]{8,}/],
};

/** A GitHub App, which organizations install. */
export const githubApp: PlatformModule<GithubConfig, AppSetting> = {
  ...shared,
  kind: "github-app",
  products: [{ name: "github", label: "GitHub" }],
  narrowing: true,
  settings: appSettings,
  needs: gitHubApp.required,
  read: readGithub,
  adopt: adoptInstallation,
  create: (config, world) => createGithub({ ...config, ...world }),
};

/** A classic OAuth App, which people authorize. */
export const githubOauth: PlatformModule<GithubOauthConfig, OauthSetting> = {
  ...shared,
  kind: "github-oauth",
  products: [{ name: "github-oauth", label: "GitHub" }],
  narrowing: false,
  settings: oauthSettings,
  needs: gitHubOauthApp.required,
  read: readGithubOauth,
  adopt: adoptPerson,
  create: (config, world) => createGithubOauth({ ...config, ...world }),
};
