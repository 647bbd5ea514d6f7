import { pause } from "./pause.ts";

const againMs = 1_000;
/** A request that the popup has sent is there by then, if it ever is. */
const tries = 8;

/**
 * Tells the service that the popup seems closed, until it has taken that, or the signal aborts; what then becomes of
 * the flow it says itself. False: it knows of no such flow, so that the popup never came there.
 */
export async function closedReport(flow: string, signal: AbortSignal): Promise<boolean> {
  for (let unknown = 0; unknown < tries; await pause(againMs, signal)) {
    const status = await send(`${flow}/closed`);
    if (status === 404) unknown++;
    else if (status !== undefined && status < 500 && status !== 429) return true;
    if (signal.aborted) return true;
  }
  return false;
}

/** Without a body and a type of one: nothing that a browser would ask permission for first. */
function send(address: string): Promise<number | undefined> {
  return fetch(address, { method: "POST", credentials: "omit", keepalive: true }).then(
    ({ status }) => status,
    () => undefined,
  );
}
