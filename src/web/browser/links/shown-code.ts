import { readCode } from "../../../domain/links/typed-code.ts";

const longest = 40;

/** A link code as people read it, 3-4-4; what is none is shown as it was typed, not too much of it. */
export function shownCode(typed: string): string {
  const code = readCode(typed);
  if (code === undefined) return typed.slice(0, longest).toWellFormed();
  return `${code.slice(0, 3)} ${code.slice(3, 7)} ${code.slice(7)}`;
}
