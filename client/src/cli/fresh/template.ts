import { usage } from "../failure.ts";

const place = "{access_token}";

/** Puts a token where it belongs in a text. */
export type Template = (accessToken: string) => string;

/**
 * A literal text with `{access_token}` in it. Where the text is JSON, the token is written as JSON has it.
 * @throws Failure if it has no place for a token. `what` names it.
 */
export function parseTemplate(text: string, what: string): Template {
  if (!text.includes(place)) throw usage(`${what} has no ${place} in it`);
  const isJson = isJsonText(text);
  return (accessToken) => text.split(place).join(isJson ? JSON.stringify(accessToken).slice(1, -1) : accessToken);
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
