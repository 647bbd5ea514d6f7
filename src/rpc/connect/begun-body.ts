import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

/**
 * The same answer once its first piece is there: connect reads the request of a stream when its answer is read. Whoever
 * ends the answer ends what makes it.
 */
export async function begun(answer: UniversalServerResponse): Promise<UniversalServerResponse> {
  const pieces = answer.body?.[Symbol.asyncIterator]();
  if (pieces === undefined) return answer;
  const first = await pieces.next();
  return { ...answer, body: goingOn(first, pieces) };
}

async function* goingOn(
  first: IteratorResult<Uint8Array>,
  pieces: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let piece = first; piece.done !== true; piece = await pieces.next()) yield piece.value;
  } finally {
    await pieces.return?.();
  }
}
