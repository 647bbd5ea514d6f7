import { Secret } from "../../../secret.ts";
import { type FernetKey, openFernet } from "../../seal/fernet.ts";
import { textOf } from "./columns.ts";

/** A token of a row: sealed as Python's `cryptography` does it, or plain. `closed`: no key opens it. */
export type OpenedToken =
  | { readonly kind: "token"; readonly value: Secret }
  | { readonly kind: "none" }
  | { readonly kind: "closed" };

/** What every Fernet token of this century begins with: the version, and a time below 2^32 seconds. */
const fernetPrefix = "gAAAAA";

/** What begins like a Fernet token is never taken for a plain one, cut short or altered as it may be. */
export function openToken(value: unknown, keys: readonly FernetKey[]): OpenedToken {
  const text = textOf(value);
  if (text === undefined) return { kind: "none" };
  if (!text.startsWith(fernetPrefix)) return { kind: "token", value: new Secret(text) };
  const opened = openFernet(keys, text)?.toString("utf8");
  if (opened === undefined) return { kind: "closed" };
  return opened.trim() === "" ? { kind: "none" } : { kind: "token", value: new Secret(opened.trim()) };
}
