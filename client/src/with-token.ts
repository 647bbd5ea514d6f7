import type { CallOptions } from "./call-options.ts";
import type { Selector, Token } from "./token-client.ts";
import type { Tokens } from "./tokens/tokens.ts";

/** Calls `use` with a token, and once more with a new one when it throws or returns a 401. */
export async function withToken<Result>(
  tokens: Tokens,
  selector: Selector,
  use: (token: Token) => Result | Promise<Result>,
  options: CallOptions | undefined,
): Promise<Result> {
  const token = await tokens.get(selector, options);
  const { accessToken, tokenId } = token;
  const first = await outcomeOf(use, token);
  if (!first.isRefused) return settle(first);
  tokens.reject(tokenId);
  // It says so itself, too: of very many selectors this one may be forgotten by now.
  const next = await tokens.get(tokenId === "" ? selector : { ...selector, rejectedTokenId: tokenId }, options);
  // A static one is the same every time.
  if (next.accessToken === accessToken) return settle(first);
  // One that was read is none to cancel.
  if (first.kind === "returned" && first.value instanceof Response) await first.value.body?.cancel().catch(() => {});
  return use(next);
}

type Outcome<Result> = { readonly isRefused: boolean } & (
  | { readonly kind: "returned"; readonly value: Result }
  | { readonly kind: "thrown"; readonly error: unknown }
);

async function outcomeOf<Result>(
  use: (token: Token) => Result | Promise<Result>,
  token: Token,
): Promise<Outcome<Result>> {
  try {
    const value = await use(token);
    return { kind: "returned", value, isRefused: isRefusal(value) };
  } catch (error) {
    return { kind: "thrown", error, isRefused: isRefusal(error) };
  }
}

function settle<Result>(outcome: Outcome<Result>): Result {
  if (outcome.kind === "thrown") throw outcome.error;
  return outcome.value;
}

/** Slack answers with 200 and a word. */
const slackWords = new Set(["invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"]);

/** Whether it says 401, as responses and the errors of fetch wrappers, octokit, axios, got and Slack's SDK do. */
export function isRefusal(thing: unknown): boolean {
  if (typeof thing !== "object" || thing === null) return false;
  const { status, statusCode, response, data } = thing as Readonly<Record<string, unknown>>;
  if (status === 401 || statusCode === 401) return true;
  if (response !== undefined && response !== thing && thing instanceof Error) return isRefusal(response);
  return isSlackRefusal(thing) || (thing instanceof Error && isSlackRefusal(data));
}

/** Whether this is the body of Slack's answer to a token that is good no more. */
export function isSlackRefusal(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  const { ok, error } = body as Readonly<Record<string, unknown>>;
  return ok === false && typeof error === "string" && slackWords.has(error);
}
