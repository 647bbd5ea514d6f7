import type { Secret } from "../secret.ts";
import { isLoopback } from "../settings/addresses.ts";
import { readRotatingSecret } from "../settings/client-settings.ts";
import type { Reader } from "./settings.ts";

/** Where events go, and what they are signed with: two secrets while one is rotated. */
export interface ForwardingConfig {
  readonly url: URL;
  readonly secrets: readonly Secret[];
}

/** Undefined: nobody wants to hear of events. */
export function readForwarding(reader: Reader): ForwardingConfig | undefined {
  const [isGiven, isSigned] = [reader.isGiven("WEBHOOK_FORWARD_URL"), reader.isGiven("WEBHOOK_FORWARD_SECRET")];
  if (!isGiven && !isSigned) return undefined;
  if (!isGiven) reader.problem("WEBHOOK_FORWARD_URL", "is missing, while WEBHOOK_FORWARD_SECRET is set", "set both");
  if (!isSigned) {
    reader.problem("WEBHOOK_FORWARD_SECRET", "is missing, while WEBHOOK_FORWARD_URL is set", "set both");
  }
  const secrets = readRotatingSecret(reader, "WEBHOOK_FORWARD_SECRET");
  if (isSigned && secrets.length === 0) {
    reader.problem("WEBHOOK_FORWARD_SECRET", "has no value", "set one, or two while it is being rotated");
  }
  if (secrets.some((secret) => isBroken(secret))) {
    const wrong = "has what follows whsec_ not in base64";
    reader.problem("WEBHOOK_FORWARD_SECRET", wrong, "set whsec_ and at least 24 bytes in base64, or any other text");
  }
  const url = readUrl(reader);
  return url && { url, secrets };
}

/** The text is never repeated in a message: its query may have a secret. */
function readUrl(reader: Reader): URL | undefined {
  const text = reader.text("WEBHOOK_FORWARD_URL");
  if (text === undefined) return undefined;
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  const wrong = wrongWith(url);
  if (wrong === undefined) return url;
  reader.problem("WEBHOOK_FORWARD_URL", wrong, "set an address such as https://gateway.example/events");
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
