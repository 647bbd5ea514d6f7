import type { MintOutcome, Misconfigured, RateLimited, RevokeOutcome, Unavailable } from "../domain/model/platform.ts";
import { unavailable } from "./http.ts";

/**
 * What a refusal is about. `grant`: it has ended for good. `installation`: this one gets nothing as long as somebody there
 * says so. `registration`: our client, our key or our request. `platform`: trouble that passes. `limit`: asked too often.
 */
export type About = "grant" | "installation" | "registration" | "platform" | "limit";

/** What a refusal of a code is about: it may also be of no use, or the person has to do something first. */
export type AboutCode = Exclude<About, "grant" | "installation"> | "code" | "person";

/** Of one endpoint: the platform's own word, and what it is about; where the word alone does not tell, its text does. */
export type Refusals<A = About> = Readonly<Record<string, A | ((text: string) => A | undefined)>>;

/** What a word is about; undefined for one that nobody has told us of, which proves nothing about anybody. */
export function aboutOf<A>(refusals: Refusals<A>, word: string, text = ""): A | undefined {
  const about = Object.hasOwn(refusals, word) ? refusals[word] : undefined;
  return about instanceof Function ? about(text) : about;
}

/** The words of a table that are about one thing. */
export function wordsAbout<A>(refusals: Refusals<A>, wanted: A): ReadonlySet<string> {
  return new Set(Object.keys(refusals).filter((word) => aboutOf(refusals, word) === wanted));
}

/** The outcome of a mint that was refused with `code`. What nobody knows is the platform's, until it refuses one alone. */
export function mintRefusal(
  about: About | undefined,
  code: string,
  retryAfterMs?: number,
): Exclude<MintOutcome, { kind: "minted" | "confirmed" | "suspended" | "not_granted" }> {
  switch (about) {
    case "grant":
      return { kind: "rejected", code };
    case "installation":
      return { kind: "refused", code };
    case "registration":
      return { kind: "misconfigured", code };
    case "limit":
      return { kind: "rate_limited", retryAfterMs };
    case "platform":
    case undefined:
      return unavailable(code, true, retryAfterMs);
  }
}

/** The outcome of an exchange that was refused for what is neither the code's nor the person's fault. */
export function codeRefusal(
  about: Exclude<AboutCode, "code" | "person"> | undefined,
  code: string,
  retryAfterMs?: number,
): Misconfigured | RateLimited | Unavailable {
  if (about === "registration") return { kind: "misconfigured", code };
  return about === "limit" ? { kind: "rate_limited", retryAfterMs } : unavailable(code, true, retryAfterMs);
}

/** The outcome of a revocation that was refused. */
export function refusedRevocation(about: "ended" | "unsupported" | undefined, cause: string): RevokeOutcome {
  if (about === undefined) return { kind: "failed", cause };
  return { kind: about === "ended" ? "revoked" : "unsupported" };
}
