/**
 * What secrets look like: GitHub's and Slack's tokens, callers' API keys, JWTs, sealed texts. They begin a word, or
 * follow an escape of JSON (`\n`) or of a URL (`%3D`), whose last character is a letter or a digit.
 */
const secretShapes =
  /(?:\b|(?<=\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}))(?:gh[sopur]_[A-Za-z0-9._-]{8,}|ots_[A-Za-z0-9]{2,}_[A-Za-z0-9_]{8,}|xox[a-z]?[.-][A-Za-z0-9.-]{8,}|xapp-[A-Za-z0-9-]{8,}|eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9._-]*|gAAAAA[A-Za-z0-9_=-]{16,})/g;

/** Replaces everything that looks like a secret: the last line of defence, behind never writing one. */
export function redactSecrets(text: string): string {
  return text.replace(secretShapes, "[redacted]");
}
