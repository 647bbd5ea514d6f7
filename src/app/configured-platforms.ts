import type { Config } from "../config/load-config.ts";
import type { Platform } from "../domain/model/platform.ts";
import type { Platforms } from "../domain/model/platforms.ts";
import type { Telemetry } from "../domain/model/telemetry.ts";
import { withBreaker } from "../domain/refreshing/breaker.ts";
import { withOwnGrants } from "../domain/refreshing/own-grants.ts";
import { createAtlassian } from "../platforms/atlassian/atlassian.ts";
import { createGithub } from "../platforms/github/github-app.ts";
import { createGithubOauth } from "../platforms/github/github-oauth.ts";
import { createPlatforms } from "../platforms/platforms.ts";
import { createSlack } from "../platforms/slack/slack.ts";
import { measuredPlatform } from "../telemetry/measured-platform.ts";
import type { World } from "../world.ts";

/** The platforms that have settings. */
export function configuredPlatforms({ platforms }: Config, { fetch, now }: World, telemetry: Telemetry): Platforms {
  const { github, githubOauth, atlassian, slack } = platforms;
  const configured: Platform[] = [];
  if (github !== undefined) configured.push(createGithub({ ...github, fetch, now }));
  if (githubOauth !== undefined) configured.push(createGithubOauth({ ...githubOauth, fetch, now }));
  if (atlassian !== undefined) configured.push(createAtlassian({ ...atlassian, fetch, now }));
  if (slack !== undefined) configured.push(createSlack({ ...slack, fetch, now }));
  return createPlatforms(
    configured.map((platform) => withOwnGrants(withBreaker(measuredPlatform(platform, telemetry)))),
  );
}
