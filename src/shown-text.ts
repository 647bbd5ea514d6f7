/**
 * What is written for machines, or turns a line around: control, direction and other characters without a shape, halves
 * of characters among them. The two joiners are part of words in some scripts.
 */
const shapeless = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text without characters that no person sees, with `instead` in their place. */
export function withoutShapeless(text: string, instead = ""): string {
  return text.replace(shapeless, instead);
}
