/**
 * A generator of UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix time in milliseconds, then 74 random bits, so that
 * new rows land next to each other in the primary key.
 */
export function createUuid(now: () => Date, random: (bytes: number) => Buffer): () => string {
  return () => {
    const bytes = Buffer.alloc(16);
    bytes.writeUIntBE(now().getTime(), 0, 6);
    random(10).copy(bytes, 6);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the database would take `text` for a UUID. Anything else names no row. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
