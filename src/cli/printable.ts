/** Somebody else's text for a terminal: what would move its cursor, colour it or turn its direction is taken out. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}
