// HTTP/2 as bytes (RFC 9113, RFC 7541), for clients that behave as no library lets them, or cost less than any.

/** What every connection begins with: the preface and empty SETTINGS. */
export const opening = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);

export const settingsAck = frame(4, 1, 0);

export const frameTypes = { data: 0, headers: 1, resetStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
/** The same bit says of SETTINGS and PING that they answer one. */
export const flags = { endStream: 1, ack: 1, endHeaders: 4 };

const endHeaders = flags.endHeaders;
const cancel = 8;

/** HEADERS of a gRPC call and a RST_STREAM right behind it, `count` times, on streams from `first` on. */
export function resetStreams(path: string, first: number, count: number, code = cancel): Buffer {
  const block = headerBlock(path, undefined);
  const why = Buffer.from([0, 0, 0, code]);
  const frames = Array.from({ length: count }, (_, n) => {
    const stream = first + 2 * n;
    return Buffer.concat([frame(1, endHeaders, stream, block), frame(3, 0, stream, why)]);
  });
  return Buffer.concat(frames);
}

export function frame(type: number, withFlags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(withFlags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Of a gRPC call. Refers to the static table only, so that the same bytes do for every stream. */
export function headerBlock(path: string, authorization: string | undefined): Buffer {
  const own = authorization === undefined ? [] : [Buffer.from([0x0f, 0x08]), text(authorization)];
  return Buffer.concat([
    // `:method: POST`, `:scheme: http`, then `:path`, `:authority` and `content-type` by the names of the table.
    Buffer.from([0x83, 0x86, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text("localhost"),
    Buffer.from([0x0f, 0x10]),
    text("application/grpc"),
    Buffer.from([0x00]),
    text("te"),
    text("trailers"),
    ...own,
  ]);
}

/** A string as it is, behind its length (RFC 7541, sections 5.1 and 5.2). */
function text(value: string): Buffer {
  const { length } = value;
  if (length < 127) return Buffer.concat([Buffer.from([length]), Buffer.from(value)]);
  if (length >= 127 + 128) throw new Error("a header is too long");
  return Buffer.concat([Buffer.from([127, length - 127]), Buffer.from(value)]);
}
