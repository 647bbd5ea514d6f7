/**
 * A request target as a path and query (RFC 9112 section 3.2): the absolute form loses its authority. Undefined for
 * what names nothing here, such as `*`.
 */
export function requestTarget(target: string): string | undefined {
  if (target.startsWith("/")) return target;
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return undefined;
  const url = new URL(target);
  return url.pathname + url.search;
}
