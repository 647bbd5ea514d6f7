import { closedReport } from "./closed-report.ts";
import { hasGoneOn, isPopupMessage, receipt } from "./message.ts";
import { pause } from "./pause.ts";
import { closePopup, openPopup, whenClosed } from "./popup-window.ts";
import { readLink } from "./read-link.ts";
import { type ConnectOptions, type ConnectResult, type ConnectStatus, isFinal, progressOf } from "./statuses.ts";
import { type Heard, watchFlow } from "./watch-flow.ts";

/** How long the popup's page may take to bring the completion code once the service has said that there is one. */
const codeMs = 3_000;
/** Until a popup of which the service knows nothing is taken for one that never came there. */
const arrivalMs = 60_000;
/** A page to confirm, and the legs of an attempt: by then every flow has ended. */
const longestFlowMs = 2_100_000;

/**
 * Connects in a popup, and says how it goes and how it ended as the service has it. Call it in the click itself, before
 * anything is awaited: browsers open a popup for nothing else. Rejects with a TypeError for a link that leads to no
 * install, and for nothing else.
 */
export function connect(options: ConnectOptions): Promise<ConnectResult> {
  // What is thrown in here rejects; and all of it runs in the click.
  return new Promise((resolve) => {
    const { address, service } = readLink(options.link);
    const { mode = "popup", onStatus, signal } = options;
    const tell = (status: ConnectStatus) => {
      try {
        onStatus?.(status);
      } catch (error) {
        reportError(error);
      }
    };
    const end = (result: ConnectResult) => {
      tell(result.status);
      resolve(result);
    };
    if (signal?.aborted) return end({ status: "abandoned" });
    if (mode === "redirect") {
      location.assign(address);
      return end({ status: "opened" });
    }
    const flow = randomName();
    address.searchParams.set("popup", "1");
    address.searchParams.set("flow", flow);
    const popup = openPopup(address);
    if (popup === undefined) return end({ status: "blocked" });
    tell("opened");
    follow({ popup, service, flow: `${service}/oauth/flows/${flow}`, signal, tell, end });
  });
}

function follow(parts: {
  readonly popup: Window;
  readonly service: string;
  readonly flow: string;
  readonly signal: AbortSignal | undefined;
  readonly tell: (status: ConnectStatus) => void;
  readonly end: (result: ConnectResult) => void;
}): void {
  const { popup, flow, signal, tell, end } = parts;
  const { origin } = new URL(parts.service);
  const over = new AbortController();
  const whileOpen = { signal: over.signal };
  const openedAt = Date.now();
  let progress = 0;

  const settle = ({ status, completionCode, reason, message }: ConnectResult) => {
    if (over.signal.aborted) return;
    over.abort();
    end({
      status,
      ...(completionCode !== undefined && { completionCode }),
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
    });
  };
  /** There is nothing left to read in it, and no code that only its page can bring. */
  const settleAndClose = (result: ConnectResult) => {
    if (result.status === "connected" || result.status === "denied") closePopup(popup);
    settle(result);
  };

  const hear = (heard: Heard) => {
    const age = Date.now() - openedAt;
    if (heard === "unreachable") {
      if (age > longestFlowMs) settle({ status: "failed", ...unreachable });
    } else if (heard === "unknown") {
      if (progress > 0) settle({ status: "expired" });
      else if (age > arrivalMs) settle({ status: "abandoned" });
    } else if (progressOf(heard.status) > progress) {
      progress = progressOf(heard.status);
      if (!isFinal(heard.status)) tell(heard.status);
      else if (heard.completion !== true) settleAndClose(heard);
      else void pause(codeMs, over.signal).then(() => settle(heard));
    }
  };
  const hearPage = ({ source, origin: from, data }: MessageEvent) => {
    if (source !== popup || from !== origin || !isPopupMessage(data)) return;
    if (hasGoneOn(data)) return settle({ status: data.status });
    popup.postMessage(receipt, origin);
    settleAndClose(data);
  };
  const abort = () => {
    void closedReport(flow, over.signal);
    closePopup(popup);
    settle({ status: "abandoned" });
  };
  const closed = async () => {
    const taken = await closedReport(flow, over.signal);
    if (!taken) settle({ status: "abandoned" });
  };

  addEventListener("message", hearPage, whileOpen);
  signal?.addEventListener("abort", abort, whileOpen);
  whenClosed(popup, closed, over.signal);
  void watchFlow(flow, hear, over.signal);
  // By who was told that it is open.
  if (signal?.aborted) abort();
}

const unreachable = {
  reason: "service_unreachable",
  message: "The service did not answer. Check whether it is connected now; if not, connect again.",
};

/** 32 random bytes in base64url: who does not know it cannot ask for it. */
function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
