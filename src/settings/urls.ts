import { isLoopback } from "./addresses.ts";
import type { DefaultedName, PlainName, Setting } from "./setting.ts";
import type { SettingReader } from "./setting-reader.ts";

/**
 * The base address of another host or of ourselves: https, or http on loopback, and nothing but a path.
 * Its text is never repeated in a message, since a password may be in it.
 */
export function readBaseUrl<S extends Setting>(reader: SettingReader<S>, name: PlainName<S>, fallback: string): URL {
  const text = reader.text(name);
  if (text === undefined) return new URL(fallback);
  const wrong = wrongWith(text);
  if (wrong === undefined) return new URL(text);
  reader.problem(name, wrong, `set an address such as ${exampleOf(fallback)}`);
  return new URL(fallback);
}

/** As above, as text without a slash at the end, to which paths are appended. */
export function readBaseAddress<S extends Setting>(reader: SettingReader<S>, name: DefaultedName<S>): string {
  return readBaseUrl(reader, name, reader.defaultOf(name)).href.replace(/\/+$/, "");
}

/** Origins, comma separated, each as the URL standard spells it. */
export function readOrigins<S extends Setting>(
  reader: SettingReader<S>,
  name: PlainName<S>,
  fallback: string,
): readonly string[] {
  const origins = (reader.text(name) ?? fallback).split(",").map((origin) => origin.trim());
  return origins.flatMap((origin) => {
    if (origin === "") return [];
    const wrong = wrongWith(origin) ?? (new URL(origin).pathname === "/" ? undefined : "an origin has no path");
    if (wrong !== undefined) reader.problem(name, wrong, "set origins such as https://portal.example");
    return wrong === undefined ? [new URL(origin).origin] : [];
  });
}

function wrongWith(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return "this is not an address with https://";
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "an address must not carry a user or password";
  if (text.includes("?") || text.includes("#")) return "an address must not have a query or fragment";
  if (url.protocol !== "https:" && !isLoopback(url.hostname)) return "http:// is for loopback only";
  return undefined;
}

function exampleOf(fallback: string): string {
  return fallback.startsWith("https://") ? fallback : "https://oauth.example";
}
