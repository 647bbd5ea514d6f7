import type { InstallFailure } from "../../domain/model/install-failure.ts";
import type { WebRequest, WebResponse } from "../handler.ts";
import { onBaseUrl } from "./base-url.ts";
import { type FailureText, failureTexts, type RequestFailure, textForProgram } from "./failures.ts";
import { failurePage, type PlatformLabel, type PopupPart } from "./result-pages.ts";

/** Whether a program asks: `Accept` ranks JSON above HTML by weight, then by being named exactly, then by order. */
export function prefersJson(request: Pick<WebRequest, "accepts">): boolean {
  return request.accepts(["html", "json"]) === "json";
}

export function sendPage(response: WebResponse, status: number, page: string): void {
  response.status(status).type("html").send(page);
}

/** A redirect without a body, so that what the target's query holds is in no page. */
export function redirect(response: WebResponse, target: URL, status: 302 | 303 = 302): void {
  response.status(status).setHeader("Location", target.href).end();
}

export type AnswerFailure = (
  request: Pick<WebRequest, "accepts">,
  response: WebResponse,
  failure: InstallFailure | RequestFailure,
  platform?: string,
  about?: {
    /** Whether a program waits for this with a link code. */
    readonly forProgram?: boolean;
    /** Of the request that failed; undefined: it is this one. */
    readonly requestId?: string;
    /** What its page tells the page that opened its popup. */
    readonly popup?: PopupPart | undefined;
  },
) => void;

/**
 * Answers a failure as a page or as JSON; offers to connect again where that may help and anyone may start, or where a
 * program still waits.
 */
export function createAnswerFailure(site: {
  readonly baseUrl: URL;
  readonly installMode: "open" | "link";
  readonly platformLabel: PlatformLabel;
}): AnswerFailure {
  const { baseUrl, installMode } = site;

  return (request, response, failure, platform, about = {}) => {
    const { forProgram = false, requestId = response.locals.requestId, popup } = about;
    response.locals.failure = failure;
    const label = platform === undefined ? undefined : site.platformLabel(platform);
    const { status, again, title, whatThePersonCanDo } = wordsFor(failure, label, forProgram);
    if (prefersJson(request)) {
      const error = { code: failure, message: title, action: whatThePersonCanDo };
      response.status(status).json({ success: false, error });
      return;
    }
    // The page that opened the popup begins again: what began here would be for nobody.
    const connectAgain = again && popup === undefined ? startOf(platform, forProgram) : undefined;
    const page = { code: failure, title, whatThePersonCanDo, connectAgain, requestId, popup };
    sendPage(response, status, failurePage(page));
  };

  /** What is begun at the install route would be connected, but not for the program. */
  function startOf(platform: string | undefined, forProgram: boolean): URL | undefined {
    if (forProgram) return onBaseUrl(baseUrl, linkPagePath);
    if (installMode !== "open" || platform === undefined || !platformName.test(platform)) return undefined;
    return onBaseUrl(baseUrl, `/oauth/install/${platform}`);
  }
}

/** The page where a person types a link code. */
export const linkPagePath = "/link";

const platformName = /^[a-z][a-z0-9-]{0,63}$/;

/** What is said of a failure, and of the platform by its label where it has one. */
export function wordsFor(
  failure: InstallFailure | RequestFailure,
  label: string | undefined,
  forProgram = false,
): FailureText {
  const text = forProgram ? textForProgram(failure) : failureTexts[failure];
  return { ...text, title: named(text.title, label), whatThePersonCanDo: named(text.whatThePersonCanDo, label) };
}

function named(text: string, label = "the platform"): string {
  const filled = text.replaceAll("{platform}", label);
  return filled.charAt(0).toUpperCase() + filled.slice(1);
}
