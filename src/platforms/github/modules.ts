import type { PlatformModule } from "../module.ts";
import { createGithub } from "./github-app.ts";
import { createGithubOauth } from "./github-oauth.ts";
import {
  type GithubConfig,
  type GithubOauthConfig,
  type GithubSetting,
  githubSettings,
  readGithub,
  readGithubOauth,
} from "./settings.ts";

/** Both live at the same GitHub. */
const shared = {
  settings: githubSettings,
  hosts: ({ webUrl, apiUrl }: { readonly webUrl: string; readonly apiUrl: string }) => [webUrl, apiUrl],
};

/** A GitHub App, which organizations install. */
export const githubApp: PlatformModule<GithubConfig, GithubSetting> = {
  ...shared,
  kind: "github-app",
  products: [{ name: "github", label: "GitHub" }],
  read: readGithub,
  secretShapes: [/gh[sopur]_[A-Za-z0-9._-]{8,}/],
  create: (config, world) => createGithub({ ...config, ...world }),
};

/** A classic OAuth App, which people authorize. Its tokens look like those of the other. */
export const githubOauth: PlatformModule<GithubOauthConfig, GithubSetting> = {
  ...shared,
  kind: "github-oauth",
  products: [{ name: "github-oauth", label: "GitHub" }],
  read: readGithubOauth,
  secretShapes: [/gh[sopur]_[A-Za-z0-9._-]{8,}/],
  create: (config, world) => createGithubOauth({ ...config, ...world }),
};
