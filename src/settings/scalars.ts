import type { SettingReader } from "./setting-reader.ts";
import type { SecretSettingName, SettingName } from "../config/settings.ts";

/** A setting whose value may be repeated in a message. */
export type PlainSettingName = Exclude<SettingName, SecretSettingName>;

/** A whole number in a range, both ends included. */
export function readInteger(
  reader: SettingReader,
  name: PlainSettingName,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = reader.text(name);
  if (text === undefined) return fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  reader.problem(name, `${text} is not a whole number from ${min} to ${max}`, `set one, such as ${fallback}`);
  return fallback;
}

/** A TCP port; 0 lets the system choose. */
export function readPort(reader: SettingReader, name: PlainSettingName, fallback: number): number {
  return readInteger(reader, name, { fallback, min: 0, max: 65_535 });
}

/** One of a few words, in any case. */
export function readChoice<Choice extends string>(
  reader: SettingReader,
  name: PlainSettingName,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const text = reader.text(name);
  if (text === undefined) return fallback;
  const found = choices.find((choice) => choice === text.toLowerCase());
  if (found === undefined) reader.problem(name, `${text} is unknown`, `set ${inWords(choices)}`);
  return found ?? fallback;
}

/** Words separated by blanks or commas, each once. */
export function readWords(
  reader: SettingReader,
  name: PlainSettingName,
  fallback: readonly string[],
): readonly string[] {
  const text = reader.text(name);
  return text === undefined ? fallback : [...new Set(text.split(/[\s,]+/).filter((word) => word !== ""))];
}

/** `a, b or c`. */
export function inWords(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}
