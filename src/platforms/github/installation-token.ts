import { permissionLevels } from "../../domain/access/permission-ceiling.ts";
import type { MintOutcome, Narrowing, Unavailable } from "../../domain/model/platform.ts";
import { Secret } from "../../secret.ts";
import { lifeUntil } from "../expiry.ts";
import { answerTooLarge, type PlatformReply, type Reply, unavailable } from "../http.ts";
import { arrayAt, idAt, recordAt, stringAt, stringsAt } from "../json.ts";
import type { KeptFields } from "../kept-json.ts";
import { aboutOf } from "../refusals.ts";
import { messageOf, rateLimit, unrecognised } from "./api.ts";
import { parseAppRefusal } from "./app-call.ts";
import { githubInstallationRefusals } from "./refusals.ts";

/** How long an installation's token lives, in seconds: what is believed where an answer does not say, or says nonsense (docs, "Generating an installation access token"). */
const usualLifeSeconds = 3_600;

/** The answer to a mint; `not_found` still has to be confirmed, since GitHub says 404 for more than one reason. */
export type MintAnswer = MintOutcome | { readonly kind: "not_found" };

/**
 * The body of `POST /app/installations/{id}/access_tokens`; undefined if it names a repository whose id JSON numbers
 * cannot carry and that therefore does not exist.
 */
export function buildMintBody(narrowing: Narrowing | undefined): Record<string, unknown> | undefined {
  const { repositoryIds = [], repositories = [], permissions = {} } = narrowing ?? {};
  if (repositoryIds.some((id) => id > BigInt(Number.MAX_SAFE_INTEGER))) return undefined;
  return {
    ...(repositoryIds.length === 0 ? {} : { repository_ids: repositoryIds.map(Number) }),
    ...(repositories.length === 0 ? {} : { repositories }),
    ...(Object.keys(permissions).length === 0 ? {} : { permissions }),
  };
}

/** What is wanted of the answer, which repeats every named repository as a whole: 5 KiB and more of each. */
export const keptOfMint: KeptFields = {
  token: true,
  expires_at: true,
  permissions: true,
  repository_selection: true,
  repositories: { id: true, name: true },
};

/** Reads the answer to a mint (GitHub REST, "Create an installation access token for an app"). */
export function parseMint(reply: PlatformReply, narrowing: Narrowing | undefined): MintAnswer {
  if (reply.kind === "unavailable") {
    return reply.cause === answerTooLarge ? { kind: "refused", code: answerTooLarge } : reply;
  }
  switch (reply.status) {
    case 201:
      return parseToken(reply, narrowing);
    case 404: {
      const refusal = parseAppRefusal(reply);
      return refusal.kind === "misconfigured" ? refusal : { kind: "not_found" };
    }
    case 422:
      return narrowing === undefined ? unrecognised(reply) : { kind: "not_granted" };
    default:
      return parseInstallationRefusal(reply);
  }
}

/** Reads an answer to the app that is no success: whether this installation refuses us, or all of them do. */
export function parseInstallationRefusal(reply: Reply): MintOutcome {
  const limited = rateLimit(reply);
  if (limited !== undefined) return limited;
  const about = aboutOf(githubInstallationRefusals, String(reply.status), messageOf(reply));
  if (about === undefined) return parseAppRefusal(reply);
  return about === "suspended" ? { kind: "suspended" } : { kind: "refused", code: about };
}

function parseToken(reply: Reply, narrowing: Narrowing | undefined): MintOutcome {
  const value = stringAt(reply.body, "token");
  const end = new Date(stringAt(reply.body, "expires_at") ?? "");
  if (value === undefined || Number.isNaN(end.getTime())) return unrecognised(reply);
  if (narrowing !== undefined && !isWithin(reply.body, narrowing)) return tooWide;
  return {
    kind: "minted",
    tokens: {
      token: { value: new Secret(value), ...lifeUntil(reply, end, usualLifeSeconds) },
      refreshToken: undefined,
      scopes: undefined,
      permissions: recordAt(reply.body, "permissions") === undefined ? undefined : stringsAt(reply.body, "permissions"),
      grantExpiresAt: undefined,
    },
  };
}

/** A token that was to be narrow and is not, or does not say, is handed to nobody. */
const tooWide: Unavailable = unavailable("wider_than_requested", true);

function isWithin(body: unknown, narrowing: Narrowing): boolean {
  return hasOnlyPermissions(body, narrowing.permissions) && hasOnlyRepositories(body, narrowing);
}

function hasOnlyPermissions(body: unknown, requested: Readonly<Record<string, string>>): boolean {
  if (Object.keys(requested).length === 0) return true;
  // Every token may read metadata, asked for or not.
  const allowed: Readonly<Record<string, string>> = { metadata: "read", ...requested };
  const granted = recordAt(body, "permissions");
  if (granted === undefined) return false;
  return Object.entries(granted).every(([name, level]) => {
    const limit = Object.hasOwn(allowed, name) ? permissionLevels.indexOf(allowed[name] ?? "") : -1;
    return typeof level === "string" && permissionLevels.includes(level) && permissionLevels.indexOf(level) <= limit;
  });
}

function hasOnlyRepositories(body: unknown, { repositoryIds, repositories }: Narrowing): boolean {
  if (repositoryIds.length === 0 && repositories.length === 0) return true;
  const ids = new Set(repositoryIds.map(String));
  const names = new Set(repositories.map((name) => name.toLowerCase()));
  const granted = arrayAt(body, "repositories");
  if (granted === undefined || stringAt(body, "repository_selection") === "all") return false;
  return granted.every(
    (repository) =>
      ids.has(idAt(repository, "id") ?? "") || names.has(stringAt(repository, "name")?.toLowerCase() ?? ""),
  );
}
