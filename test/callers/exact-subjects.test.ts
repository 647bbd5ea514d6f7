import fc from "fast-check";
import { expect, test } from "vitest";
import { createPolicy } from "../../src/callers/policy.ts";
import { callerOf, fileOf, parse } from "./support/caller-files.ts";

const subjects = ["acme", "system:serviceaccount:ci:runner", "repo:acme/app:ref:refs/heads/main", "jürgen@example.org"];
const issuer =
  "ci: { kind: oidc, issuer: https://i.example, audience: a, jwks_uri: https://i.example/k, algorithms: [RS256] }";
const policy = createPolicy(
  parse(
    fileOf(
      subjects.flatMap((subject, index) => [
        callerOf(`token-${index}`, `issuer: ci, subject: ${JSON.stringify(subject)}`),
        callerOf(`certificate-${index}`, `mtls_san: ${JSON.stringify(subject)}`),
      ]),
      [issuer],
    ),
  ),
);
const known = policy.issuers[0]!;

/** What somebody would try who may choose a name near a known one. */
const near = fc.constantFrom(...subjects).chain((subject) =>
  fc.oneof(
    fc.constantFrom(
      ...[
        `${subject}-evil`,
        `evil-${subject}`,
        `${subject}.`,
        `.${subject}`,
        ` ${subject}`,
        `${subject} `,
        `${subject}\n`,
      ],
      ...[`${subject}\0`, subject.toUpperCase(), subject.normalize("NFD"), subject.normalize("NFKD"), `${subject}*`],
      ...[
        subject.replace("a", "\u0430"),
        `\u200b${subject}`,
        `${subject}\ufeff`,
        `"${subject}"`,
        encodeURIComponent(subject),
      ],
      ...[
        `${subject},${subject}`,
        `["${subject}"]`,
        subject.replaceAll(":", "."),
        subject.slice(0, -1),
        subject.slice(1),
      ],
    ),
    fc.tuple(fc.string(), fc.string()).map(([before, after]) => `${before}${subject}${after}`),
    fc
      .tuple(fc.nat(subject.length - 1), fc.string({ unit: "binary" }))
      .map(([at, other]) => `${subject.slice(0, at)}${other}${subject.slice(at + 1)}`),
  ),
);

test("a subject is a caller's exactly if the file has it, letter for letter", () => {
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: "binary" }), fc.constantFrom(...subjects)), (subject) => {
      const index = subjects.indexOf(subject);
      expect(policy.bySubject(known, subject)?.name).toBe(index < 0 ? undefined : `token-${index}`);
      const names = [`URI:${subject}`, `DNS:${subject}`].map((name) => policy.byCertificate([name])?.name);
      const kind = subject.includes(":") ? 0 : 1;
      expect(names[kind]).toBe(index < 0 ? undefined : `certificate-${index}`);
      expect(names[1 - kind]).toBe(undefined);
    }),
    { numRuns: 3_000 },
  );
});

test("what JavaScript knows of every object is nobody's", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    expect(policy.bySubject(known, name)).toBe(undefined);
    expect(policy.issuerOf(name)).toBe(undefined);
    expect(policy.byCertificate([name])).toBe(undefined);
  }
});
