import { setTimeout as delay } from "node:timers/promises";
import type { TokenSet } from "../../domain/model/credential.ts";
import type { ExchangeOutcome, ExchangeRequest } from "../../domain/model/platform.ts";
import { type SendOptions, send, unavailable } from "../http.ts";
import { aboutOf, codeRefusal } from "../refusals.ts";
import {
  readSentryInstallation,
  type SentryInstallation,
  sentryInstallationRequest,
  sentryInstalledRequest,
} from "./installation.ts";
import { sentryOrganizationName } from "./organization-name.ts";
import { sentryCodeRefusals } from "./refusals.ts";
import { parseSentryAnswer } from "./reply.ts";
import { readSentryTokens, type SentryClient, sentryCodeRequest } from "./token.ts";

/**
 * Spends the code and learns which organization installed us. From then on nobody comes a second time: Sentry sends no
 * browser back from a page that says "already installed". So what follows is asked patiently.
 */
export async function exchangeSentryCode(
  client: SentryClient & SendOptions,
  { code, hint: uuid }: Pick<ExchangeRequest, "code" | "hint">,
): Promise<ExchangeOutcome> {
  if (uuid === undefined) return { kind: "person_must_act", code: "installation_missing" };
  const answer = parseSentryAnswer(await send(sentryCodeRequest(client, uuid, code), client));
  switch (answer.kind) {
    case "ok": {
      const tokens = readSentryTokens(answer.reply);
      return tokens === undefined ? unavailable("unreadable_body", true) : connect(client, uuid, tokens);
    }
    case "refused":
      return refusedCode(answer.code);
    default:
      return answer;
  }
}

function refusedCode(code: string): ExchangeOutcome {
  const about = aboutOf(sentryCodeRefusals, code);
  if (about === "code") return { kind: "code_rejected", code };
  return about === "person" ? { kind: "person_must_act", code } : codeRefusal(about, code);
}

async function connect(client: SentryClient & SendOptions, uuid: string, tokens: TokenSet): Promise<ExchangeOutcome> {
  const installation = await identify(client, uuid, tokens);
  if (installation === undefined) return unavailable("installation_unreadable", true);
  const { organizationId, organizationSlug, metadata } = installation;
  const name = await sentryOrganizationName({ ...client, deadlineMs }, installation, tokens.token.value);
  return {
    kind: "connected",
    connection: {
      installations: [
        {
          products: ["sentry"],
          externalOrgId: organizationId,
          externalOrgName: name ?? organizationSlug,
          externalInstallId: installation.uuid,
          externalUserId: undefined,
          scopes: tokens.scopes ?? [],
          permissions: {},
          installedBy: undefined,
          metadata,
          suspended: false,
        },
      ],
      credentials: [
        {
          kind: "rotating",
          actor: "app",
          subject: installation.uuid,
          externalUserId: undefined,
          tokens,
          natural: true,
        },
      ],
    },
  };
}

/** A person waits: each of the following has so long. */
const deadlineMs = 4_000;
/** Between looks. */
const looksMs = [500, 1_500];

/** Asks for the installation; an integration that may not read it may still say that it is installed, which tells the same. */
async function identify(
  client: SentryClient & SendOptions,
  uuid: string,
  { token }: TokenSet,
): Promise<SentryInstallation | undefined> {
  const { sentryUrl } = client;
  for (const pauseMs of [0, ...looksMs]) {
    if (pauseMs > 0) await delay(pauseMs);
    for (const ask of [sentryInstallationRequest, sentryInstalledRequest]) {
      const reply = await send(ask(sentryUrl, uuid, token.value), { ...client, deadlineMs });
      const answer = parseSentryAnswer(reply);
      if (answer.kind === "ok") return readSentryInstallation(answer.reply.body, uuid);
      // Nothing is said there before it is stored here, unless it is the only way to learn whose it is.
      if (answer.kind !== "refused") break;
    }
  }
  return undefined;
}
