import type { JsonAnswer } from "../../../rpc/json/json-calls.ts";
import { type Json, messageIn, messagesIn, textIn } from "../json-fields.ts";
import { refusalIn, refusedPage } from "../refused.ts";
import { may } from "../rights.ts";
import type { Shown, Visit } from "../visit.ts";

/** An installation as its caller is answered, or the page that says why there is none. */
export type Found =
  | { readonly kind: "found"; readonly installation: Json }
  | { readonly kind: "missing"; readonly shown: Shown };

/** The installation that the path names. Whoever may list it may look at it. */
export async function findInstallation(visit: Visit): Promise<Found> {
  const { caller, path, ask } = visit;
  const { id = "" } = path;
  const lists = may(caller, "ListInstallations");
  if (may(caller, "GetInstallation") || !lists) {
    const answer = await ask("getInstallation", { installation_id: id });
    // By the rules of one it may see less than by those of the other.
    const isHidden = lists && refusalIn(answer).reason === "INSTALLATION_NOT_FOUND";
    if (!isHidden) return found(answer, messageIn(answer.body, "installation"));
  }
  const answer = await ask("listInstallations", { search: id });
  return found(
    answer,
    messagesIn(answer.body, "installations").find((one) => textIn(one, "id") === id),
  );
}

function found(answer: JsonAnswer, installation: Json | undefined): Found {
  if (answer.status !== 200) return { kind: "missing", shown: refusedPage(answer) };
  if (installation !== undefined) return { kind: "found", installation };
  const error = { reason: "INSTALLATION_NOT_FOUND", message: "there is no such installation" };
  return { kind: "missing", shown: refusedPage({ status: 404, body: { error }, retryAfterSeconds: undefined }) };
}
