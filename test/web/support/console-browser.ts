import { type Answer, ask } from "./http.ts";

/** A browser as far as the console needs one: cookies, and the headers by which browsers say where a form was. */
export interface ConsoleBrowser {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Sends the form that a page has for this action, filled in. Headers that are empty are left out. */
  send(
    page: Answer,
    action: string,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  /** A body as it is. */
  raw(path: string, body: string, headers: Record<string, string>): Promise<Answer>;
  request(path: string, method: string): Promise<Answer>;
  /** Signed in, and shown the first page. */
  signIn(key: string): Promise<Answer>;
}

export function createConsoleBrowser(port: number): ConsoleBrowser {
  const cookies = new Map<string, string>();
  const host = `localhost:${port}`;

  async function request(path: string, method: string, headers: Record<string, string>, body?: string) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const all = { host, ...(cookie === "" ? {} : { cookie }), ...headers };
    const answer = await ask(port, path, { method, headers: all, ...(body === undefined ? {} : { body }) });
    for (const line of answer.setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  const browser: ConsoleBrowser = {
    cookies,
    request: (path, method) => request(path, method, {}),
    get: (path, headers = {}) => request(path, "GET", { "sec-fetch-site": "none", ...headers }),
    post: (path, fields, headers) => browser.raw(path, new URLSearchParams(fields).toString(), headers ?? {}),
    raw: (path, body, headers) => {
      const own = { origin: `http://${host}`, "sec-fetch-site": "same-origin" };
      const type = "application/x-www-form-urlencoded";
      const all = { "content-type": type, "content-length": String(Buffer.byteLength(body)), ...own, ...headers };
      // What is empty is not sent at all.
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
      return request(path, "POST", given, body);
    },
    send: (page, action, fields = {}, headers = {}) =>
      browser.post(action, { ...hiddenFields(page.text, action), ...fields }, headers),
    async signIn(key) {
      const signedIn = await browser.send(await browser.get("/console"), "/console/sign-in", { key });
      if (signedIn.status !== 303) throw new Error(`signing in was answered with ${signedIn.status}`);
      return browser.get(signedIn.headers.location ?? "", { "sec-fetch-site": "same-origin" });
    },
  };
  return browser;
}

/** What the form with this action sends along. */
export function hiddenFields(page: string, action: string): Record<string, string> {
  const form = page.split(`<form method="post" action="${action}">`)[1]?.split("</form>")[0];
  if (form === undefined) throw new Error(`the page has no form for ${action}`);
  const inputs = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...inputs].map(([, name = "", value = ""]) => [name, value.replaceAll("&amp;", "&")]));
}
