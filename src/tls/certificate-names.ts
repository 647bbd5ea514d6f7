import { TLSSocket } from "node:tls";

/** The names of the peer at the other end of a socket. */
export type CertificateNamesOf = (socket: object | null | undefined) => readonly string[];

const none: readonly string[] = [];

/**
 * Reads the subject alternative names of certificates that our client CA verified, as `URI:…` and `DNS:…`; of any other
 * peer there are none. Read once for each socket.
 */
export function createCertificateNames(): CertificateNamesOf {
  const known = new WeakMap<TLSSocket, readonly string[]>();

  return (socket) => {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return none;
    const seen = known.get(socket);
    if (seen !== undefined) return seen;
    const names = readNames(socket.getPeerX509Certificate()?.subjectAltName ?? "");
    known.set(socket, names);
    return names;
  };
}

/**
 * The names in the text that Node and OpenSSL make of the extension. What could be mistaken for two names is quoted
 * there as a JSON string, and stays one name here. Nothing of a text that does not read as a whole.
 */
export function readNames(text: string): readonly string[] {
  const names: string[] = [];
  const reader = new RegExp(entry);
  while (reader.lastIndex < text.length) {
    const found = reader.exec(text);
    if (found === null) return none;
    const [, kind = "", quoted, plain = ""] = found;
    if (kind !== "URI" && kind !== "DNS") continue;
    const name = quoted === undefined ? plain : unquoted(quoted);
    if (name === undefined) return none;
    names.push(`${kind}:${name}`);
  }
  return names;
}

/** One entry: its kind, then a JSON string or what has neither quote nor comma, up to the end or the next one. */
const entry = /([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, |$)/y;

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
