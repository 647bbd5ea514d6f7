import { editDistance } from "./edit-distance.ts";

/**
 * For names that are set but unknown: the known name each is most likely meant to be. Two letters in a name may be
 * wrong, or one of its words too many, too few or misplaced; in a short name one letter, so that `HOME` is not `HOST`.
 * `foreign` are those of other programs.
 */
export function findNearNames(
  given: readonly string[],
  known: ReadonlySet<string>,
  foreign: readonly RegExp[],
): readonly { readonly given: string; readonly meant: string }[] {
  return given.flatMap((name) => {
    if (known.has(name) || neighbours.has(name) || foreign.some((names) => names.test(name))) return [];
    const [nearest] = [...known]
      .filter((candidate) => isNear(name.toUpperCase(), candidate))
      .sort((a, b) => editDistance(name, a) - editDistance(name, b));
    return nearest === undefined ? [] : [{ given: name, meant: nearest }];
  });
}

function isNear(name: string, known: string): boolean {
  if (Math.abs(name.length - known.length) <= 2) {
    const distance = editDistance(name, known);
    if (distance <= (known.length < 10 ? 1 : 2)) return true;
  }
  return hasNearlyTheWordsOf(name, known);
}

/** `JIRA_SECRET_CLIENT`, `JIRA_OAUTH_CLIENT_SECRET` and `JIRA_SECRET` are all like `JIRA_CLIENT_SECRET`. */
function hasNearlyTheWordsOf(name: string, known: string): boolean {
  const [words, knownWords] = [name.split("_"), known.split("_")];
  if (knownWords.length < 3 || words.length < 2 || words[0] !== knownWords[0]) return false;
  const extra = words.filter((word) => !knownWords.includes(word)).length;
  const missing = knownWords.filter((word) => !words.includes(word)).length;
  return extra + missing <= 1;
}

/** The usual neighbours. */
const neighbours: ReadonlySet<string> = new Set(["HTTP_PROXY", "http_proxy", "SSL_CERT_FILE"]);
