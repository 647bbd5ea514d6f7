import { channel } from "node:diagnostics_channel";
import { constants, type Http2Session, type Http2Stream } from "node:http2";
import { fullBucket, type TokenBucket, takeToken } from "../../domain/access/rate-limiter.ts";
import type { Rate } from "../../domain/access/rule.ts";
import type { Log } from "../../world.ts";

export interface SessionGuard {
  close(): void;
}

/** Reset streams that one connection may have: a client that gives up on a hundred calls at once is no attacker. */
export const allowedResets: Rate = { perSecond: 10, burst: 100 };

/** A connection with more of them stays so long before it is closed: whoever is cut at once comes back at once. */
const heldMs = 1_000;

/**
 * Ends connections that open streams and reset them as fast as they can (CVE-2023-44487): with ENHANCE_YOUR_CALM, and
 * nothing more is read of them. Sees every HTTP/2 server of the process, and looks after the one that listens on `port`.
 */
export function guardSessions(port: number, log: Log): SessionGuard {
  /** Undefined: a session of another server, or one that is held already. */
  const buckets = new WeakMap<Http2Session, TokenBucket | undefined>();

  function bucketOf(session: Http2Session): TokenBucket | undefined {
    if (buckets.has(session)) return buckets.get(session);
    const bucket = session.socket?.localPort === port ? fullBucket(allowedResets, performance.now()) : undefined;
    buckets.set(session, bucket);
    return bucket;
  }

  function onClose(message: unknown): void {
    const { stream } = message as { readonly stream: Http2Stream };
    const { session, rstCode } = stream;
    // A reset may say that there is no error; then it is told from an end by what was still to be answered.
    if ((!rstCode && !stream.aborted) || session === undefined || session.destroyed) return;
    const bucket = bucketOf(session);
    if (bucket === undefined || takeToken(bucket, allowedResets, performance.now()) === 0) return;
    buckets.set(session, undefined);
    log.warn({ address: session.socket?.remoteAddress }, "grpc.too_many_resets");
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    if (stopReading(session)) setTimeout(() => session.destroy(), heldMs).unref();
    else session.destroy();
  }

  const closes = channel("http2.server.stream.close");
  closes.subscribe(onClose);
  return { close: () => void closes.unsubscribe(onClose) };
}

/** What a socket reads with, which Node does not show. False: it is not where this version has it. */
function stopReading({ socket }: Http2Session): boolean {
  const handle: unknown = socket === undefined ? undefined : Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null || !("readStop" in handle)) return false;
  if (typeof handle.readStop !== "function") return false;
  handle.readStop();
  return true;
}
