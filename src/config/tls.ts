import type { PlainName } from "../settings/setting.ts";
import { faultsIn, type TlsFiles } from "../tls/certificates.ts";
import type { Reader, ServiceSetting } from "./settings.ts";

const settingNames = {
  cert: "TLS_CERT_FILE",
  key: "TLS_KEY_FILE",
  clientCa: "TLS_CLIENT_CA_FILE",
} as const satisfies Record<keyof TlsFiles, PlainName<ServiceSetting>>;

/** The certificates of the gRPC and internal listeners; undefined: they speak without TLS. */
export function readTls(reader: Reader): TlsFiles | undefined {
  const [cert, key, clientCa] = [settingNames.cert, settingNames.key, settingNames.clientCa].map(reader.text);
  const contents = readContents(reader, { cert, key, clientCa });
  if (cert !== undefined && key !== undefined) {
    const files = { cert, key, clientCa };
    for (const { part, wrong } of contents === undefined ? [] : faultsIn(contents)) {
      reader.problem(settingNames[part], `the file ${files[part]} ${wrong}`, "set the path of a PEM file that fits");
    }
    return files;
  }
  if (cert !== undefined || key !== undefined) {
    const [missing, given] = cert === undefined ? (["cert", "key"] as const) : (["key", "cert"] as const);
    reader.problem(settingNames[missing], `is not set, and ${settingNames[given]} is`, "set both, or neither");
  } else if (clientCa !== undefined) {
    const wrong = "certificates of callers are seen only where TLS is spoken";
    reader.problem(settingNames.clientCa, wrong, "set TLS_CERT_FILE and TLS_KEY_FILE as well, or unset it");
  }
  return undefined;
}

/** Undefined if a certificate or a key is missing; a file that cannot be read is a problem. */
function readContents(reader: Reader, paths: Record<keyof TlsFiles, string | undefined>) {
  const read = (part: keyof TlsFiles) => {
    const path = paths[part];
    return path === undefined ? undefined : reader.file(settingNames[part], path);
  };
  const [cert, key, clientCa] = [read("cert"), read("key"), read("clientCa")];
  return cert === undefined || key === undefined ? undefined : { cert, key, clientCa };
}
