/** What git asks a credential helper, as gitcredentials(7) has it. */
export interface CredentialRequest {
  readonly protocol: string;
  /** With its port, if it has one. */
  readonly host: string;
  /** Only where `credential.useHttpPath` is set. */
  readonly path: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Reads what git writes to a helper. Undefined for what no honest git writes: a value with a carriage return or NUL in it
 * would name one host here and another elsewhere.
 */
export function readCredentialRequest(text: string): CredentialRequest | undefined {
  const attributes = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") break;
    const end = line.indexOf("=");
    if (end < 1 || /[\r\0]/.test(line)) return undefined;
    attributes.set(line.slice(0, end), line.slice(end + 1));
  }
  const of = (name: string) => attributes.get(name) || undefined;
  const [protocol, host] = [of("protocol"), of("host")];
  if (protocol === undefined || host === undefined) return undefined;
  return { protocol, host, path: of("path"), username: of("username"), password: of("password") };
}
