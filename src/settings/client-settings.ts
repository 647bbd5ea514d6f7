import { Secret } from "../secret.ts";
import { inWords, wordsIn } from "./scalars.ts";
import type { DefaultedName, PlainName, SecretName, Setting } from "./setting.ts";
import type { SettingReader } from "./setting-reader.ts";
import { readBaseAddress } from "./urls.ts";

/** What decides whether we are a client of a platform. */
export interface ClientSettings<S extends Setting> {
  /** For people: `GitHub App`. */
  readonly title: string;
  /** Needed as soon as any is given; alternatives are one entry. */
  readonly required: readonly (readonly S["name"][])[];
  /** Mean the platform as well, but can be left out. */
  readonly optional?: readonly S["name"][];
}

/**
 * Whether a platform is wanted: any of its settings is given. Half of them is a problem that names what is missing.
 */
export function isConfigured<S extends Setting>(reader: SettingReader<S>, settings: ClientSettings<S>): boolean {
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
export function readRequired<S extends Setting>(reader: SettingReader<S>, name: PlainName<S>): string {
  return reader.text(name) ?? "";
}

/** As above, for a secret. */
export function readRequiredSecret<S extends Setting>(reader: SettingReader<S>, name: SecretName<S>): Secret {
  return reader.secret(name) ?? new Secret("");
}

/** Scopes, separated by blanks or commas; `none`: none at all. */
export function readScopes<S extends Setting>(
  reader: SettingReader<S>,
  name: DefaultedName<S>,
  fallback = reader.defaultOf(name),
): readonly string[] {
  const words = wordsIn(reader.text(name) ?? fallback);
  const others = words.filter((word) => word.toLowerCase() !== "none");
  if (others.length > 0 && others.length < words.length) {
    reader.problem(name, "has none beside other scopes", "set none, or the scopes");
  }
  return others;
}

/** A secret that may have two values, comma separated, while it is being rotated. */
export function readRotatingSecret<S extends Setting>(
  reader: SettingReader<S>,
  name: SecretName<S>,
): readonly Secret[] {
  const values = (reader.secret(name)?.reveal() ?? "").split(",").map((value) => value.trim());
  const given = values.filter((value) => value !== "");
  if (given.length > 2) reader.problem(name, `has ${given.length} values`, "set one, or two while it is being rotated");
  return given.map((value) => new Secret(value));
}

/**
 * Two addresses of one platform elsewhere. One alone would send secrets meant for that host to the public one.
 */
export function readAddressPair<S extends Setting>(
  reader: SettingReader<S>,
  first: DefaultedName<S>,
  second: DefaultedName<S>,
  hint: string,
): readonly [string, string] {
  const firstUrl = readBaseAddress(reader, first);
  const secondUrl = readBaseAddress(reader, second);
  const firstIsPublic = firstUrl === reader.defaultOf(first);
  if (firstIsPublic !== (secondUrl === reader.defaultOf(second))) {
    const [missing, given] = firstIsPublic ? [first, second] : [second, first];
    reader.problem(missing, `names the public host, while ${given} names another one`, hint);
  }
  return [firstUrl, secondUrl];
}
