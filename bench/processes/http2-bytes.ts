// HTTP/2 as bytes (RFC 9113, RFC 7541), for clients that behave as no library lets them.

/** What every connection begins with: the preface and empty SETTINGS. */
export const opening = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);

export const settingsAck = frame(4, 1, 0);

const endHeaders = 4;
const cancel = Buffer.from([0, 0, 0, 8]);

/** HEADERS of a gRPC call and a RST_STREAM right behind it, `count` times, on streams from `first` on. */
export function resetStreams(path: string, first: number, count: number): Buffer {
  const block = headerBlock(path);
  const frames = Array.from({ length: count }, (_, n) => {
    const stream = first + 2 * n;
    return Buffer.concat([frame(1, endHeaders, stream, block), frame(3, 0, stream, cancel)]);
  });
  return Buffer.concat(frames);
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Refers to the static table only, so that the same bytes do for every stream. */
function headerBlock(path: string): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
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
  ]);
}
