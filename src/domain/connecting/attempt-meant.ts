import { isDeepStrictEqual } from "node:util";
import type { OpenAttempt } from "./attempt.ts";

/** Which of a browser's open attempts a callback without a state belongs to. */
export type Meant =
  | { readonly kind: "none" }
  | { readonly kind: "one"; readonly attempt: OpenAttempt }
  /** They are not for the same owner, link and way back: nobody can tell. */
  | { readonly kind: "several" };

/** The latest attempt, if it makes no difference which one it is. `open` has the latest first. */
export function attemptMeant(open: readonly OpenAttempt[]): Meant {
  const [latest, ...others] = open;
  if (latest === undefined) return { kind: "none" };
  return others.every((other) => isSameErrand(latest, other)) ? { kind: "one", attempt: latest } : { kind: "several" };
}

function isSameErrand(a: OpenAttempt, b: OpenAttempt): boolean {
  return a.owner === b.owner && a.returnTo === b.returnTo && isDeepStrictEqual(a.link, b.link);
}
