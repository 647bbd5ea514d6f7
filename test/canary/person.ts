import type { Target } from "./target.ts";
import { learnFromUrl } from "./wire-tap.ts";

/** Someone at a browser who keeps every page, header and redirect that the service answers with. */
export interface Person {
  /** One request to the service, or to a platform. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Visit>;
  /** Follows redirects to the end. `stopAt`: an address in which this is found is not visited. */
  go(url: string, options?: { readonly json?: boolean; readonly stopAt?: string }): Promise<Visit>;
}

export interface Visit {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  /** Where the browser would go next. */
  readonly next: string | undefined;
}

export function createPerson({ publicUrl, taps, outputs, canaries }: Target): Person {
  const cookies = new Map<string, string>();
  const platforms = Object.values(taps).map(({ url }) => url);

  async function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Visit> {
    const address = new URL(url, publicUrl);
    const ours = address.port === new URL(publicUrl).port;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(address, {
      redirect: "manual",
      headers: { accept: "text/html", connection: "close", ...(ours ? { cookie } : {}), ...headers },
    });
    const text = await response.text();
    const location = response.headers.get("location") ?? undefined;
    const next = location === undefined ? undefined : new URL(location, address).href;
    learnFromUrl(canaries, next);
    for (const line of response.headers.getSetCookie()) bake(line);
    if (ours) keep(response.headers, next, text);
    return { url: address.href, status: response.status, text, next };
  }

  function bake(line: string): void {
    const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=");
    canaries.add("browser binding", value);
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }

  /** Two headers have to hold a secret: the cookie itself, and where the browser is sent with a state. */
  function keep(headers: Headers, next: string | undefined, text: string): void {
    const sent =
      next !== undefined && (platforms.some((url) => next.startsWith(url)) || next.includes("at_base_url=1"));
    const kept = [...headers].filter(([name]) => name !== "set-cookie" && !(sent && name === "location"));
    const names = headers.getSetCookie().map((line) => line.replace(/=[^;]*/, ""));
    outputs.push({ where: "a header of the public listener", text: JSON.stringify([...kept, ...names]) });
    outputs.push({ where: "a page", text });
  }

  return {
    get,
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
