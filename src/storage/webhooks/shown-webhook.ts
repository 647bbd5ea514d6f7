import type { PgColumn } from "drizzle-orm/pg-core";
import type { Webhook } from "../../domain/model/webhook.ts";
import type { webhooks } from "../schema.ts";

type Shown = "subject" | "registered" | "url" | "externalIds" | "error" | "expiresAt" | "silentSince";

type WebhookRow = typeof webhooks.$inferSelect;

export type WebhookColumns = Pick<WebhookRow, Shown>;

/** What callers see of a webhook. `subject` first: drizzle takes a first null for a missing row. */
export function webhookColumns<T extends Record<Shown, PgColumn>>(table: T): Pick<T, Shown> {
  const { subject, registered, url, externalIds, error, expiresAt, silentSince } = table;
  return { subject, registered, url, externalIds, error, expiresAt, silentSince };
}

/** What an installation's own webhook has to say as its last error. */
export function webhookError(row: Pick<WebhookRow, "error" | "silentSince"> | null): string | undefined {
  const code = row?.error ?? (row?.silentSince ? "silent" : undefined);
  return code === undefined ? undefined : `webhook:${code}`;
}

export function toWebhook({
  registered,
  url,
  externalIds,
  error,
  expiresAt,
}: Omit<WebhookColumns, "silentSince">): Webhook {
  return { registered, url, externalIds, error: error ?? undefined, expiresAt: expiresAt ?? undefined };
}
