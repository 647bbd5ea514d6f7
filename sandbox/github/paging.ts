import type { Request } from "express";

const defaultPerPage = 30;
const maxPerPage = 100;

/** One page by `per_page` (30, at most 100) and `page`, with the `Link` header that leads to the next. */
export function page<T>(
  all: readonly T[],
  request: Request,
): { readonly items: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
  const url = new URL(request.originalUrl, `http://${request.get("host") ?? "localhost"}`);
  const perPage = Math.min(positive(url.searchParams.get("per_page")) ?? defaultPerPage, maxPerPage);
  const number = positive(url.searchParams.get("page")) ?? 1;
  const end = number * perPage;
  const headers: Record<string, string> = {};
  if (end < all.length) {
    url.searchParams.set("page", String(number + 1));
    headers.link = `<${url.href}>; rel="next"`;
  }
  return { items: all.slice(end - perPage, end), headers };
}

function positive(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}
