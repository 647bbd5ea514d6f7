import { setTimeout as delay } from "node:timers/promises";
import type { GetTokenResponse } from "../gen/oauth/token/v1/token_service_pb.js";
import type { Grant, PlatformName } from "./grants.ts";
import { ask } from "./load.ts";
import type { Stage } from "./stage.ts";

/** A grant that no longer works, and why. */
export interface LostGrant {
  readonly grant: Grant;
  /** The last refusal. */
  readonly reason: string;
}

/** Long enough for the lease of a holder that was killed last, and for a back-off after it. */
const proofMs = 45_000;

/** What each platform answers to the holder of a token. */
const ownApi: Record<PlatformName, string> = {
  jira: "/rest/api/3/myself",
  "github-oauth": "/user",
  slack: "/auth.test",
};

/**
 * Makes every grant rotate once more and shows the new token to its platform. A grant that cannot within 45 s, or whose
 * token the platform does not take, is lost.
 */
export async function proveGrants(stage: Stage): Promise<readonly LostGrant[]> {
  const waiting = [...stage.grants];
  const lost: LostGrant[] = [];
  const work = async () => {
    for (let grant = waiting.shift(); grant !== undefined; grant = waiting.shift()) {
      const reason = await whyLost(stage, grant);
      if (reason !== undefined) lost.push({ grant, reason });
    }
  };
  // As many as may wait for a lease together.
  await Promise.all(Array.from({ length: 60 }, work));
  return lost;
}

async function whyLost(stage: Stage, grant: Grant): Promise<string | undefined> {
  const giveUpAt = performance.now() + proofMs;
  let known: string | undefined;
  let last = "no answer";
  for (let turn = 0; performance.now() < giveUpAt; turn++) {
    const client = stage.clients[turn % stage.clients.length];
    if (client === undefined) break;
    const outcome = await ask(client, grant, known === undefined ? {} : { rejectedTokenId: known });
    if (outcome.kind === "answered") {
      const { tokenId } = outcome.response;
      if (known !== undefined && tokenId !== known) return refusedByPlatform(grant, outcome.response);
      known = tokenId;
      continue;
    }
    last = outcome.kind === "refused" ? outcome.reason : "no replica";
    if (last === "REAUTHORIZATION_REQUIRED" || last === "INSTALLATION_REVOKED") return last;
    await delay(200);
  }
  return last;
}

async function refusedByPlatform({ platform }: Grant, token: GetTokenResponse): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${token.accessToken}`, "user-agent": "chaos" };
  const reply = await fetch(token.apiBaseUrl + ownApi[platform], { headers });
  const body: unknown = await reply.json();
  // Slack says no with status 200.
  const refused = typeof body === "object" && body !== null && "ok" in body && body.ok === false;
  return reply.ok && !refused ? undefined : `${platform} does not take its token`;
}
