/** The query as it was sent, without its question mark. */
export function rawQuery(request: { readonly originalUrl: string }): string {
  const start = request.originalUrl.indexOf("?");
  return start === -1 ? "" : request.originalUrl.slice(start + 1);
}

/** The query; undefined if its percent-encoding is incomplete or not UTF-8. */
export function readQuery(request: { readonly originalUrl: string }): URLSearchParams | undefined {
  const raw = rawQuery(request);
  return isPercentEncoded(raw) ? new URLSearchParams(raw) : undefined;
}

/** Whether a parameter is there more than once, which OAuth forbids (RFC 6749 section 3.1). */
export function hasRepeated(query: URLSearchParams): boolean {
  return new Set(query.keys()).size < query.size;
}

function isPercentEncoded(raw: string): boolean {
  try {
    decodeURIComponent(raw);
    return true;
  } catch {
    return false;
  }
}
