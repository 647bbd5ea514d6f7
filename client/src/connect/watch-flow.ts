import { pause } from "./pause.ts";
import type { FlowReport } from "./statuses.ts";

const firstPauseMs = 1_000;
/** What is abandoned is known ten seconds after it was said to be closed, and is heard within fifteen. */
const longestPauseMs = 4_000;
/** Looks beside a stream that speaks: one that died on the way says nothing of it. */
const besideStreamMs = 15_000;
/** The service holds a request for a flow that has not begun; this is longer. */
const lookMs = 20_000;

/** What is known of a flow: `unknown` to the service, or `unreachable` for as long as it does not answer. */
export type Heard = FlowReport | "unknown" | "unreachable";

/** Follows a flow at the service until the signal ends it: by its stream, and by looks that do without. */
export async function watchFlow(url: string, hear: (heard: Heard) => void, signal: AbortSignal): Promise<void> {
  const streamSpeaks = openStream(url, hear, signal);
  let lookedAt = Date.now();
  let pauseMs = firstPauseMs;
  for (;;) {
    await pause(pauseMs, signal);
    if (signal.aborted) return;
    if (streamSpeaks() && Date.now() - lookedAt < besideStreamMs) continue;
    await Promise.race([look(url, signal), pause(lookMs, signal)]).then((heard) => hear(heard ?? "unreachable"));
    lookedAt = Date.now();
    pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
  }
}

/** The browser itself connects again. */
function openStream(url: string, hear: (report: FlowReport) => void, signal: AbortSignal): () => boolean {
  const stream = new EventSource(url);
  let spoke = false;
  stream.onmessage = ({ data }) => {
    spoke = true;
    hear(JSON.parse(data));
  };
  stream.onerror = () => {
    spoke = false;
  };
  signal.addEventListener("abort", () => stream.close());
  return () => spoke;
}

async function look(url: string, signal: AbortSignal): Promise<Heard> {
  try {
    const headers = { accept: "application/json" };
    const response = await fetch(url, { headers, credentials: "omit", cache: "no-store", signal });
    if (response.ok) return await response.json();
    return response.status === 404 ? "unknown" : "unreachable";
  } catch {
    return "unreachable";
  }
}
