const longest = 40;

/** A link code as people read it, 3-4-4; what is none is shown as it was typed, not too much of it. */
export function shownCode(typed: string): string {
  const digits = typed.replace(/[\s-]/g, "");
  const [, first, second, third] = /^(\d{3})(\d{4})(\d{4})$/.exec(digits) ?? [];
  return first === undefined ? typed.slice(0, longest).toWellFormed() : `${first} ${second} ${third}`;
}
