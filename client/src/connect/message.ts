import { type FlowReport, isFinal } from "./statuses.ts";

const source = "oauth-token-service";

/** What the service's page in the popup tells the page that opened it. */
export interface PopupMessage extends FlowReport {
  readonly source: typeof source;
  readonly completionCode?: string;
  /** Until when its page waits, by this machine's clock. Then it brings the code to `return_to` itself. */
  readonly until?: number;
}

/** What it is answered: it may close. */
export const receipt = { source, received: true };

/** What the receipt may take on its way. */
const onItsWayMs = 500;

/**
 * Whether its page may have gone on with the code by now: this one was asleep, as browsers on a phone let pages be that
 * are behind another. The code is good once.
 */
export function hasGoneOn({ completionCode, until = Number.POSITIVE_INFINITY }: PopupMessage): boolean {
  return completionCode !== undefined && Date.now() > until - onItsWayMs;
}

export function isPopupMessage(data: unknown): data is PopupMessage {
  const message = ofService(data);
  return typeof message?.status === "string" && isFinal(message.status);
}

export function isReceipt(data: unknown): boolean {
  return ofService(data)?.received === true;
}

/** Whatever else a page is sent, extensions' messages among it, is none of ours. */
function ofService(data: unknown): Readonly<Record<string, unknown>> | undefined {
  const message = data as Readonly<Record<string, unknown>> | null | undefined;
  return message?.source === source ? message : undefined;
}
