import type { Target } from "./target.ts";
import { learnFromUrl } from "./wire-tap.ts";

/** Someone at a browser who keeps every page, header and redirect that the service answers with. */
export interface Person {
  /** One request to the service, or to a platform. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Visit>;
  /** Sends the form of a page of the service, with what the person adds. */
  submit(page: Visit, fields?: Readonly<Record<string, string>>): Promise<Visit>;
  /** Follows redirects to the end. `stopAt`: an address in which this is found is not visited. */
  go(url: string, options?: { readonly json?: boolean; readonly stopAt?: string }): Promise<Visit>;
}

export interface Visit {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  /** Where the browser would go next. */
  readonly next: string | undefined;
  /** Where a page sends it by itself. */
  readonly onward: string | undefined;
}

export function createPerson({ publicUrl, taps, outputs, canaries }: Target): Person {
  const cookies = new Map<string, string>();
  const platforms = Object.values(taps).map(({ url }) => url);

  const get = (url: string, headers: Readonly<Record<string, string>> = {}) => visit(url, headers);

  async function visit(
    url: string,
    headers: Readonly<Record<string, string>>,
    form?: Pick<RequestInit, "method" | "body">,
  ): Promise<Visit> {
    const address = new URL(url, publicUrl);
    const ours = address.port === new URL(publicUrl).port;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(address, {
      ...form,
      redirect: "manual",
      headers: { accept: "text/html", connection: "close", ...(ours ? { cookie } : {}), ...headers },
    });
    const text = await response.text();
    const location = response.headers.get("location") ?? undefined;
    const next = location === undefined ? undefined : new URL(location, address).href;
    const onward = /^0;url=(.*)$/.exec(response.headers.get("refresh") ?? "")?.[1];
    learnFromUrl(canaries, next ?? onward);
    for (const line of response.headers.getSetCookie()) bake(line);
    if (ours) keep(response.headers, next, text);
    return { url: address.href, status: response.status, text, next, onward };
  }

  function bake(line: string): void {
    const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=");
    canaries.add("browser binding", value);
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }

  /** Two headers have to hold a secret: the cookie itself, and where the browser is sent with a state. So do forms. */
  function keep(headers: Headers, next: string | undefined, text: string): void {
    const sent =
      next !== undefined && (platforms.some((url) => next.startsWith(url)) || next.includes("at_base_url=1"));
    const holding = new Set(["set-cookie", "refresh", ...(sent ? ["location"] : [])]);
    const kept = [...headers].filter(([name]) => !holding.has(name));
    const names = headers.getSetCookie().map((line) => line.replace(/=[^;]*/, ""));
    outputs.push({ where: "a header of the public listener", text: JSON.stringify([...kept, ...names]) });
    const links = headers.has("refresh") ? / href="[^"]*"/g : /$^/g;
    outputs.push({ where: "a page", text: text.replaceAll(/<input [^>]*>/g, "").replaceAll(links, "") });
  }

  return {
    get,
    submit({ url, text }, fields = {}) {
      const inputs = [...text.matchAll(/<input [^>]*name="([^"]*)" value="([^"]*)"/g)];
      const shown = Object.fromEntries(inputs.map(([, name = "", value = ""]) => [name, value]));
      return visit(new URL(url).pathname, {}, { method: "POST", body: new URLSearchParams({ ...shown, ...fields }) });
    },
    async go(url, { json = false, stopAt } = {}) {
      let visit = await get(url, json ? { accept: "application/json" } : {});
      for (let hops = 0; visit.next !== undefined && hops < 20; hops++) {
        if (stopAt !== undefined && visit.next.includes(stopAt)) return visit;
        visit = await get(visit.next, json ? { accept: "application/json" } : {});
      }
      return visit;
    },
  };
}
