import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

/** One thing of each: paths, or what the files hold. */
export interface TlsParts<Part> {
  /** The certificate, followed by those between it and its root. */
  readonly cert: Part;
  readonly key: Part;
  /** Who signs the callers' certificates; undefined: nobody is asked for one. */
  readonly clientCa: Part | undefined;
}

/** Paths of PEM files. */
export type TlsFiles = TlsParts<string>;
/** PEM texts. `key` is a secret. */
export type TlsMaterial = TlsParts<string>;

/** What is wrong with the content of one of the files. Never repeats it. */
export interface TlsFault {
  readonly part: keyof TlsFiles;
  readonly wrong: string;
}

/** TLS before this is refused. */
export const leastTlsVersion = "TLSv1.2";

/** Everything that is wrong with a set of files; none if it can be used. */
export function faultsIn({ cert, key, clientCa }: TlsMaterial): readonly TlsFault[] {
  const faults: TlsFault[] = [];
  const fault = (part: keyof TlsFiles, wrong: string) => void faults.push({ part, wrong });
  const [leaf] = certificatesIn(cert) ?? [];
  const privateKey = privateKeyIn(key);
  if (leaf === undefined) fault("cert", "holds no PEM certificates, or a broken one");
  if (privateKey === undefined) fault("key", "holds no PEM private key, or one with a passphrase");
  if (clientCa !== undefined && certificatesIn(clientCa) === undefined) {
    fault("clientCa", "holds no PEM certificates, or a broken one");
  }
  if (leaf === undefined || privateKey === undefined) return faults;
  if (!leaf.checkPrivateKey(privateKey)) fault("key", "is not the key of the certificate");
  else if (!isAccepted(cert, key)) fault("cert", "is too weak for TLS, or its chain is broken");
  return faults;
}

/** Whether there is a certificate in the text, and none that is broken. */
export function holdsCertificates(pem: string): boolean {
  return certificatesIn(pem) !== undefined;
}

/** When the certificate ends. */
export function endOf({ cert }: TlsMaterial): Date {
  return new X509Certificate(cert).validToDate;
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Undefined if there is none, or any that is broken. */
function certificatesIn(pem: string): readonly X509Certificate[] | undefined {
  const found = pem.match(pemCertificate);
  return found === null ? undefined : orUndefined(() => found.map((text) => new X509Certificate(text)));
}

function privateKeyIn(pem: string): KeyObject | undefined {
  return orUndefined(() => createPrivateKey(pem));
}

function isAccepted(cert: string, key: string): boolean {
  return orUndefined(() => createSecureContext({ cert, key, minVersion: leastTlsVersion })) !== undefined;
}

/** The errors of OpenSSL say nothing that an operator can act on. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
