import { atlassian } from "./atlassian/module.ts";
import { createRegistry } from "./create-registry.ts";
import { githubApp, githubOauth } from "./github/modules.ts";
import type { PlatformModule, Product } from "./module.ts";
import { slack } from "./slack/module.ts";

/** Every kind of platform, in the order people meet them. */
export const platformModules: readonly PlatformModule[] = [githubApp, githubOauth, atlassian, slack];

const comingProducts: readonly Product[] = [{ name: "sentry", label: "Sentry" }];

/** What this version knows of platforms. */
export const registry = createRegistry(platformModules, comingProducts);
