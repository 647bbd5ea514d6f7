import type { Place } from "../domain/watching/place.ts";
import { invalidField } from "../errors.ts";
import { hashOfList, type ListKey, type PageSealer, parseSealed } from "./page-tokens.ts";

/** What a stream belongs to: who watches what, and what they may see of it. */
export interface Watched {
  readonly watch: ListKey;
  readonly sight: string;
}

/** Places in a stream, as callers carry them from one to the next. */
export interface ResumeTokens {
  write(place: Place, watched: Watched): string;
  /**
   * Undefined for none, and for what a stream has to begin anew for: sealed by a key that is gone, or by other rules.
   * @throws ServiceError INVALID_REQUEST for what is no token, or belongs to another watch or caller.
   */
  read(token: string, watched: Watched): Place | undefined;
}

/** As they are sealed: nonce and tag alone are longer. */
const form = /^[A-Za-z0-9_-]{40,}$/;

export function createResumeTokens(sealer: PageSealer): ResumeTokens {
  return {
    write: ({ sequence, mark }, { watch, sight }) =>
      sealer.seal(JSON.stringify([sequence, mark, hashOfList(watch), hashOfList([sight])])),

    read(token, { watch, sight }) {
      if (token === "") return undefined;
      if (!form.test(token)) throw invalidField("resume_token", "must be the resume_token of an earlier stream");
      const [sequence, mark, watchHash, sightHash] = parseSealed(sealer.open(token));
      if (typeof sequence !== "number" || typeof mark !== "string") return undefined;
      if (watchHash !== hashOfList(watch)) {
        throw invalidField("resume_token", "belongs to a request with other filters, or of another caller");
      }
      return sightHash === hashOfList([sight]) ? { sequence, mark } : undefined;
    },
  };
}
