import type { CredentialSecrets, MintOutcome } from "../../domain/model/platform.ts";
import type { World } from "../../world.ts";
import { type SendOptions, send, unavailable } from "../http.ts";
import { aboutOf, mintRefusal } from "../refusals.ts";
import { signSentryJwt } from "./app-jwt.ts";
import { doneAlready, ownWordIsNotTaken, sentryRefreshRefusals } from "./refusals.ts";
import { parseSentryAnswer, type SentryAnswer } from "./reply.ts";
import { readSentryTokens, type SentryClient, sentryJwtRequest, sentryRefreshRequest } from "./token.ts";

/** Asks, and signs what it asks with. */
export type SentryMinter = SentryClient & SendOptions & Pick<World, "random">;

/** For all that is asked in the app's own name; the refresh token may follow, and both have to end within a lease. */
const ownWordMs = 8_000;
/** Clocks that differ by less do not explain a refusal. */
const clockToleranceMs = 30_000;

/**
 * Obtains a new token set in the app's own name: that needs nothing which an answer lost on the way could have cost. Where
 * the server does not take it, the refresh token is spent. What that says of itself is believed only if the app's own word
 * would not have helped, too.
 */
export async function mintSentryToken(
  client: SentryMinter,
  { subject: uuid, refreshToken }: Pick<CredentialSecrets, "subject" | "refreshToken">,
): Promise<MintOutcome> {
  const own = await askInOwnName(client, uuid);
  if (own.kind !== "refused") return outcomeOf(own);
  if (doneAlready.has(own.code)) return unavailable(own.code, true);
  if (refreshToken === undefined) return unavailable(own.code, false);
  const answer = parseSentryAnswer(await send(sentryRefreshRequest(client, uuid, refreshToken), client));
  if (answer.kind !== "refused") return outcomeOf(answer);
  const { code } = answer;
  const ownWordHelps = !ownWordIsNotTaken.has(own.code);
  if (code === "installation_unknown" && (own.code === code || !ownWordHelps)) {
    return { kind: "rejected", code: "installation_removed", uninstalled: true };
  }
  const about = aboutOf(sentryRefreshRefusals, code);
  return about === "grant" && ownWordHelps ? unavailable(own.code, true) : mintRefusal(about, code);
}

/** Once more by Sentry's clock, if ours explains that it was not believed. Each JWT is for one request. */
async function askInOwnName(client: SentryMinter, uuid: string): Promise<SentryAnswer> {
  const started = performance.now();
  const ask = async (at: Date) => {
    const deadlineMs = Math.max(Math.ceil(ownWordMs - (performance.now() - started)), 1);
    const jwt = signSentryJwt(client, at);
    return parseSentryAnswer(await send(sentryJwtRequest(client, uuid, jwt), { ...client, deadlineMs }));
  };
  const now = client.now();
  const answer = await ask(now);
  const refused = answer.kind === "refused" && answer.code === "jwt_invalid" ? answer : undefined;
  if (refused === undefined || Math.abs(refused.at.getTime() - now.getTime()) < clockToleranceMs) return answer;
  return ask(refused.at);
}

function outcomeOf(answer: Exclude<SentryAnswer, { kind: "refused" }>): MintOutcome {
  if (answer.kind !== "ok") return answer;
  const tokens = readSentryTokens(answer.reply);
  return tokens === undefined ? unavailable("unreadable_body", true) : { kind: "minted", tokens };
}
