/**
 * A private key as people paste it into a setting: in quotes, in base64, indented, on one line, with `\n` or with line ends
 * of Windows. Gives PEM with a line per 64 characters; what is no PEM comes back as it was.
 */
export function normalisePem(text: string): string {
  const bare = unquote(text.replaceAll("\\r", "").replaceAll("\\n", "\n").trim());
  const pem = bare.startsWith("-----") ? bare : Buffer.from(bare, "base64").toString("utf8").trim();
  const [, label, body] = /^-----BEGIN ([A-Z ]+)-----([\s\S]+)-----END \1-----$/.exec(pem) ?? [];
  if (label === undefined || body === undefined) return bare;
  // Headers, as a key with a passphrase has them, are left for the parser to refuse.
  if (body.includes(":")) return pem;
  const lines = body.replace(/\s+/g, "").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join("\n");
}

function unquote(text: string): string {
  const quoted = /^(["'])([\s\S]*)\1$/.exec(text);
  return (quoted?.[2] ?? text).trim();
}
