import type { Authenticate } from "../../../domain/access/caller.ts";
import { unprovenCaller } from "../../../domain/model/audit-event.ts";
import type { NoteEvent } from "../../../domain/record/noted-events.ts";
import { ServiceError } from "../../../errors.ts";
import { Secret } from "../../../secret.ts";
import type { World } from "../../../world.ts";
import type { WebHandler, WebResponse } from "../../handler.ts";
import type { Answers } from "../answers.ts";
import type { Sessions } from "../sessions.ts";
import type { Visits } from "../visits.ts";
import { consolePath } from "./console-path.ts";
import type { SignInProblem } from "./sign-in-page.ts";
import type { WrongKeys } from "./wrong-keys.ts";

/** What the record says was asked for. */
const method = "ConsoleSignIn";
/** What else proves a caller ends too soon, or is not for a browser to keep. */
const apiKey = /^ots_[0-9A-Za-z_]{1,100}$/;

export interface SignInParts extends Pick<World, "now"> {
  readonly visits: Visits;
  readonly sessions: Sessions;
  readonly answers: Answers;
  readonly authenticate: Authenticate;
  readonly wrongKeys: WrongKeys;
  readonly note: NoteEvent;
}

/** `POST /console/sign-in`: a session for the caller whose key it is. */
export function signInRoute(parts: SignInParts): WebHandler {
  const { visits, sessions, answers, authenticate, wrongKeys, note, now } = parts;

  return async (request, response) => {
    const fields = await visits.strangersForm(request, response, (sent) =>
      answers.signIn(request, response, { to: consolePath(sent.get("to")), problem: "form_stale" }),
    );
    if (fields === undefined) return;
    const key = new Secret((fields.get("key") ?? "").trim());
    const to = consolePath(fields.get("to"));
    const problem = await problemWith(key, response);
    if (problem !== undefined) return answers.signIn(request, response, { to, problem });
    sessions.begin(request, response, key);
    answers.redirect(response, to);
  };

  async function problemWith(key: Secret, response: WebResponse): Promise<SignInProblem | undefined> {
    const { address, requestId } = response.locals;
    try {
      if (!(await wrongKeys.mayTry(address))) return "too_many";
      if (apiKey.test(key.reveal())) {
        await authenticate({ authorization: `Bearer ${key.reveal()}`, certificateNames: [] });
        await wrongKeys.wasRight(address);
        return undefined;
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.reason !== "CALLER_UNAUTHENTICATED") return "no_answer";
    }
    const detail = "CALLER_UNAUTHENTICATED";
    const who = { caller: unprovenCaller, policyHash: undefined };
    note({ ...who, kind: "call.refused", at: now(), method, address, requestId, detail, count: 1 });
    return "wrong_key";
  }
}

/** `POST /console/sign-out`. */
export function signOutRoute({ visits, sessions, answers }: SignInParts): WebHandler {
  return async (request, response) => {
    const stale = () => answers.refused(response, "form_stale");
    if ((await visits.strangersForm(request, response, stale)) === undefined) return;
    sessions.end(request, response);
    // What the browser keeps for its back button is not for the next person.
    response.setHeader("Clear-Site-Data", '"cache"');
    answers.redirect(response, "/console");
  };
}
