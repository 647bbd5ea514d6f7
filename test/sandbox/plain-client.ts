/** What a browser sees: where it is sent next, or the page it stays on. */
export interface Visit {
  readonly status: number;
  readonly next: URL | undefined;
  readonly html: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON, otherwise the text. */
  readonly body: unknown;
}

export async function visit(url: string): Promise<Visit> {
  return look(await fetch(url, { redirect: "manual" }));
}

/** Where a visit leads; fails if it stays on the page. */
export async function follow(url: string): Promise<URLSearchParams> {
  const { next, status, html } = await visit(url);
  if (next === undefined) throw new Error(`stayed on a page (${status}): ${html}`);
  return next.searchParams;
}

/** Presses a button of the form on a page. */
export async function press(pageUrl: string, html: string, decision: "approve" | "deny"): Promise<Visit> {
  const action = /action="([^"]+)"/.exec(html)?.[1] ?? "";
  const body = new URLSearchParams({ decision });
  return look(await fetch(new URL(action, pageUrl), { method: "POST", body, redirect: "manual" }));
}

export async function call(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  const body: unknown = isJson && text !== "" ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

export function postForm(url: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  return call(url, { method: "POST", body: new URLSearchParams(fields), headers });
}

export function sendJson(method: string, url: string, body: unknown, headers: Record<string, string> = {}) {
  return call(url, {
    method,
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

export function get(url: string, token: string): Promise<Reply> {
  return call(url, { headers: { authorization: `Bearer ${token}` } });
}

/** A text field of an answer; fails if it is not there. */
export function text(reply: Reply, name: string): string {
  const body = reply.body;
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value !== "string") throw new Error(`no ${name} in ${JSON.stringify(body)}`);
  return value;
}

export function basic(name: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}` };
}

async function look(response: Response): Promise<Visit> {
  const location = response.headers.get("location");
  const html = await response.text();
  return { status: response.status, next: location === null ? undefined : new URL(location), html };
}
