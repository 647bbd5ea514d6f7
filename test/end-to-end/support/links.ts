import type { Browser } from "../../../rig/browser.ts";
import { type Refusal, readRefusal } from "../../support/grpc-client.ts";
import type { Caller, InstallationMessage } from "./caller.ts";
import { redirect } from "./flow.ts";

/** Where links of these tests lead back to; nobody listens there. */
export const portal = "https://portal.example";

/** Makes a link as a product's backend does. @throws Error if it is refused. */
export async function makeLink(caller: Caller, request: Record<string, unknown>): Promise<URL> {
  const { error, response } = await caller.call("CreateInstallLink", request);
  if (error !== undefined) throw new Error(`no link but ${JSON.stringify(readRefusal(error))}`);
  return new URL(String(response?.url));
}

/** Opens the link and passes the platform's consent, up to the callback the browser is then sent to. */
export async function openLink(browser: Browser, link: URL): Promise<URL> {
  return redirect(browser, await redirect(browser, link));
}

export interface Completed {
  readonly installations?: readonly InstallationMessage[];
  readonly refusal?: Refusal;
}

/** CompleteInstall as the product's backend calls it. */
export async function complete(caller: Caller, code: string, owner: string): Promise<Completed> {
  const { error, response } = await caller.call("CompleteInstall", { completion_code: code, owner });
  if (error !== undefined) return { refusal: readRefusal(error) };
  return { installations: (response as { installations: InstallationMessage[] } | undefined)?.installations ?? [] };
}

export interface EventMessage {
  readonly kind: string;
  readonly caller: string;
  readonly owner: string;
  readonly platform: string;
  readonly installation_id: string;
  readonly detail: string;
  readonly method: string;
}

/** What is on record of this kind, newest first. */
export async function eventsOf(caller: Caller, kind: string): Promise<readonly EventMessage[]> {
  const { error, response } = await caller.call("ListAuditEvents", { kind, page_size: 500 });
  if (error !== undefined) throw error;
  return (response as { events: EventMessage[] } | undefined)?.events ?? [];
}
