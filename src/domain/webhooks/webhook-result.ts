import type { Webhook } from "../model/webhook.ts";
import type { RegistrationFailed } from "../model/webhook-registrar.ts";
import type { HeldWebhook, WebhookResult } from "../model/webhook-repository.ts";
import { checkMs, renewMs, retryAfterFailureMs, silentAfterMs } from "./webhook-times.ts";

/** What is stored of a webhook that the platform confirmed. */
export function confirmed(
  held: HeldWebhook,
  found: { readonly webhook: Webhook; readonly mark?: string; readonly siteHost?: string | undefined },
  now: Date,
): WebhookResult {
  const { registered, externalIds } = held.webhook;
  const isSame = registered && externalIds.join() === found.webhook.externalIds.join();
  const registeredSince = isSame ? held.registeredSince : now;
  return {
    webhook: found.webhook,
    mark: found.mark,
    failures: 0,
    siteHost: found.siteHost,
    registeredSince,
    silentSince:
      found.siteHost !== undefined && isSilent(registeredSince, held.deliveredAt, now)
        ? (held.silentSince ?? now)
        : undefined,
    dueAt: new Date(now.getTime() + checkMs),
  };
}

/** A quiet site looks like one whose events are not sent, as those of a person who does not own an app that is not shared. */
function isSilent(registeredSince: Date | undefined, deliveredAt: Date | undefined, now: Date): boolean {
  const since = Math.max(registeredSince?.getTime() ?? now.getTime(), deliveredAt?.getTime() ?? 0);
  return now.getTime() - since > (deliveredAt === undefined ? silentAfterMs.first : silentAfterMs.next);
}

/**
 * What is stored after a failure. Trouble that passes says nothing about what was confirmed before, and is told only
 * once the end comes near.
 */
export function unconfirmed(
  held: HeldWebhook,
  failure: RegistrationFailed,
  { url, siteHost, now }: { readonly url: string; readonly siteHost?: string | undefined; readonly now: Date },
): WebhookResult {
  const { webhook, failures } = held;
  const { expiresAt } = webhook;
  const externalIds = webhook.externalIds.filter((id) => failure.remaining?.includes(id) ?? true);
  const isLost = failure.remaining !== undefined && externalIds.length === 0;
  const lasts = (from: number) => expiresAt === undefined || expiresAt.getTime() > from;
  const registered = webhook.registered && webhook.url === url && !isLost && lasts(now.getTime());
  const isFine = registered && failure.passing && lasts(now.getTime() + renewMs);
  return {
    webhook: {
      registered,
      // As long as there are any, their address is what they were registered with.
      url: externalIds.length > 0 ? webhook.url : url,
      externalIds,
      error: isFine ? undefined : failure.code,
      expiresAt: externalIds.length > 0 ? expiresAt : undefined,
    },
    mark: registered ? held.mark : undefined,
    failures: failures + 1,
    siteHost,
    registeredSince: registered ? held.registeredSince : undefined,
    silentSince: registered ? held.silentSince : undefined,
    dueAt: new Date(now.getTime() + retryAfterFailureMs(failures, failure.retryAfterMs)),
  };
}
