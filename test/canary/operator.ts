import { createConsoleBrowser, hiddenFields } from "../web/support/console-browser.ts";
import type { Answer } from "../web/support/http.ts";
import type { Hands } from "./hands.ts";

/** Every page of the console, with what it is asked and sent; tokens where nobody should put them, too. */
export async function useConsole({ target, mustGetToken }: Hands): Promise<void> {
  const { internalUrl, outputs, canaries, sql } = target;
  const port = Number(new URL(internalUrl).port);
  const browser = createConsoleBrowser(port);
  /** What was typed in stands in its field again. */
  const keep = (answer: Answer): Answer => {
    const text = answer.text.replaceAll(/<input [^>]*>/g, "").replaceAll(/\blink=[\w-]+/g, "");
    outputs.push({ where: "a page of the console", text });
    outputs.push({ where: "a header of the console", text: answer.rawHeaders.join("\n") });
    return answer;
  };
  const look = async (path: string, headers: Record<string, string> = {}) => keep(await browser.get(path, headers));

  const held = [await mustGetToken("slack"), await mustGetToken("github")];
  const rows = await sql`select id from installations order by created_at`;
  const connections = rows.map(({ id }) => `/console/connections/${id}`);
  for (const path of ["/console", "/console/concerns", "/console/platforms", "/console/nowhere", ...connections]) {
    await look(path);
  }
  for (const path of connections) await look(`${path}/revoke`);
  for (const token of held) {
    const t = encodeURIComponent(token);
    for (const query of [`search=${t}`, `owner=${t}`, `platform=${t}`, `status=${t}`, `page=${t}`, `${t}=1`]) {
      await look(`/console?${query}`);
    }
    for (const path of [
      ...[
        `/console/${t}`,
        `/console/connections/${t}`,
        `/console/connections/${t}/revoke`,
        `/console/concerns?kind=${t}`,
      ],
      ...[`${connections[0]}?trail=${t}`, `/console/changes?from=${t}`, `/console/connections/${t}%ff`],
    ]) {
      await look(path, { authorization: `Bearer ${token}`, referer: `http://localhost:${port}/console?t=${t}` });
    }
    keep(await browser.request(`/console?search=${t}`, "DELETE"));
    const stranger = createConsoleBrowser(port);
    stranger.cookies.set(`ots-console-${port}`, token);
    keep(await stranger.get("/console"));
  }

  const connect = await look("/console/connect");
  const { token = "" } = hiddenFields(connect.text, "/console/connect");
  for (const sent of held) {
    keep(await browser.post("/console/connect", { token: sent, platform: "slack" }));
    keep(await browser.post("/console/connect", { token, platform: sent }));
    keep(await browser.post(`${connections[0]}/revoke`, { token, confirmed: sent }));
    keep(await browser.post(`/console/connections/${sent}/reconnect`, { token }));
    keep(await browser.raw("/console/connect", sent, { "content-type": "text/plain" }));
  }
  const made = keep(await browser.post("/console/connect", { token, platform: "slack", owner: "canary" }));
  const link = /\blink=([\w-]+)/.exec(made.text)?.[1];
  if (link === undefined) throw new Error(`the console made no link but answered ${made.status}`);
  canaries.add("install link", link);
}
