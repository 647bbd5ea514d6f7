import { persistenceMs } from "../model/doubt.ts";
import type { InspectedFacts } from "../model/platform.ts";
import type { Asked, AskedCredential, Settlement } from "./question.ts";

/** What a platform said when it was asked with one credential. */
export type Answer =
  | { readonly kind: "alive"; readonly facts: InspectedFacts | undefined }
  | { readonly kind: "suspended"; readonly facts: InspectedFacts | undefined }
  /** The installation is there no more, or the grant reaches it no more. */
  | { readonly kind: "gone"; readonly code: string }
  /** The grant has ended. */
  | { readonly kind: "dead"; readonly code: string }
  | { readonly kind: "unknown"; readonly retryAfterMs: number | undefined };

export interface Answered {
  readonly asked: AskedCredential;
  readonly answer: Answer;
}

/** What the answers of all credentials that could be asked with come to. */
export type Judgement =
  /** What the platform told is so, for good. */
  | { readonly kind: "ended"; readonly code: string }
  | { readonly kind: "settled"; readonly settlement: Settlement }
  /** It contradicts what it told: asked again before that is believed. */
  | { readonly kind: "contradicted" }
  /** Not reached any more: asked again for a day before that is believed. */
  | { readonly kind: "gone"; readonly since: Date }
  | { readonly kind: "unanswered"; readonly retryAfterMs: number | undefined };

/** After a contradiction was believed: a platform may take its time to know everywhere what it told. */
const lookAgainMs = 60_000;

/** Pure. `answers`: the natural credential's first; none, where there is nothing to ask with. */
export function judge({ question, credentials }: Asked, answers: readonly Answered[], now: Date): Judgement {
  const first = (kind: Answer["kind"]) => answers.find(({ answer }) => answer.kind === kind)?.answer;
  const gone = first("gone");
  const suspended = first("suspended");
  const alive = first("alive");
  const unknown = first("unknown");
  const dead = first("dead");

  if (question.about === "ended") {
    if (gone?.kind === "gone") return { kind: "ended", code: gone.code };
    const nobodyElse = alive === undefined && suspended === undefined && unknown === undefined;
    if (dead?.kind === "dead" && nobodyElse) return { kind: "ended", code: dead.code };
  }
  if (unknown?.kind === "unknown" && ((alive ?? suspended) === undefined || answers.some(isStillOpen))) {
    return { kind: "unanswered", retryAfterMs: unknown.retryAfterMs };
  }
  if (suspended?.kind === "suspended" && question.about !== "ended") return settled("suspended", factsOf(suspended));
  const found = suspended ?? alive;
  if (found !== undefined && "facts" in found) {
    const contradicts =
      question.about === "ended" ||
      (question.about === "suspended" && found.kind === "alive") ||
      answers.some(({ asked, answer }) => asked.withheld && answer.kind === "alive");
    if (contradicts && !question.contradicted) return { kind: "contradicted" };
    return settled(found.kind === "suspended" ? "suspended" : "present", factsOf(found), contradicts);
  }
  if (gone !== undefined) {
    const since = question.goneSince ?? now;
    return now.getTime() - since.getTime() < persistenceMs ? { kind: "gone", since } : settled("lost", undefined);
  }
  return settled("unknown", undefined);

  /** What is granted to the natural one is what the installation has; any of them knows the organization. */
  function factsOf(answer: Extract<Answer, { readonly facts: unknown }>): InspectedFacts | undefined {
    const isNatural = answers.some(({ asked, answer: one }) => one === answer && asked.natural);
    return isNatural || answer.facts === undefined
      ? answer.facts
      : { ...answer.facts, scopes: undefined, permissions: undefined };
  }

  function settled(state: Settlement["state"], facts: InspectedFacts | undefined, again = false): Judgement {
    const withheld = answers.filter(({ asked }) => asked.withheld);
    const settlement: Settlement = {
      state,
      facts,
      alive: withheld.flatMap(({ asked, answer }) => (answer.kind === "alive" ? [asked.credential.id] : [])),
      dead: withheld.flatMap(({ asked, answer }) =>
        answer.kind === "dead" ? [{ id: asked.credential.id, code: answer.code }] : [],
      ),
      next: again && credentials.length > 0 ? { about: "changed", delayMs: lookAgainMs } : undefined,
    };
    return { kind: "settled", settlement };
  }
}

/** What is withheld is not left so for want of an answer about another one, nor handed out without its own. */
function isStillOpen({ asked, answer }: Answered): boolean {
  return asked.withheld && answer.kind === "unknown";
}
