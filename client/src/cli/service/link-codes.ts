import type { CliWorld } from "../world.ts";
import { callService } from "./call-service.ts";
import { readFields } from "./fields.ts";
import { reasonOf, refusalOf } from "./refusal.ts";
import { readTokenPayload, type TokenPayload } from "./token-payload.ts";

/** A sign-in that a person has to approve in a browser. */
export interface StartedLink {
  readonly code: string;
  readonly pollSecret: string;
  readonly verificationUrl: string;
  /** The same with the code in it. */
  readonly verificationUrlComplete: string;
  readonly lifetimeMs: number;
  readonly intervalMs: number;
}

/** @throws Failure if the service refuses, or cannot be reached. */
export async function startLink(
  world: CliWorld,
  service: string,
  { platform, clientName }: { readonly platform: string; readonly clientName: string },
): Promise<StartedLink> {
  const answer = await callService(world, {
    service,
    method: "POST",
    path: "/v1/link-code",
    bearer: world.env.OAUTH_TOKEN_SERVICE_API_KEY?.trim() || undefined,
    body: { platform, client_name: clientName },
  });
  if (answer.status !== 200) throw refusalOf(answer, service, `link code for ${platform}`);
  const fields = readFields(answer.body, service);
  const verificationUrl = fields.text("verification_url");
  return {
    code: fields.text("link_code"),
    pollSecret: fields.text("poll_secret"),
    verificationUrl,
    verificationUrlComplete: fields.optionalText("verification_url_complete") ?? verificationUrl,
    lifetimeMs: Math.min(fields.number("expires_in", 600), 3600) * 1000,
    intervalMs: Math.min(fields.number("interval", 5), 60) * 1000,
  };
}

export type Polled =
  | { readonly kind: "pending" }
  | { readonly kind: "slow_down"; readonly retryAfterMs: number }
  | { readonly kind: "connected"; readonly payload: TokenPayload }
  | { readonly kind: "denied" }
  | { readonly kind: "gone"; readonly isDelivered: boolean }
  | { readonly kind: "unknown" }
  /** The service answers, and will do so better later. */
  | { readonly kind: "trouble"; readonly status: number };

/** @throws Failure if the service cannot be reached, or answers what no service of ours does. */
export async function pollLink(
  world: CliWorld,
  service: string,
  { code, pollSecret }: Pick<StartedLink, "code" | "pollSecret">,
): Promise<Polled> {
  const path = `/v1/poll/${encodeURIComponent(code)}`;
  const answer = await callService(world, { service, method: "GET", path, bearer: pollSecret });
  const { status } = answer;
  if (status === 200) return { kind: "connected", payload: readTokenPayload(answer.body, service) };
  if (status === 202) return { kind: "pending" };
  if (status === 410) return { kind: "gone", isDelivered: reasonOf(answer) === "ALREADY_DELIVERED" };
  if (status === 429) return { kind: "slow_down", retryAfterMs: answer.retryAfterMs ?? 0 };
  const reason = reasonOf(answer);
  // Without a reason it is the word of a proxy, which knows nothing of the link.
  if (status >= 500 || reason === undefined) return { kind: "trouble", status };
  if (status === 403 && reason === "ACCESS_DENIED") return { kind: "denied" };
  if (status === 401 && reason === "UNAUTHORIZED") return { kind: "unknown" };
  throw refusalOf(answer, service, "answer about the link code");
}
