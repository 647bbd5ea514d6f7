import { setTimeout as delay } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Actor, type GetTokenResponse, TokenService } from "../gen/oauth/token/v1/token_service_pb.js";
import type { RpcClient, RpcOutcome } from "../rig/rpc-client.ts";
import type { SeededRandom } from "../rig/seeded-random.ts";
import type { Grant } from "./grants.ts";
import { lag } from "./lag.ts";

/** How one GetToken ended. */
export interface Ask {
  readonly grant: Grant;
  readonly replica: number;
  /** When the answer came, on the clock of `performance.now()`. */
  readonly at: number;
  /** Of the call that gave the answer, not of those before it that found nobody. */
  readonly ms: number;
  /** Undefined: a token. */
  readonly failure: string | undefined;
  readonly tokenId: string | undefined;
  /** Milliseconds by which the token had ended before it was answered; 0 if it had not. */
  readonly expiredMs: number;
  /** The answer took longer than the caller's deadline. */
  readonly late: boolean;
}

/** The deadline that callers of the runs set. */
export const deadlineMs = 3_000;
/** A token that ends while its answer is on its way is not held against the service, nor is our own slowness. */
const travelMs = () => 150 + 2 * lag.recentMs();

/** Asks one replica for a grant's token. */
export async function ask(
  client: RpcClient,
  grant: Grant,
  options: { readonly rejectedTokenId?: string; readonly deadlineMs?: number } = {},
): Promise<RpcOutcome<GetTokenResponse>> {
  const request = {
    installationId: grant.installationId,
    ...(grant.externalUserId === undefined ? {} : { actor: Actor.USER, externalUserId: grant.externalUserId }),
    ...(options.rejectedTokenId === undefined ? {} : { rejectedTokenId: options.rejectedTokenId }),
  };
  return client.call(TokenService.method.getToken, request, options.deadlineMs ?? deadlineMs);
}

export interface Load {
  readonly asks: readonly Ask[];
  /** Ends when every call that is under way has its answer. */
  stop(): Promise<void>;
}

/** Every grant is asked for again and again, by a caller of its own, at any replica that listens. */
export function startLoad(options: {
  readonly clients: readonly RpcClient[];
  readonly grants: readonly Grant[];
  readonly random: SeededRandom;
  /** Between an answer and the next call, on average. */
  readonly pauseMs: number;
}): Load {
  const { clients, grants, random, pauseMs } = options;
  const asks: Ask[] = [];
  let stopped = false;

  async function caller(grant: Grant): Promise<void> {
    await delay(random.below(pauseMs));
    while (!stopped) {
      asks.push(await askAnyone(clients, grant, random.below(clients.length)));
      await delay(random.between(pauseMs / 2, pauseMs * 1.5));
    }
  }

  const callers = grants.map(caller);
  return {
    asks,
    async stop() {
      stopped = true;
      await Promise.all(callers);
    },
  };
}

/** Another replica is asked only where one does not listen, as every client's load balancer does. */
async function askAnyone(clients: readonly RpcClient[], grant: Grant, first: number): Promise<Ask> {
  let last: Ask | undefined;
  for (let i = 0; i < clients.length; i++) {
    const replica = (first + i) % clients.length;
    const client = clients[replica];
    if (client === undefined) break;
    const outcome = await ask(client, grant);
    last = toAsk(outcome, grant, replica);
    if (outcome.kind !== "no_connection") return last;
  }
  if (last === undefined) throw new Error("there is no replica");
  return last;
}

/** The outcome as it is counted. */
export function toAsk(outcome: RpcOutcome<GetTokenResponse>, grant: Grant, replica: number): Ask {
  const at = performance.now();
  const { ms } = outcome;
  const late = ms > deadlineMs + 100 + travelMs();
  const base = { grant, replica, at, ms, late, tokenId: undefined, expiredMs: 0 };
  switch (outcome.kind) {
    case "answered": {
      const { expireTime, tokenId } = outcome.response;
      const endedMs = expireTime === undefined ? 0 : Date.now() - timestampMs(expireTime);
      const expiredMs = Math.max(endedMs - Math.min(travelMs(), ms), 0);
      return { ...base, failure: undefined, tokenId, expiredMs };
    }
    case "refused":
      return { ...base, failure: outcome.reason };
    case "no_connection":
      return { ...base, failure: "no replica" };
  }
}
