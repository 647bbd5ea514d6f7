/** RFC 4648 section 5, strictly: undefined for padding, foreign characters and every spelling but the canonical one. */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/** As above, but padded with `=` to a multiple of four characters, as Fernet writes it. */
export function decodePaddedBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return encodePaddedBase64Url(bytes) === text ? bytes : undefined;
}

/** RFC 4648 section 5 with padding. */
export function encodePaddedBase64Url(bytes: Buffer): string {
  const text = bytes.toString("base64url");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}
