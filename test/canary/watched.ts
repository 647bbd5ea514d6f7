import { randomBytes } from "node:crypto";
import type { Hands } from "./hands.ts";
import { createPerson } from "./person.ts";

/** A connection in a popup, watched by the page that opened it. */
export async function watchPopup({ target }: Hands): Promise<void> {
  const { publicUrl, canaries, outputs } = target;
  const name = randomBytes(32).toString("base64url");
  canaries.add("flow name", name);
  const { origin } = new URL(publicUrl);
  const told = fetch(new URL(`/oauth/flows/${name}`, publicUrl), {
    headers: { origin, accept: "text/event-stream", connection: "close" },
  });
  await createPerson(target).go(`/oauth/install/slack?popup=1&flow=${name}`);
  const stream = await told;
  outputs.push({ where: "a header of the public listener", text: JSON.stringify([...stream.headers]) });
  outputs.push({ where: "the stream of a flow", text: await stream.text() });
  const closed = await fetch(new URL(`/oauth/flows/${name}/closed`, publicUrl), {
    method: "POST",
    headers: { origin },
  });
  if (closed.status !== 204) throw new Error(`the page that watches was answered ${closed.status}`);
}
