import { Secret } from "../../secret.ts";
import type { SealedText, Session } from "./sessions.ts";

/** What binds a form to the session that it was shown to. Another page cannot read it, another session's does not count. */
export interface FormTokens {
  issue(session: Session): Secret;
  holds(session: Session, sent: string | null): boolean;
}

export function createFormTokens(sealed: SealedText): FormTokens {
  return {
    issue: ({ id }) => new Secret(sealed.seal(id)),
    holds: ({ id }, sent) => sent !== null && sealed.open(sent) === id,
  };
}
