import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its key, both PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority extends TestCertificate {
  /** A certificate of this authority. Names are `DNS:…`, `URI:…` or `IP:…`, taken byte for byte. */
  issue(names: readonly string[], options?: { readonly from?: Date; readonly to?: Date }): TestCertificate;
}

const hourMs = 3_600_000;

/** An authority of its own, made without any tool outside of Node (X.509, RFC 5280). */
export function createAuthority(name = "test authority"): TestAuthority {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const issue = (subject: string, key: KeyObject, extensions: Buffer, from: Date, to: Date) =>
    certificate({ issuer: name, issuerKey: privateKey, subject, key, extensions, from, to });
  const soon = (hours: number) => new Date(Date.now() + hours * hourMs);
  // basicConstraints, critical: it is an authority.
  const authority = extension("551d13", Buffer.from("30030101ff", "hex"), true);
  return {
    cert: issue(name, privateKey, sequence(authority), soon(-1), soon(24)),
    key: pemOf(privateKey),
    issue(names, { from = soon(-1), to = soon(24) } = {}) {
      const own = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
      const san = names.length === 0 ? [] : [extension("551d11", sequence(...names.map(generalName)), false)];
      return { cert: issue("test", own, sequence(...san), from, to), key: pemOf(own) };
    },
  };
}

/** Context-specific tags of GeneralName (RFC 5280 section 4.2.1.6). */
const nameTags: Readonly<Record<string, number>> = { DNS: 0x82, URI: 0x86, IP: 0x87 };

function generalName(name: string): Buffer {
  const kind = name.slice(0, name.indexOf(":"));
  const value = name.slice(kind.length + 1);
  const bytes = kind === "IP" ? addressBytes(value) : Buffer.from(value, "latin1");
  return der(nameTags[kind] ?? 0x82, bytes);
}

function addressBytes(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  const [before, after] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const gap = 8 - (before?.length ?? 0) - (after?.length ?? 0);
  const groups = [...(before ?? []), ...Array<string>(gap).fill("0"), ...(after ?? [])];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function certificate(parts: {
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly subject: string;
  readonly key: KeyObject;
  readonly extensions: Buffer;
  readonly from: Date;
  readonly to: Date;
}): string {
  // ecdsa-with-SHA256
  const algorithm = sequence(der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
  const version = der(0xa0, Buffer.from("020102", "hex"));
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)]));
  const content = sequence(
    version,
    serial,
    algorithm,
    distinguishedName(parts.issuer),
    sequence(time(parts.from), time(parts.to)),
    distinguishedName(parts.subject),
    createPublicKey(parts.key).export({ type: "spki", format: "der" }),
    // Empty lists of extensions are not allowed.
    ...(parts.extensions.length > 2 ? [der(0xa3, parts.extensions)] : []),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", content, parts.issuerKey)]);
  const lines = sequence(content, algorithm, der(0x03, signature)).toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from(commonName)));
  return sequence(der(0x31, attribute));
}

function time(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x18, Buffer.from(text));
}

function extension(id: string, value: Buffer, critical: boolean): Buffer {
  const flag = critical ? [Buffer.from("0101ff", "hex")] : [];
  return sequence(der(0x06, Buffer.from(id, "hex")), ...flag, der(0x04, value));
}

function sequence(...items: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items));
}

/** One value in the distinguished encoding (X.690). */
function der(tag: number, content: Buffer): Buffer {
  const length = content.length;
  const header = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), content]);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
