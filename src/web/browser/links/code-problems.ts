import type { RefusedCode } from "../../../domain/links/find-typed.ts";

/** Why a code that was sent led nowhere, as the page says it. */
export interface CodeProblem {
  readonly status: number;
  /** For the log. */
  readonly failure: string;
  /** What happened, as a sentence without its stop. */
  readonly title: string;
  /** The next step, in sentences. */
  readonly whatThePersonCanDo: string;
  readonly retryAfterMs?: number | undefined;
}

/** For a form that this browser was not shown. */
export const notThisBrowser: CodeProblem = {
  status: 403,
  failure: "form_other_browser",
  title: "Please send this once more",
  whatThePersonCanDo:
    "The page was open for too long, or this browser keeps no cookies, which are needed here. Nothing has happened. Check the code, and continue.",
};

export function problemOf({ why, retryAfterMs }: RefusedCode): CodeProblem {
  switch (why) {
    case "unknown":
      return {
        status: 404,
        failure: "link_code_unknown",
        title: "This code is not known",
        whatThePersonCanDo:
          "Compare it with what your program shows: 11 digits; spaces and hyphens do not matter. A code lives for ten minutes.",
      };
    case "ended":
      return {
        status: 410,
        failure: "link_code_ended",
        title: "This code is no longer good",
        whatThePersonCanDo:
          "It was used, refused, or is older than ten minutes. Start again in your program, and type the new code that it shows.",
      };
    case "slow_down":
      return {
        status: 429,
        failure: "link_code_slow_down",
        retryAfterMs,
        title: "Too many codes were tried",
        whatThePersonCanDo: `Wait ${waitOf(retryAfterMs)}, then try again. If your program shows an address with the code in it, open that one: it works at once.`,
      };
  }
}

function waitOf(retryAfterMs = 60_000): string {
  const minutes = Math.ceil(retryAfterMs / 60_000);
  return minutes <= 1 ? "a minute" : `${minutes} minutes`;
}
