/** A browser as far as a redirect flow needs one: cookies by host (ports share them), redirects followed by hand. */
export interface Browser {
  /** Follows redirects to the end. */
  visit(url: string | URL, headers?: Record<string, string>): Promise<Visit>;
  /** One request, no redirect followed. */
  get(url: string | URL, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form; no redirect followed. */
  post(url: string | URL, fields: Readonly<Record<string, string>>): Promise<Response>;
  readonly cookies: ReadonlyMap<string, string>;
}

export interface Visit {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  /** Every URL on the way, the last included. */
  readonly path: readonly string[];
}

export function createBrowser(): Browser {
  const cookies = new Map<string, string>();

  async function ask(
    url: string | URL,
    headers: Record<string, string>,
    form?: Pick<RequestInit, "method" | "body">,
  ): Promise<Response> {
    const { hostname } = new URL(url);
    const mine = [...cookies].filter(([key]) => key.startsWith(`${hostname} `));
    const cookie = mine.map(([key, value]) => `${key.slice(hostname.length + 1)}=${value}`).join("; ");
    const response = await fetch(url, {
      ...form,
      redirect: "manual",
      headers: { accept: "text/html", ...headers, ...(cookie === "" ? {} : { cookie }) },
    });
    for (const line of response.headers.getSetCookie()) remember(hostname, line);
    return response;
  }

  const get = (url: string | URL, headers: Record<string, string> = {}) => ask(url, headers);

  function remember(hostname: string, line: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const key = `${hostname} ${pair.slice(0, at)}`;
    const expired = attributes.some((a) => /^max-age=0$/i.test(a) || /^expires=thu, 01 jan 1970/i.test(a));
    if (expired) cookies.delete(key);
    else cookies.set(key, pair.slice(at + 1));
  }

  return {
    cookies,
    get,
    // As browsers say it of a page that sends no referrer.
    post: (url, fields) => ask(url, { origin: "null" }, { method: "POST", body: new URLSearchParams(fields) }),
    async visit(start, headers) {
      const path: string[] = [];
      let url = new URL(start);
      for (let hops = 0; hops < 20; hops++) {
        path.push(url.href);
        const response = await get(url, headers);
        const location = response.headers.get("location");
        if (location === null || response.status < 300 || response.status >= 400) {
          return { url, status: response.status, text: await response.text(), path };
        }
        await response.body?.cancel();
        url = new URL(location, url);
      }
      throw new Error(`too many redirects: ${path.join(" → ")}`);
    },
  };
}
