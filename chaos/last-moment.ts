import { setTimeout as delay } from "node:timers/promises";
import { TokenService } from "../gen/oauth/token/v1/token_service_pb.js";
import { connectGrant, type Grant } from "./grants.ts";
import { ask } from "./load.ts";
import type { Stage } from "./stage.ts";

/** What people asked for right before a database died: what they were told was done must be done. */
export interface LastMoment {
  /** Undefined: they were not told that it is connected. */
  readonly connected: Grant | undefined;
  readonly revoked: Grant;
  /** Milliseconds for which another replica served the revoked one after the answer. */
  readonly servedMs: number;
}

/** How long it is watched after a revocation whether the token is served. */
const watchedMs = 6_000;

/** A person connects as `owner`, and `doomed` is revoked, as often as it takes until that is answered. */
export async function playLastMoment(stage: Stage, owner: string, doomed: Grant): Promise<LastMoment> {
  const person = { platform: "jira", person: "alice", owner } as const;
  const connecting = connectGrant(stage.baseUrl, stage.sandbox, person).catch(() => undefined);
  const [servedMs, connected] = await Promise.all([revokeWhileServed(stage, doomed), connecting]);
  return { connected, revoked: doomed, servedMs };
}

async function revokeWhileServed({ clients }: Stage, grant: Grant): Promise<number> {
  const [revoker, server] = clients;
  if (revoker === undefined || server === undefined) throw new Error("two replicas are needed");
  const { installationId } = grant;
  let lastServedAt = 0;
  let isRefused = false;
  let answeredAt = Number.POSITIVE_INFINITY;
  const serving = (async () => {
    // A revocation that was lost is served for ever, and found at the end.
    while (!isRefused && performance.now() < answeredAt + watchedMs) {
      const answer = await ask(server, grant, { deadlineMs: 1_000 });
      if (answer.kind === "answered") lastServedAt = performance.now();
      isRefused = answer.kind === "refused" && answer.reason === "INSTALLATION_REVOKED";
      await delay(20);
    }
  })();
  const revoke = () => revoker.call(TokenService.method.revokeInstallation, { installationId, reason: "chaos" }, 5_000);
  while ((await revoke()).kind !== "answered") await delay(50);
  answeredAt = performance.now();
  await serving;
  return Math.max(lastServedAt - answeredAt, 0);
}

/** Of grants that were revoked, those that a replica serves. */
export async function findServed({ clients }: Stage, grants: readonly Grant[]): Promise<readonly Grant[]> {
  const served: Grant[] = [];
  for (const grant of grants) {
    for (const client of clients) {
      const answer = await ask(client, grant);
      if (answer.kind !== "refused" || answer.reason !== "INSTALLATION_REVOKED") served.push(grant);
    }
  }
  return served;
}
