import { unreachable } from "../calls/refusal.ts";
import type { Environment } from "../settings.ts";
import type { Log, Selector } from "../token-client.ts";
import type { TokenServiceError } from "../token-service-error.ts";
import type { KeptToken } from "./kept-token.ts";
import { isNarrowed } from "./request.ts";

interface Place {
  readonly variable: string;
  readonly apiBaseUrl: string;
  /** The variable that names another API beside the token, as runners of Enterprise Server set it. */
  readonly apiVariable?: string;
}

const github: Place = {
  variable: "GITHUB_TOKEN",
  apiBaseUrl: "https://api.github.com",
  apiVariable: "GITHUB_API_URL",
};
/** Which site it belongs to is not known. */
const atlassian = { variable: "JIRA_API_TOKEN", apiBaseUrl: "" };

const places: Readonly<Record<string, Place>> = {
  github,
  "github-oauth": github,
  jira: atlassian,
  confluence: atlassian,
  slack: { variable: "SLACK_BOT_TOKEN", apiBaseUrl: "https://slack.com/api" },
};

const reasons: ReadonlySet<string> = new Set([unreachable, "INSTALLATION_NOT_FOUND", "PLATFORM_NOT_CONFIGURED"]);

/** Static tokens of the environment, for where the service has none. Loud when that begins and when it ends. */
export interface EnvironmentTokens {
  /** Whether the last answer for this came from here because the service could not be reached. */
  isStandingIn(selector: Selector): boolean;
  /** Undefined: the refusal stands. */
  insteadOf(refusal: TokenServiceError, selector: Selector, key: string): KeptToken | undefined;
  /** The service had a word of its own. */
  over(selector: Selector, key: string): void;
}

export function createEnvironmentTokens(env: () => Environment, log: Log, most: number): EnvironmentTokens {
  /** By platform while the service is unreachable, by selector for what it has nothing of. */
  const begun = new Set<string>();

  const end = (name: string, selector: Selector) => {
    if (begun.delete(name)) log.warn(fieldsOf(selector), "the service answers for itself again");
  };

  function over(selector: Selector, key: string): void {
    end(key, selector);
    end(selector.platform ?? "", selector);
  }

  return {
    over,
    isStandingIn: (selector) => placeOf(selector) !== undefined && begun.has(selector.platform ?? ""),
    insteadOf(refusal, selector, key) {
      const { reason, code } = refusal;
      const place = placeOf(selector);
      const variables = env();
      const accessToken = place && variables[place.variable]?.trim();
      if (place === undefined || !accessToken || !reasons.has(reason)) {
        if (reason !== unreachable) over(selector, key);
        return undefined;
      }
      const name = reason === unreachable ? (selector.platform ?? "") : key;
      if (name === key) end(selector.platform ?? "", selector);
      if (!begun.has(name)) {
        if (begun.size < most) begun.add(name);
        log.warn({ ...fieldsOf(selector), reason, code }, `falling back to the static token of ${place.variable}`);
      }
      const apiBaseUrl = variables[place.apiVariable ?? ""]?.trim() || place.apiBaseUrl;
      return {
        ...{ accessToken, tokenType: "Bearer", scopes: [], permissions: {}, apiBaseUrl },
        ...{ installationId: "", externalOrgId: "", tokenId: "", expireTime: undefined, source: "environment" },
      };
    },
  };
}

/** None for what a static token is not: a person's of Slack, or one of less than was granted. */
function placeOf(selector: Selector): Place | undefined {
  const { platform = "", actor } = selector;
  if (isNarrowed(selector) || (platform === "slack" && actor === "ACTOR_USER")) return undefined;
  return Object.hasOwn(places, platform) ? places[platform] : undefined;
}

function fieldsOf({ platform, owner, externalOrgId }: Selector): object {
  return { platform, owner, externalOrgId };
}
