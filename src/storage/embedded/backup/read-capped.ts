import type { FileHandle } from "node:fs/promises";

const chunkBytes = 256 * 1024;

/** So many bytes of a file that may change meanwhile: what it grows by is left out, what it shrinks by is zeros. */
export async function* readCapped(file: FileHandle, bytes: number): AsyncGenerator<Buffer, undefined> {
  for (let at = 0; at < bytes; ) {
    const wanted = Math.min(chunkBytes, bytes - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    const part = bytesRead === 0 ? Buffer.alloc(wanted) : buffer.subarray(0, bytesRead);
    at += part.length;
    yield part;
  }
}
