import { ServiceError } from "../../errors.ts";
import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import type { Call } from "../model/call.ts";
import type { LinkTail } from "./link-tail.ts";
import type { LinkDesk, LinkStanding } from "./poll-link.ts";

/**
 * How a link stands, as it changes; ends with the first that is not pending. What is connected is handed over once, to
 * this or to a poll.
 * @throws ServiceError INVALID_REQUEST for a code and a secret that do not belong together; otherwise as GetToken does.
 */
export type WatchLink = (
  request: { readonly code: string; readonly pollSecret: Secret },
  call: Call,
  signal: AbortSignal,
) => AsyncIterable<LinkStanding>;

/** After so long without a word, one that it goes on. */
const silenceMs = 30_000;

export function createWatchLink(parts: {
  readonly desk: LinkDesk;
  readonly tail: LinkTail;
  readonly world: Pick<World, "now">;
}): WatchLink {
  const { desk, tail, world } = parts;

  return async function* ({ code, pollSecret }, call, signal) {
    const { address, requestId, method } = call;
    let spokenAt = Number.NEGATIVE_INFINITY;
    for (;;) {
      const link = await desk.find(code, pollSecret);
      if (link === undefined || !call.access.sees(link.product, link.owner)) throw notYours();
      const standing = await desk.settle(link, { address, requestId }, method, signal);
      if (standing.kind !== "pending") {
        yield standing;
        return;
      }
      if (performance.now() - spokenAt >= silenceMs) {
        yield standing;
        spokenAt = performance.now();
      }
      const leftMs = link.expiresAt.getTime() - world.now().getTime();
      await tail.wait(link.id, Math.max(1, Math.min(leftMs, spokenAt + silenceMs - performance.now())), signal);
    }
  };
}

function notYours(): ServiceError {
  const description = "is no code that belongs with this poll_secret, or ended long ago";
  return new ServiceError("INVALID_REQUEST", `link_code: ${description}`, {
    violations: [{ field: "link_code", description }],
  });
}
