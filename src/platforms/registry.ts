import { atlassian } from "./atlassian/module.ts";
import { createRegistry } from "./create-registry.ts";
import { githubApp, githubOauth } from "./github/modules.ts";
import type { PlatformModule } from "./module.ts";
import { sentry } from "./sentry/module.ts";
import { slack } from "./slack/module.ts";

/** Every kind of platform, in the order people meet them. */
export const platformModules: readonly PlatformModule[] = [githubApp, githubOauth, atlassian, slack, sentry];

/** What this version knows of platforms. */
export const registry = createRegistry(platformModules);
