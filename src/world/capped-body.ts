/** A body that is longer than anybody has a use for. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
  /** As the errors of the system have one. */
  readonly code = "answer_too_large";
}

/** The same response, whose body fails with `BodyTooLarge` after that many bytes, counted after decompression. */
export function cappedBody(response: Response, maxBytes: number): Response {
  if (response.body === null) return response;
  let left = maxBytes;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      left -= chunk.byteLength;
      if (left < 0) controller.error(new BodyTooLarge("the body is too large"));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
}
