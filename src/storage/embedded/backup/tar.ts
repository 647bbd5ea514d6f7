const blockBytes = 512;

/** A file or folder of an archive. Names have at most 100 bytes, files less than 8 GiB. */
export interface TarEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
  readonly bytes: number;
  /** Exactly so many bytes; of a folder none. */
  readonly body: AsyncIterable<Buffer>;
}

/** An archive (POSIX ustar) of entries, in their order. */
export async function* packTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Buffer, undefined> {
  for await (const entry of entries) {
    yield header(entry);
    yield* entry.body;
    yield Buffer.alloc(-entry.bytes & (blockBytes - 1));
  }
  yield Buffer.alloc(2 * blockBytes);
}

/**
 * The entries of an archive, each while it is passed; what is left of its body is skipped.
 * @throws NotAnArchive if it is none, or is cut off.
 */
export async function* unpackTar(archive: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, undefined> {
  const bytes = createByteReader(archive);
  try {
    for (;;) {
      const block = await bytes.take(blockBytes);
      // To the very end, which is where a compressed one is checked.
      if (block.every((byte) => byte === 0)) return await bytes.drain();
      const { name, kind, length } = readHeader(block);
      const body = bytes.pass(length);
      yield { name, kind, bytes: length, body };
      for await (const _rest of body) {
        // Whoever had the entry did not want it.
      }
      await bytes.take(-length & (blockBytes - 1));
    }
  } finally {
    await bytes.end();
  }
}

/** What is left of a body. */
export async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part);
  // One is not copied.
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

export class NotAnArchive extends Error {}

function header({ name, kind, bytes }: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes);
  if (Buffer.byteLength(name) > 100) throw new Error(`too long a name for the archive: ${name}`);
  const folder = kind === "folder";
  block.write(name, 0, "utf8");
  block.write(folder ? "0000700" : "0000600", 100, "latin1");
  block.write("0000000", 108, "latin1");
  block.write("0000000", 116, "latin1");
  block.write(bytes.toString(8).padStart(11, "0"), 124, "latin1");
  block.write("00000000000", 136, "latin1");
  block.write(folder ? "5" : "0", 156, "latin1");
  block.write("ustar\0" + "00", 257, "latin1");
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function readHeader(block: Buffer): { name: string; kind: TarEntry["kind"]; length: number } {
  const text = (from: number, to: number) => block.toString("utf8", from, to).replace(/[\0 ].*$/s, "");
  const type = text(156, 157);
  const length = Number.parseInt(text(124, 136), 8);
  const isOurs = (type === "0" || type === "5") && Number.parseInt(text(148, 156), 8) === checksum(block);
  if (!isOurs || !Number.isSafeInteger(length)) throw new NotAnArchive("no header of an entry is where one should be");
  const kind = type === "5" ? "folder" : "file";
  return { name: text(0, 100), kind, length };
}

/** Of a header whose own checksum counts as spaces. */
function checksum(block: Buffer): number {
  return block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

interface ByteReader {
  take(bytes: number): Promise<Buffer>;
  /** The next so many bytes, as they come. */
  pass(bytes: number): AsyncGenerator<Buffer, undefined>;
  drain(): Promise<undefined>;
  end(): Promise<void>;
}

function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let ahead: Buffer = Buffer.alloc(0);

  async function next(most: number): Promise<Buffer> {
    while (ahead.length === 0) {
      const { value, done } = await chunks.next();
      if (done === true) throw new NotAnArchive("it ends in the middle");
      ahead = value;
    }
    const part = ahead.subarray(0, most);
    ahead = ahead.subarray(part.length);
    return part;
  }
  async function* pass(bytes: number): AsyncGenerator<Buffer, undefined> {
    for (let left = bytes; left > 0; ) {
      const part = await next(left);
      left -= part.length;
      yield part;
    }
  }
  return {
    async take(bytes) {
      const parts: Buffer[] = [];
      for await (const part of pass(bytes)) parts.push(part);
      return Buffer.concat(parts, bytes);
    },
    pass,
    async drain() {
      while ((await chunks.next()).done !== true);
      return undefined;
    },
    async end() {
      await chunks.return?.();
    },
  };
}
