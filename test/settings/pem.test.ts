import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { normalisePem } from "../../src/settings/pem.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pems = (["pkcs1", "pkcs8"] as const).map((type) => privateKey.export({ type, format: "pem" }).toString());
const indented = (pem: string) => pem.replaceAll("\n", "\n    ");

test.each([
  ["as it is", (pem: string) => pem],
  ["with \\n", (pem: string) => pem.replaceAll("\n", "\\n")],
  ["in double quotes", (pem: string) => `"${pem}"`],
  ["in single quotes, with \\n", (pem: string) => `'${pem.replaceAll("\n", "\\n")}'`],
  ["indented", indented],
  ["with line ends of Windows", (pem: string) => pem.replaceAll("\n", "\r\n")],
  ["on one line", (pem: string) => pem.trim().replaceAll("\n", " ")],
  ["in base64", (pem: string) => Buffer.from(pem).toString("base64")],
  [
    "in base64 with line ends, indented and quoted",
    (pem: string) => `"${Buffer.from(indented(pem)).toString("base64").replace(/.{76}/g, "$&\n")}"`,
  ],
])("a private key %s is understood", (_how, write) => {
  for (const pem of pems) {
    const read = createPrivateKey(normalisePem(write(pem)));
    expect(read.equals(privateKey)).toBe(true);
  }
});

test.each(["", "hello", '"hello"', "-----BEGIN RSA PRIVATE KEY-----", "AAAA"])(
  "what is no key stays none: %s",
  (text) => {
    expect(() => createPrivateKey(normalisePem(text))).toThrow();
  },
);
