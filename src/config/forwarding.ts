import type { Secret } from "../secret.ts";
import { isLoopback } from "../settings/addresses.ts";
import { readRotatingSecret } from "../settings/client-settings.ts";
import type { Reader } from "./settings.ts";

/** Where events or alerts go, and what they are signed with: two secrets while one is rotated. */
export interface ForwardingConfig {
  readonly url: URL;
  readonly secrets: readonly Secret[];
}

/** The settings of a receiver. */
const settings = {
  events: { url: "WEBHOOK_FORWARD_URL", secret: "WEBHOOK_FORWARD_SECRET", such: "https://gateway.example/events" },
  alerts: { url: "ALERT_WEBHOOK_URL", secret: "ALERT_WEBHOOK_SECRET", such: "https://gateway.example/alerts" },
} as const;
type Names = (typeof settings)[keyof typeof settings];

/** Undefined: nobody wants to hear of these. */
export function readForwarding(reader: Reader, what: keyof typeof settings): ForwardingConfig | undefined {
  const names = settings[what];
  const [isGiven, isSigned] = [reader.isGiven(names.url), reader.isGiven(names.secret)];
  if (!isGiven && !isSigned) return undefined;
  if (!isGiven) reader.problem(names.url, `is missing, while ${names.secret} is set`, "set both");
  if (!isSigned) reader.problem(names.secret, `is missing, while ${names.url} is set`, "set both");
  const secrets = readRotatingSecret(reader, names.secret);
  if (isSigned && secrets.length === 0) {
    reader.problem(names.secret, "has no value", "set one, or two while it is being rotated");
  }
  if (secrets.some((secret) => isBroken(secret))) {
    const wrong = "has what follows whsec_ not in base64";
    reader.problem(names.secret, wrong, "set whsec_ and at least 24 bytes in base64, or any other text");
  }
  const url = readUrl(reader, names);
  return url && { url, secrets };
}

/** The text is never repeated in a message: its query may have a secret. */
function readUrl(reader: Reader, names: Names): URL | undefined {
  const text = reader.text(names.url);
  if (text === undefined) return undefined;
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  const wrong = wrongWith(url);
  if (wrong === undefined) return url;
  reader.problem(names.url, wrong, `set an address such as ${names.such}`);
  return undefined;
}

function wrongWith(url: URL | undefined): string | undefined {
  if (url === undefined) return "this is not an address with https://";
  if (url.username !== "" || url.password !== "") return "an address must not carry a user or password";
  if (url.hash !== "") return "an address must not have a fragment";
  if (url.protocol !== "https:" && !isLoopback(url.hostname)) return "http:// is for loopback only";
  return undefined;
}

function isBroken(secret: Secret): boolean {
  const [, encoded] = /^whsec_(.*)$/s.exec(secret.reveal()) ?? [];
  return encoded !== undefined && !/^[A-Za-z\d+/]+={0,2}$/.test(encoded);
}
