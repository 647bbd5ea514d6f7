/** Whether what is sent is used up by sending it, such as a stream: it cannot be sent again. */
export function isReadOnce(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  return body instanceof ReadableStream || Symbol.asyncIterator in body;
}
