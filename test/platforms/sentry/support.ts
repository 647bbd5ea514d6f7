import { createHmac, randomBytes } from "node:crypto";
import { Secret } from "../../../src/secret.ts";

export const uuid = "a8e5d37a-696c-4c54-adb5-b3f28d64c7de";
export const sentAt = new Date("2026-10-10T14:00:00.250Z");
/** By Sentry's clock; ours is two hours ahead. */
export const sentryDate = new Date("2026-10-10T12:00:00Z");

/** An answer as the documentation shows it, with the scopes that its code adds. */
export const granted = {
  id: "38",
  token: "ec48bf98",
  refreshToken: "c866f154",
  dateCreated: "2026-10-10T12:00:00.000Z",
  expiresAt: "2026-10-10T20:00:00.000Z",
  scopes: ["event:read", "org:read"],
  state: null,
  application: null,
};

export const installation = {
  app: { uuid: "e3a", slug: "acme-bot", sentryAppId: 7 },
  organization: { slug: "acme", id: 4505001 },
  uuid,
  status: "installed",
};

export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown> | undefined;
}

/** What the n-th request is answered; the last one for all after it. `error`: nothing comes back. */
export type Scripted = readonly [status: number, body: unknown, headers?: Record<string, string>] | { error: string };

/** A client whose requests are answered in order. */
export function scripted(...answers: readonly Scripted[]) {
  const sent: Sent[] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    const body = init?.body === undefined ? undefined : JSON.parse(String(init.body));
    sent.push({ method: init?.method ?? "GET", url: String(url), headers: new Headers(init?.headers), body });
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    if (answer === undefined || "error" in answer) throw Object.assign(new Error("lost"), { code: answer?.error });
    const [status, value, headers] = answer;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return new Response(status === 204 ? null : text, {
      status,
      headers: { date: sentryDate.toUTCString(), ...headers },
    });
  };
  const client = {
    clientId: "client",
    clientSecret: new Secret("secret"),
    sentryUrl: "https://sentry.io",
    fetch: fetch as typeof globalThis.fetch,
    now: () => sentAt,
    random: randomBytes,
  };
  return { client, sent };
}

/** The claims of a JWT that was signed with the client secret. */
export function claimsOf(header: string | null): Record<string, unknown> {
  const [head = "", claims = "", signature] = (header ?? "").replace("Bearer ", "").split(".");
  const expected = createHmac("sha256", "secret").update(`${head}.${claims}`).digest("base64url");
  if (signature !== expected) throw new Error("not signed with the client secret");
  return JSON.parse(Buffer.from(claims, "base64url").toString());
}
