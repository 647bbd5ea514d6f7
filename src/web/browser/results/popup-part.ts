import { resultPageScript } from "../../../../gen/browser/scripts.ts";
import { Html, html } from "../../html.ts";
import { flowJson } from "../flows/flow-json.ts";
import type { PlatformLabel, PopupPart } from "../result-pages.ts";
import type { Result } from "./result.ts";

const source = new Html([resultPageScript], []);

/** Undefined for a result that no page waits for, or none that may be told. */
export function popupPart(result: Result, platformLabel: PlatformLabel, nonce: string): PopupPart | undefined {
  const { platform, popup } = result;
  if (popup?.opener === undefined) return undefined;
  const { opener, completionCode } = popup;
  const failure = result.kind === "failed" ? result.failure : undefined;
  const status = failure === undefined ? "connected" : failure === "denied" ? "denied" : "failed";
  const standing = { status, platform, reason: failure, completion: completionCode !== undefined } as const;
  const message = JSON.stringify({
    source: "oauth-token-service",
    ...flowJson(standing, platformLabel),
    completionCode,
  });
  const goOn = result.kind === "connected" && completionCode !== undefined ? result.returnTo : undefined;
  return {
    told: html`<div hidden data-popup-message="${message}" data-opener-origin="${opener}"${goOn && html` data-go-on="${goOn}"`}></div>`,
    script: { nonce, source },
  };
}
