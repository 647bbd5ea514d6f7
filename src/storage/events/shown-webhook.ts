import type { PgColumn } from "drizzle-orm/pg-core";
import type { Webhook } from "../../domain/model/webhook.ts";
import type { webhooks } from "../schema.ts";

type Shown = "subject" | "registered" | "url" | "externalIds" | "error" | "expiresAt";

export type WebhookColumns = Pick<typeof webhooks.$inferSelect, Shown>;

/** What callers see of a webhook. `subject` first: drizzle takes a first null for a missing row. */
export function webhookColumns<T extends Record<Shown, PgColumn>>(table: T): Pick<T, Shown> {
  const { subject, registered, url, externalIds, error, expiresAt } = table;
  return { subject, registered, url, externalIds, error, expiresAt };
}

export function toWebhook({ registered, url, externalIds, error, expiresAt }: WebhookColumns): Webhook {
  return { registered, url, externalIds, error: error ?? undefined, expiresAt: expiresAt ?? undefined };
}
