import { createHmac } from "node:crypto";
import type { AppWebhookOutcome, RegistrationFailed, WebhookRegistrar } from "../../domain/model/webhook-registrar.ts";
import type { Secret } from "../../secret.ts";
import type { PlatformReply, Reply } from "../http.ts";
import { arrayAt, nameAt, stringAt } from "../json.ts";
import { causeOf, messageOf, type NoAnswer } from "./api.ts";
import { type GithubAppSite, isUnknownApp, parseAppRefusal, sendAsApp } from "./app-call.ts";

const path = "/app/hook/config";

/** The one webhook of a GitHub App (GitHub REST, "GitHub App webhooks"). `secrets`: the first is registered. */
export function createGithubRegistrar(site: GithubAppSite, secrets: readonly Secret[]): WebhookRegistrar {
  const [secret] = secrets;
  // Without one nothing could be told from what anybody sends.
  if (secret === undefined) return { kind: "by_hand", lacks: "no_secret" };
  return { kind: "app", register: (url, mark) => register(site, secret, url, mark) };
}

async function register(
  site: GithubAppSite,
  secret: Secret,
  url: string,
  mark: string | undefined,
): Promise<AppWebhookOutcome> {
  const wanted = markOf(site, secret, url);
  const present = parseHookConfig(await sendAsApp(site, "GET", path));
  if (present.kind === "failed") return present;
  if (mark === wanted && present.url === url && present.isJson && present.hasSecret) {
    return { kind: "registered", mark: wanted, changed: false };
  }
  // Where nothing is said the content type is a form.
  const config = { url, content_type: "json", secret: secret.reveal() };
  const changed = parseHookConfig(await sendAsApp(site, "PATCH", path, config));
  if (changed.kind === "failed") return changed;
  if (changed.url !== url) return refused("not_confirmed");
  return { kind: "registered", mark: wanted, changed: true };
}

/** What is masked at GitHub cannot be compared there. Keyed, since a secret that somebody chose can be guessed. */
function markOf({ key }: GithubAppSite, secret: Secret, url: string): string {
  const own = key.export({ type: "pkcs8", format: "der" });
  return createHmac("sha256", own)
    .update(JSON.stringify([url, secret.reveal()]))
    .digest("base64url");
}

interface HookConfig {
  readonly kind: "config";
  readonly url: string | undefined;
  readonly isJson: boolean;
  readonly hasSecret: boolean;
}

function parseHookConfig(reply: PlatformReply): HookConfig | RegistrationFailed {
  if (reply.kind === "unavailable") return failed(reply);
  const { status, body } = reply;
  if (status === 200) {
    return {
      kind: "config",
      url: stringAt(body, "url"),
      isJson: stringAt(body, "content_type") === "json",
      hasSecret: stringAt(body, "secret") !== undefined,
    };
  }
  if (status === 404 && !isUnknownApp(reply)) return refused("no_webhook");
  if (status === 422) return { ...refused("address_refused"), said: said(reply) };
  return failed(parseAppRefusal(reply));
}

function failed(answer: NoAnswer): RegistrationFailed {
  if (answer.kind === "misconfigured") return { kind: "failed", code: answer.code, passing: false };
  return { kind: "failed", code: causeOf(answer), passing: true, retryAfterMs: answer.retryAfterMs };
}

/** What is there now is not what it should be. */
function refused(code: string): RegistrationFailed {
  return { kind: "failed", code, passing: false, remaining: [] };
}

/** GitHub says what it does not like about an address in the first of its errors. */
function said(reply: Reply): string {
  return nameAt(arrayAt(reply.body, "errors")?.[0], "message") ?? messageOf(reply);
}
