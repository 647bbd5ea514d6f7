import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Actor, type GetTokenRequestSchema } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Seconds } from "../call-options.ts";
import type { Actor as ActorName, Narrowing, Selector } from "../token-client.ts";

export type TokenRequest = MessageInitShape<typeof GetTokenRequestSchema>;

const actors: Readonly<Record<ActorName, Actor>> = {
  ACTOR_UNSPECIFIED: Actor.UNSPECIFIED,
  ACTOR_APP: Actor.APP,
  ACTOR_USER: Actor.USER,
};

/** GetToken's request. @throws TypeError for what it cannot say. */
export function toRequest(selector: Selector, rejectedTokenId: string | undefined): TokenRequest {
  const { actor, minTtl, github, repositoryIds, repositories, permissions, rejectedTokenId: _, ...names } = selector;
  if (actor !== undefined && !(actor in actors)) throw new TypeError(`no actor is called ${String(actor)}`);
  const narrowed = narrowing({ repositoryIds, repositories, permissions });
  return {
    ...names,
    ...narrowed,
    ...(actor === undefined ? {} : { actor: actors[actor] }),
    ...(minTtl === undefined ? {} : { minTtl: durationFromMs(toMs(minTtl)) }),
    ...(github === undefined ? {} : { github: narrowing(github) }),
    ...(rejectedTokenId === undefined ? {} : { rejectedTokenId }),
  };
}

/** Whether it asks for less than was granted. */
export function isNarrowed({ github, repositoryIds, repositories, permissions }: Selector): boolean {
  return [github, repositoryIds, repositories, permissions].some((part) => part !== undefined);
}

/** The same for selectors that ask for the same. */
export function keyOf(selector: Selector): string {
  const { github, repositoryIds, repositories, permissions } = selector;
  return JSON.stringify([
    ...[selector.platform, selector.installationId, selector.externalOrgId, selector.externalInstallId],
    ...[selector.owner, selector.actor, selector.externalUserId, selector.minTtl],
    isNarrowed(selector) ? [shape({ repositoryIds, repositories, permissions }), shape(github ?? {})] : null,
  ]);
}

/** Whole milliseconds: a fraction of one is what floating point left over. @throws TypeError */
export function toMs(seconds: Seconds): number {
  const value = typeof seconds === "string" ? Number(/^(\d+(?:\.\d+)?)s$/.exec(seconds)?.[1]) : seconds;
  if (!(value >= 0 && value < Number.MAX_SAFE_INTEGER / 1000)) {
    throw new TypeError(`not a number of seconds: ${String(seconds)}`);
  }
  return Math.round(value * 1000);
}

type Given = { readonly [Part in keyof Narrowing]: Narrowing[Part] | undefined };

function narrowing({ repositoryIds, repositories, permissions }: Given) {
  return {
    ...(repositoryIds === undefined ? {} : { repositoryIds: repositoryIds.map(BigInt) }),
    ...(repositories === undefined ? {} : { repositories: [...repositories] }),
    ...(permissions === undefined ? {} : { permissions: { ...permissions } }),
  };
}

function shape({ repositoryIds, repositories, permissions }: Given): unknown {
  return [
    repositoryIds?.map(String).sort(),
    repositories?.toSorted(),
    permissions && Object.entries(permissions).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
}
