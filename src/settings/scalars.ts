import type { DefaultedName, PlainName, Setting } from "./setting.ts";
import type { SettingReader } from "./setting-reader.ts";

/** A whole number in a range, both ends included. */
export function readInteger<S extends Setting>(
  reader: SettingReader<S>,
  name: DefaultedName<S>,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const fallback = Number(reader.defaultOf(name));
  const text = reader.text(name);
  if (text === undefined) return fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  reader.problem(name, `${text} is not a whole number from ${min} to ${max}`, `set one, such as ${fallback}`);
  return fallback;
}

/** A TCP port; 0 lets the system choose. */
export function readPort<S extends Setting>(reader: SettingReader<S>, name: DefaultedName<S>): number {
  return readInteger(reader, name, { min: 0, max: 65_535 });
}

/** One of a few words, in any case. */
export function readChoice<S extends Setting, Choice extends string>(
  reader: SettingReader<S>,
  name: DefaultedName<S>,
  choices: readonly Choice[],
): Choice {
  const usual = reader.defaultOf(name);
  const fallback = choices.find((choice) => choice === usual);
  if (fallback === undefined) throw new Error(`${usual} is no choice of ${name}`);
  return readChoiceOr(reader, name, choices, fallback);
}

/** As above, where what counts while it is unset follows from something else. */
export function readChoiceOr<S extends Setting, Choice extends string>(
  reader: SettingReader<S>,
  name: PlainName<S>,
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
export function wordsIn(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ""))];
}

/** `a, b or c`. */
export function inWords(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}
