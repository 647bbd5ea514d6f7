import type { Caller } from "../../../domain/access/caller.ts";
import type { JsonCallContext, JsonStream } from "../../../rpc/json/json-calls.ts";
import { textIn } from "../json-fields.ts";
import { may } from "../rights.ts";

/** Where what changes has got to, for a page to go on from; undefined: this caller may not watch, or not now. */
export async function placeNow(
  watch: JsonStream,
  caller: Caller,
  context: JsonCallContext,
): Promise<string | undefined> {
  if (!may(caller, "WatchInstallations")) return undefined;
  const reader = { signal: new AbortController().signal, cut: () => undefined };
  const changes = watch({ changes_only: true }, context, reader);
  const first = await changes.next();
  await changes.return(undefined);
  return first.done ? undefined : textIn(first.value, "resume_token");
}
