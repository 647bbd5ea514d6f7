import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readNames } from "../../src/tls/certificate-names.ts";
import { createAuthority } from "../support/certificates.ts";

const authority = createAuthority();

/** The names that are read of a certificate with these. */
function namesOf(...names: readonly string[]): readonly string[] {
  return readNames(new X509Certificate(authority.issue(names).cert).subjectAltName ?? "");
}

test.each([
  ["a name", ["DNS:web.internal"]],
  ["several names", ["URI:spiffe://example.org/ns/web/sa/dashboard", "DNS:web.internal", "DNS:*.internal"]],
  ["a name with what looks like another one", ["DNS:evil.example, DNS:good.example"]],
  ["a URI with what looks like another one", ["URI:https://evil.example/, URI:spiffe://example.org/good"]],
  ["commas", ["URI:spiffe://a,b", "DNS:c"]],
  ["quotes and backslashes", ['DNS:a"b', "DNS:c\\d", 'URI:"spiffe://e"']],
  ["line breaks and tabs", ["DNS:a\nDNS:b", "DNS:c\td"]],
  ["a NUL", ["DNS:good.example\0.evil.example"]],
  ["a kind within a name", ["DNS:URI:spiffe://a"]],
])("%s are read as they are", (_what, names) => {
  expect(namesOf(...names)).toEqual(names);
});

test("other kinds of names are passed over", () => {
  expect(namesOf("IP:127.0.0.1", "URI:spiffe://a", "IP:10.0.0.1")).toEqual(["URI:spiffe://a"]);
  expect(namesOf()).toEqual([]);
  expect(readNames("othername:<unsupported>, DirName:CN = x, email:a@b.example, DNS:c")).toEqual(["DNS:c"]);
});

test("of a text that cannot be read as a whole there is nothing", () => {
  for (const text of ['DNS:a, DNS:"b', 'DNS:a"b", DNS:c', "DNS:a, nothing", "DNS:a,DNS:b", 'DNS:"\\x"']) {
    expect(readNames(text)).toEqual([]);
  }
});

test("one name in a certificate is never two", () => {
  const text = fc.string({ unit: fc.constantFrom(..."ab:,\" \\\0\n'DNSURI/"), minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (values) => {
      const names = values.map((value) => `DNS:${value}`);
      const read = namesOf(...names);
      return read.length === 0 || JSON.stringify(read) === JSON.stringify(names);
    }),
    { numRuns: 200 },
  );
});
