import type { Browser } from "../../../rig/browser.ts";
import type { Replica } from "../../support/service.ts";

/** Where the routes are. */
type Site = Pick<Replica, "publicUrl">;

/** What `POST /v1/link-code` answers. */
export interface StartedCode {
  readonly link_code: string;
  readonly poll_secret: string;
  readonly verification_url: string;
  readonly verification_url_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

export interface JsonReply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** A request as a program without a browser sends it. */
export async function ask(
  replica: Site,
  path: string,
  { bearer, ...init }: RequestInit & { readonly bearer?: string } = {},
): Promise<JsonReply> {
  const headers = {
    ...(init.body !== undefined && { "content-type": "application/json" }),
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    ...(init.headers as Record<string, string> | undefined),
  };
  const response = await fetch(new URL(path, replica.publicUrl), { ...init, headers });
  return { status: response.status, body: (await response.json()) as JsonReply["body"], headers: response.headers };
}

/** @throws Error if it is refused. */
export async function startCode(replica: Site, request: Record<string, unknown>): Promise<StartedCode> {
  const { status, body } = await ask(replica, "/v1/link-code", { method: "POST", body: JSON.stringify(request) });
  if (status !== 200) throw new Error(`no link code but ${status} ${JSON.stringify(body)}`);
  return body as unknown as StartedCode;
}

export function poll(replica: Site, { link_code, poll_secret }: StartedCode): Promise<JsonReply> {
  return ask(replica, `/v1/poll/${link_code}`, { bearer: poll_secret });
}

/** What a person at a browser sees and sends at the link page of a replica. */
export interface ShownPage {
  readonly status: number;
  readonly text: string;
  /** Where the browser goes on to by itself. */
  readonly onward: string | undefined;
  /** Sends the page's form, with what the person adds. */
  send(fields?: Readonly<Record<string, string>>): Promise<ShownPage>;
}

export async function openPage(browser: Browser, replica: Site, address: string): Promise<ShownPage> {
  const { pathname, search } = new URL(address);
  return shown(await browser.get(new URL(pathname + search, replica.publicUrl)));

  async function shown(response: Response): Promise<ShownPage> {
    const text = await response.text();
    return {
      status: response.status,
      text,
      onward: /^0;url=(.*)$/.exec(response.headers.get("refresh") ?? "")?.[1],
      send: async (fields = {}) =>
        shown(await browser.post(new URL("/link", replica.publicUrl), { ...fieldsOf(text), ...fields })),
    };
  }
}

/** Opens the address with the code in it, says yes, and passes the platform's consent. */
export async function approve(browser: Browser, replica: Site, started: StartedCode) {
  const asked = await (await openPage(browser, replica, started.verification_url_complete)).send();
  const { onward, text } = await asked.send({ decision: "approve" });
  if (onward === undefined) throw new Error(`not sent on: ${text}`);
  return browser.visit(onward);
}

function fieldsOf(page: string): Record<string, string> {
  const inputs = [...page.matchAll(/<input ([^>]*)>/g)].map(([, attributes = ""]) => attributes);
  const value = (attributes: string, name: string) => new RegExp(` ?\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return Object.fromEntries(inputs.map((one) => [value(one, "name"), value(one, "value")]));
}
