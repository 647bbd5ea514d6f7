import { channel } from "node:diagnostics_channel";
import { constants, type Http2Session, type Http2Stream } from "node:http2";
import { fullBucket, type TokenBucket, takeToken } from "../../domain/access/rate-limiter.ts";
import type { Rate } from "../../domain/access/rule.ts";
import type { Log } from "../../world.ts";

export interface SessionGuard {
  close(): void;
}

/** Reset streams that one connection may have: a client that gives up on a hundred calls at once is no attacker. */
const allowedResets: Rate = { perSecond: 10, burst: 100 };

/**
 * Cuts connections that open streams and reset them as fast as they can (CVE-2023-44487), with ENHANCE_YOUR_CALM. Sees
 * every HTTP/2 server of the process, and looks after the one that listens on `port`.
 */
export function guardSessions(port: number, log: Log): SessionGuard {
  /** Undefined: a session of another server. */
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
    if (!rstCode || session === undefined || session.destroyed) return;
    const bucket = bucketOf(session);
    if (bucket === undefined || takeToken(bucket, allowedResets, performance.now()) === 0) return;
    log.warn({ address: session.socket?.remoteAddress }, "grpc.too_many_resets");
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    session.destroy();
  }

  const closes = channel("http2.server.stream.close");
  closes.subscribe(onClose);
  return { close: () => void closes.unsubscribe(onClose) };
}
