/** Which trace a call belongs to (W3C Trace Context). */
export interface TraceContext {
  /** 32 lowercase hex digits. */
  readonly traceId: string;
  /** The caller's own span: 16 lowercase hex digits. */
  readonly spanId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
}

// ff is no version, and ids of nothing but zeros are none.
const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const length = 55;

/** Reads a `traceparent` header (W3C Trace Context section 3.2); undefined for whatever is not one. */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || !traceparent.test(header)) return undefined;
  // Later versions may append fields (section 3.2.4).
  if (header.length > length && (header.startsWith("00") || header[length] !== "-")) return undefined;
  const flags = Number.parseInt(header.slice(53, length), 16);
  return { traceId: header.slice(3, 35), spanId: header.slice(36, 52), sampled: (flags & 1) === 1 };
}
