import type { JsonAnswer } from "../../rpc/json/json-calls.ts";
import { html } from "../html.ts";
import { messageIn, textIn } from "./json-fields.ts";
import type { Shown } from "./visit.ts";

/** Why a call was refused: its reason, and what its caller is told. */
export function refusalIn({ body }: JsonAnswer): { readonly reason: string; readonly message: string } {
  const error = messageIn(body, "error") ?? {};
  return { reason: textIn(error, "reason"), message: textIn(error, "message") };
}

/** The page of a call that was refused. */
export function refusedPage(answer: JsonAnswer): Shown {
  const { reason, message } = refusalIn(answer);
  const { title, advice } = texts[reason] ?? other;
  const wait = answer.retryAfterSeconds;
  return {
    kind: "page",
    status: answer.status,
    title,
    body: html`<p>${advice}${wait === undefined ? undefined : ` Try again in ${wait} s.`}</p>
<p class="quiet">The service says: ${message}${reason === "" ? undefined : html` (<code>${reason}</code>)`}</p>
<p><a href="/console">All connections</a></p>`,
  };
}

const other = { title: "That did not work", advice: "Nothing was changed as far as is known here." };

const texts: Readonly<Record<string, typeof other>> = {
  CALLER_NOT_ALLOWED: {
    title: "This caller may not do that",
    advice: "The rules of the caller file do not allow it. Ask whoever keeps that file.",
  },
  CALLER_RATE_LIMITED: {
    title: "Too many requests",
    advice: "This caller has used up what its rules allow for the moment. Nothing was done.",
  },
  INVALID_REQUEST: { title: "That cannot be asked", advice: "Something in the request is not as it has to be." },
  INSTALLATION_NOT_FOUND: {
    title: "No such connection",
    advice: "It is not there, or this caller may not see it.",
  },
  PLATFORM_NOT_CONFIGURED: {
    title: "This platform is not configured",
    advice: "The page of platforms says which settings are missing.",
  },
  SERVICE_UNAVAILABLE: {
    title: "The service cannot answer now",
    advice: "Its database does not answer, or it is being restarted. Try again in a moment.",
  },
};
