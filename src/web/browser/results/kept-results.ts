import { Secret } from "../../../secret.ts";
import type { World } from "../../../world.ts";
import type { WebRequest, WebResponse } from "../../handler.ts";
import { onBaseUrl } from "../base-url.ts";
import type { BindingCookies } from "../binding-cookie.ts";
import type { Result } from "./result.ts";

/** Where a result is shown. */
export const resultPath = "/oauth/result/:id";
/** How long a result is shown to its browser. */
export const resultSeconds = 600;
/**
 * A browser has so many results at most, the latest, and so much of them: it sends them all with every request, in one
 * header, of which proxies take 8 KiB.
 */
const mostResults = 5;
const mostCharacters = 4_096;
/** Browsers keep 4,096 bytes of a cookie, its name among them. */
const longestCookie = 4_000;
const longestId = 1_000;

/** Text that a browser carries: it can neither be read nor made nor altered there. */
export interface SealedText {
  seal(plain: string): string;
  /** Undefined for what was not sealed by this. */
  open(text: string): string | undefined;
}

/** Results that their browser brings along: any replica shows them, and no other browser sees them. */
export interface KeptResults {
  /** Gives the result to the browser, and where it is shown; undefined: it does not fit, and has to be shown now. */
  keep(request: WebRequest, response: WebResponse, result: Result): URL | undefined;
  /** Undefined for what another browser has, or had its time. */
  find(request: WebRequest, id: string): Result | undefined;
}

interface Kept {
  readonly result: Result;
  readonly expiresMs: number;
  /** Whether its address holds it. */
  readonly inAddress: boolean;
}

export function createKeptResults(
  parts: Pick<World, "now" | "random"> & {
    readonly baseUrl: URL;
    readonly cookies: BindingCookies;
    readonly sealer: SealedText;
  },
): KeptResults {
  const { baseUrl, cookies, sealer, now, random } = parts;

  const open = (sealed: string | undefined): Kept | undefined => {
    const plain = sealed === undefined ? undefined : sealer.open(sealed);
    const kept = plain === undefined ? undefined : (JSON.parse(plain) as Kept);
    return kept !== undefined && kept.expiresMs > now().getTime() ? kept : undefined;
  };
  const addressOf = (id: string) => onBaseUrl(baseUrl, resultPath.replace(":id", id));

  /** Makes room for a cookie of this length: the earliest go first, and what is none. */
  function makeRoom(request: WebRequest, response: WebResponse, length: number): void {
    const others = cookies
      .beginningWith(request, prefix)
      .map(({ name, value }) => ({ name, length: value.length, expiresMs: open(value)?.expiresMs ?? 0 }))
      .sort((a, b) => b.expiresMs - a.expiresMs);
    let characters = length;
    for (const [index, other] of others.entries()) {
      characters += other.length;
      const fits = other.expiresMs > 0 && index < mostResults - 1 && characters <= mostCharacters;
      if (!fits) cookies.clear(response, other.name);
    }
  }

  return {
    keep(request, response, result) {
      // Who sends no cookies may keep none; why it failed, which is no secret, has to be said all the same.
      const inAddress = result.kind === "failed" && request.headers.cookie === undefined;
      const expiresMs = now().getTime() + resultSeconds * 1000;
      const sealed = sealer.seal(JSON.stringify({ result, expiresMs, inAddress } satisfies Kept));
      if (inAddress) return sealed.length <= longestId ? addressOf(sealed) : undefined;
      if (sealed.length > longestCookie) return undefined;
      const id = random(16).toString("base64url");
      makeRoom(request, response, sealed.length);
      cookies.set(response, { name: prefix + id, value: new Secret(sealed), maxAgeSeconds: resultSeconds });
      return addressOf(id);
    },
    find(request, id) {
      if (id.length > longestId) return undefined;
      const inCookie = open(cookies.read(request, prefix + id));
      if (inCookie !== undefined) return inCookie.inAddress ? undefined : inCookie.result;
      const inAddress = open(id);
      return inAddress?.inAddress === true ? inAddress.result : undefined;
    },
  };
}

const prefix = "result-";
