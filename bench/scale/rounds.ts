import { setTimeout as delay } from "node:timers/promises";
import type { HeldService } from "./jobs.ts";

/** What is asked of the record. */
const lists = {
  "events of the record, the latest": {},
  "events of one caller": { caller: "caller-3" },
  "events of one kind": { kind: "installation.revoked" },
  "events of one caller and kind": { caller: "caller-3", kind: "installation.revoked" },
};

/** Everything that runs by itself, and what is looked at from outside again and again. */
export function roundsOf({ jobs, url }: HeldService): readonly (readonly [name: string, () => Promise<unknown>])[] {
  return [
    ["gauges of what is stored", () => readGauges(url)],
    ["health", () => fetch(`${url}/health?full=1`)],
    ...Object.entries(lists).map(([name, filter]) => [name, () => listEvents(url, filter)] as const),
    ...jobs,
  ];
}

/** As often as a scraper would, until all was counted. */
async function readGauges(url: string): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    if (/^oauth_token_service_statistics_up 1$/m.test(text)) return;
    await delay(500);
  }
}

async function listEvents(url: string, filter: object): Promise<void> {
  const answer = await fetch(`${url}/oauth.token.v1.TokenService/ListAuditEvents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...filter, page_size: 50 }),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 200)}`);
}
