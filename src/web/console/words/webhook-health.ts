import type { ListedInstallation } from "../installation.ts";

/** How events of the platform arrive, in a few words. */
export function webhookHealth({ webhook, lastError }: Pick<ListedInstallation, "webhook" | "lastError">): string {
  if (lastError === "webhook:silent") return "Silent for days";
  if (lastError.startsWith("webhook:")) return `Not delivered (${lastError.slice("webhook:".length)})`;
  if (webhook === undefined) return "None";
  if (webhook.registered) return "Registered";
  return webhook.error === "" ? "Entered by hand at the platform" : `Not registered (${webhook.error})`;
}
