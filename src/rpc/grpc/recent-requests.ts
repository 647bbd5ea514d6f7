import { LRUCache } from "lru-cache";

/** Longer requests are narrowed ones, which are seldom the same. */
const maxBytes = 256;
const maxRequests = 2_000;

/**
 * The same reader, which knows again what it read lately: callers send the same few bytes for every token, and reading
 * them costs more than the rest of a warm call. What it returns is shared and must not be changed.
 */
export function rememberingRecent<Message extends object>(
  read: (bytes: Buffer) => Message,
): (bytes: Buffer) => Message {
  const recent = new LRUCache<string, Message>({ max: maxRequests });
  return (bytes) => {
    if (bytes.length > maxBytes) return read(bytes);
    const key = bytes.toString("latin1");
    const known = recent.get(key);
    if (known !== undefined) return known;
    const message = read(bytes);
    recent.set(key, message);
    return message;
  };
}
