import { isReceipt } from "./message.ts";

/** How long the page that opened this one may take to say that it has the message. */
const receiptMs = 1_500;

/** What the service has put into the page, in attributes of one element. */
const place = document.querySelector<HTMLElement>("[data-popup-message]");
const { popupMessage = "null", openerOrigin, goOn } = place?.dataset ?? {};
const message = JSON.parse(popupMessage) as { readonly status: string } | null;
const product = window.opener as Window | null;

/** With the completion code, which nobody else brings there. */
function leave(): void {
  if (goOn !== undefined) location.replace(goOn);
}

if (message !== null && product !== null && openerOrigin !== undefined) {
  const timer = setTimeout(leave, receiptMs);
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== product || origin !== openerOrigin || !isReceipt(data)) return;
    clearTimeout(timer);
    // A failure stays, for the person to read.
    if (message.status === "connected" || message.status === "denied") window.close();
  });
  product.postMessage({ ...message, until: Date.now() + receiptMs }, openerOrigin);
} else {
  leave();
}
