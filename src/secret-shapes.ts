/** Replaces everything in a text that looks like a secret: the last line of defence, behind never writing one. */
export type Redact = (text: string) => string;

/** Of callers' API keys, JWTs whoever made them, sealed texts. */
const ownShapes: readonly RegExp[] = [
  /ots_[A-Za-z0-9]{2,}_[A-Za-z0-9_]{8,}/,
  /eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9._-]*/,
  /gAAAAA[A-Za-z0-9_=-]{16,}/,
];

/** A word, or what follows an escape of JSON (`\n`) or of a URL (`%3D`), whose last character is a letter or a digit. */
const beginning = /(?:\b|(?<=\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}))/;

/**
 * `shapes` are of the platforms' tokens, from their beginning on.
 * @throws Error for a shape that would not do what it says: one with flags, or of nothing.
 */
export function createRedact(shapes: readonly RegExp[]): Redact {
  const useless = shapes.find((shape) => shape.flags !== "" || new RegExp(`^(?:${shape.source})$`).test(""));
  if (useless !== undefined) throw new Error(`${useless} is no shape of a secret: it has flags, or nothing is one`);
  const sources = new Set([...ownShapes, ...shapes].map((shape) => shape.source));
  const secrets = new RegExp(`${beginning.source}(?:${[...sources].join("|")})`, "g");
  return (text) => text.replace(secrets, "[redacted]");
}
