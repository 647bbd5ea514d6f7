import { Secret } from "../secret.ts";
import { inWords, type PlainSettingName, readWords } from "./scalars.ts";
import type { SettingReader } from "./setting-reader.ts";
import { type SecretSettingName, type SettingName, settingOf } from "../config/settings.ts";
import { readBaseAddress } from "./urls.ts";

/** What decides whether a platform is configured. */
export interface PlatformSettings {
  /** For people: `GitHub App`. */
  readonly title: string;
  /** Needed as soon as any is given; alternatives are one entry. */
  readonly required: readonly (readonly SettingName[])[];
  /** Mean the platform as well, but can be left out. */
  readonly optional?: readonly SettingName[];
}

/**
 * Whether a platform is wanted: any of its settings is given. Half of them is a problem that names what is missing.
 */
export function isConfigured(reader: SettingReader, settings: PlatformSettings): boolean {
  const given = [...settings.required.flat(), ...(settings.optional ?? [])].filter((name) => reader.isGiven(name));
  if (given.length === 0) return false;
  for (const alternatives of settings.required) {
    if (alternatives.some((name) => reader.isGiven(name))) continue;
    const wrong = `is missing, while ${given.join(", ")} ${given.length === 1 ? "is" : "are"} set`;
    reader.problem(inWords(alternatives), wrong, `set it, or unset all settings of the ${settings.title}`);
  }
  return true;
}

/** A setting whose absence was reported by `isConfigured`; the empty string is never used. */
export function readRequired(reader: SettingReader, name: PlainSettingName): string {
  return reader.text(name) ?? "";
}

/** As above, for a secret. */
export function readRequiredSecret(reader: SettingReader, name: SecretSettingName): Secret {
  return reader.secret(name) ?? new Secret("");
}

/** Scopes, separated by blanks or commas; `none`: none at all. */
export function readScopes(
  reader: SettingReader,
  name: PlainSettingName,
  fallback: readonly string[],
): readonly string[] {
  const words = readWords(reader, name, fallback);
  const others = words.filter((word) => word.toLowerCase() !== "none");
  if (others.length > 0 && others.length < words.length) {
    reader.problem(name, "has none beside other scopes", "set none, or the scopes");
  }
  return others;
}

/** A secret that may have two values, comma separated, while it is being rotated. */
export function readRotatingSecret(reader: SettingReader, name: SecretSettingName): readonly Secret[] {
  const values = (reader.secret(name)?.reveal() ?? "").split(",").map((value) => value.trim());
  const given = values.filter((value) => value !== "");
  if (given.length > 2) reader.problem(name, `has ${given.length} values`, "set one, or two while it is being rotated");
  return given.map((value) => new Secret(value));
}

/**
 * Two addresses of one platform elsewhere. One alone would send secrets meant for that host to the public one.
 */
export function readAddressPair(
  reader: SettingReader,
  first: PlainSettingName,
  second: PlainSettingName,
  hint: string,
): readonly [string, string] {
  const firstUrl = readBaseAddress(reader, first, defaultOf(first));
  const secondUrl = readBaseAddress(reader, second, defaultOf(second));
  const firstIsPublic = firstUrl === defaultOf(first);
  if (firstIsPublic !== (secondUrl === defaultOf(second))) {
    const [missing, given] = firstIsPublic ? [first, second] : [second, first];
    reader.problem(missing, `names the public host, while ${given} names another one`, hint);
  }
  return [firstUrl, secondUrl];
}

/** The default of a setting that has one value to fall back to. */
export function defaultOf(name: PlainSettingName): string {
  return settingOf(name).default ?? "";
}
