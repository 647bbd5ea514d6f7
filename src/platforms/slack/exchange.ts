import type { ConnectedCredential, Connection } from "../../domain/model/connection.ts";
import type { Actor, TokenSet } from "../../domain/model/credential.ts";
import type { ExchangeOutcome } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { type PlatformReply, type PlatformRequest, unavailable } from "../http.ts";
import { booleanAt, idAt, nameAt, recordAt } from "../json.ts";
import { aboutOf, codeRefusal } from "../refusals.ts";
import { slackCodeRefusals } from "./refusals.ts";
import { parseSlackAnswer } from "./reply.ts";
import { readSlackTokens, type SlackClient, slackAccessRequest } from "./token.ts";

/** The code exchange (page "oauth.v2.access"); `redirectUri` must be the one the browser was sent with. */
export function slackCodeRequest(
  client: SlackClient,
  grant: { readonly code: Secret; readonly redirectUri: string },
): PlatformRequest {
  return slackAccessRequest(client, { code: grant.code.reveal(), redirect_uri: grant.redirectUri });
}

/** Reads the answer to a code: who installed us where, with a bot token, a person's token, or both. */
export function parseSlackExchange(reply: PlatformReply): ExchangeOutcome {
  const answer = parseSlackAnswer(reply);
  switch (answer.kind) {
    case "ok": {
      const connection = readConnection(answer.body, answer.sentAt);
      return connection === undefined ? unavailable("unreadable_body", true) : { kind: "connected", connection };
    }
    case "refused":
      return refusedCode(answer.code);
    default:
      return answer;
  }
}

function refusedCode(code: string): ExchangeOutcome {
  const about = aboutOf(slackCodeRefusals, code);
  switch (about) {
    case "person":
      return { kind: "person_must_act", code: code === "user_email_unverified" ? "unverified_email" : code };
    case "code":
      return { kind: "code_rejected", code };
    default:
      return codeRefusal(about, code);
  }
}

function readConnection(body: unknown, sentAt: Date): Connection | undefined {
  const organization = readOrganization(body);
  if (organization === undefined) return undefined;
  const person = recordAt(body, "authed_user");
  const userId = idAt(person, "id");
  const bot = readSlackTokens(body, "app", sentAt);
  const user = userId === undefined ? undefined : readSlackTokens(person, "user", sentAt);
  const credentials = [
    ...(bot === undefined ? [] : [credential("app", `${organization.id}:bot`, undefined, bot, true)]),
    ...(user === undefined
      ? []
      : [credential("user", `${organization.id}:${userId}`, userId, user, bot === undefined)]),
  ];
  if (credentials.length === 0) return undefined;
  const installation = {
    products: ["slack"],
    externalOrgId: organization.id,
    externalOrgName: organization.name,
    externalInstallId: undefined,
    externalUserId: undefined,
    scopes: (bot ?? user)?.scopes ?? [],
    permissions: {},
    installedBy: userId,
    metadata: readMetadata(body, organization.wide),
    suspended: false,
  };
  return { installations: [installation], credentials };
}

/** The workspace, or the enterprise where the app was installed for all of it: `team` is null then. */
function readOrganization(
  body: unknown,
): { readonly id: string; readonly name: string; readonly wide: boolean } | undefined {
  const team = recordAt(body, "team");
  const enterprise = recordAt(body, "enterprise");
  const wide = enterprise !== undefined && (team === undefined || booleanAt(body, "is_enterprise_install") === true);
  const found = wide ? enterprise : team;
  const id = idAt(found, "id");
  return id === undefined ? undefined : { id, name: nameAt(found, "name") ?? id, wide };
}

/** Never `incoming_webhook`: its URL is a secret. */
function readMetadata(body: unknown, wide: boolean): Readonly<Record<string, string>> {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["team_id", idAt(recordAt(body, "team"), "id")],
    ["enterprise_id", idAt(recordAt(body, "enterprise"), "id")],
    ["app_id", idAt(body, "app_id")],
    ["bot_user_id", idAt(body, "bot_user_id")],
    ["is_enterprise_install", wide ? "true" : undefined],
  ];
  return Object.fromEntries(facts.filter((fact): fact is [string, string] => fact[1] !== undefined));
}

function credential(
  actor: Actor,
  subject: string,
  externalUserId: string | undefined,
  tokens: TokenSet,
  natural: boolean,
): ConnectedCredential {
  const kind = tokens.refreshToken === undefined ? "long_lived" : "rotating";
  return { kind, actor, subject, externalUserId, tokens, natural };
}
