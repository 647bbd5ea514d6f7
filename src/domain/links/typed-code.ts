import { Secret } from "../../secret.ts";

/** How many digits a code has. */
export const codeDigits = 11;
/** How many codes there are. */
export const allCodes = 10 ** codeDigits;

/** The multiple of all codes that five bytes reach: what is beyond it would make some codes likelier than others. */
const fair = Math.floor(2 ** 40 / allCodes) * allCodes;

/** A new code, each as likely as any other; the first digit may be 0. */
export function newCode(random: (bytes: number) => Buffer): Secret {
  for (;;) {
    const drawn = random(5).readUIntBE(0, 5);
    if (drawn < fair) return new Secret(String(drawn % allCodes).padStart(codeDigits, "0"));
  }
}

/** What people put between digits: blanks of any kind and dashes. */
const between = /[\s\p{Zs}\p{Pd}\u00ad\u200b\u2060]+/gu;

/** The digits of what somebody typed or pasted; undefined: it is no code. */
export function readCode(typed: string): string | undefined {
  // Far more than a code with its separators: what is longer is not looked through.
  if (typed.length > 64) return undefined;
  const digits = typed.normalize("NFKC").replace(between, "");
  return digits.length === codeDigits && /^[0-9]+$/.test(digits) ? digits : undefined;
}
