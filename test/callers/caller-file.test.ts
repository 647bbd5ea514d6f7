import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { knownMethods } from "../../src/callers/names.ts";
import { registry } from "../../src/platforms/registry.ts";
import { methodNames } from "../../src/rpc/rpc-names.ts";
import { callerOf, fileOf, parse, refusalOf } from "./support/caller-files.ts";

const example = await readFile(new URL("../../rig/callers/callers.yaml", import.meta.url));
const good = example.toString();

describe("the file of the contract", () => {
  const file = parse(example);

  test("gives each caller its proof", () => {
    expect(file.callers.map(({ caller, identity }) => [caller.name, identity])).toEqual([
      ["indexer-worker", { kind: "token", issuer: "k8s-prod", subject: "system:serviceaccount:ci:runner" }],
      ["dashboard", { kind: "certificate", name: "URI:spiffe://example.org/ns/web/sa/dashboard" }],
      ["ci", { kind: "api_key", sha256: Buffer.alloc(32), expiresAt: new Date("2027-02-01T00:00:00Z") }],
    ]);
  });

  test("gives each caller its rules", () => {
    const [indexer, dashboard] = file.callers.map(({ caller }) => caller.rules);
    expect(indexer).toEqual([
      {
        methods: new Set(["GetToken"]),
        products: new Set(["github"]),
        owners: new Set(["acme"]),
        ceilings: new Map([["github", { contents: "read" }]]),
        rate: { perSecond: 50, burst: 100 },
        returnOrigins: new Set(),
        completeInCallback: false,
      },
    ]);
    expect(dashboard?.[0]).toMatchObject({ owners: "all", returnOrigins: new Set(["https://portal.example"]) });
  });

  test("describes the issuer", () => {
    expect(file.issuers).toEqual([
      {
        name: "k8s-prod",
        issuer: "https://issuer.example",
        audience: "oauth-token-service",
        jwksUri: "https://issuer.example/keys",
        algorithms: ["RS256", "ES256"],
        maxAgeSeconds: 3600,
      },
    ]);
  });

  test("is named by the hash of its bytes, which every caller knows", () => {
    const hash = createHash("sha256").update(example).digest("hex");
    expect(file.hash).toBe(hash);
    expect(file.callers.map(({ caller }) => caller.policyHash)).toEqual([hash, hash, hash]);
  });

  test("decides what its callers may do", () => {
    const ci = file.callers[2]!.caller;
    expect(() => ci.access("GetToken").check("github", "acme")).not.toThrow();
    expect(() => ci.access("GetToken").check("github", "other")).toThrow("ci may not call GetToken for this owner");
    expect(() => ci.access("RevokeInstallation")).toThrow("ci may not call RevokeInstallation");
  });
});

/** One thing changed in the good file, and what is said of it. */
const refusals: readonly (readonly [string, string, string, string])[] = [
  ["no version", "version: 1\n", "", "version: nothing is unknown; write 1"],
  ["another version", "version: 1\n", "version: 2\n", "version: 2 is unknown"],
  ["a version as text", "version: 1\n", 'version: "1"\n', 'version: "1" is unknown'],
  ["an unknown key at the top", "version: 1\n", "version: 1\ncaller: []\n", "the file.caller: unknown key"],
  ["a key twice", "version: 1\n", "version: 1\nversion: 1\n", "line 2: this key stands twice"],
  ["a key of a rule twice", "owners: [acme]  ", "owners: [acme]\n        owners: [other]", "this key stands twice"],
  ["a second document", "version: 1\n", "version: 1\n---\n", "this is a second document"],
  ["something that is not YAML", "callers:\n", "callers: [\n", "this is not YAML"],
  ["an anchor", "callers:\n", "callers: &all\n", "anchors (&name) are not read"],
  ["an alias", "allow: [{", "allow: [*rule, {", "aliases (*name) are not read"],
  ["a tag of YAML", "owners: [acme]  ", "owners: !!set {acme}  ", "tags (!…) are not read"],
  ["a tag of nobody", "owners: [acme]  ", "owners: !mine [acme]  ", "tags (!…) are not read"],
  ["a merge key", "- name: ci", "- <<: { name: x }\n    name: ci", "unknown key"],
  ["another YAML", "version: 1\n", "%YAML 1.1\n---\nversion: 1\n", "a % directive"],
  ["tags renamed", "version: 1\n", "%TAG !e! tag:x,2000:\n---\nversion: 1\n", "a % directive"],
  ["no callers", /callers:[\s\S]*/.exec(good)![0], "", "callers: missing; write a list"],
  ["an empty list of callers", /callers:[\s\S]*/.exec(good)![0], "callers: []", "callers: the list is empty"],

  ["an unknown key of an issuer", "max_age: 1h", "maxage: 1h", "issuers.k8s-prod.maxage: unknown key"],
  ["another kind of issuer", "kind: oidc", "kind: spiffe", 'issuers.k8s-prod.kind: "spiffe" is not a kind'],
  [
    "an issuer in plain text",
    "issuer: https://issuer",
    "issuer: http://issuer",
    "issuers.k8s-prod.issuer: this is not",
  ],
  ["keys in plain text", "https://issuer.example/k", "http://issuer.example/k", "jwks_uri: this is not https"],
  ["keys behind a password", "https://issuer.example/k", "https://a:canary@issuer.example/k", "jwks_uri: this is not"],
  ["keys in a file", "https://issuer.example/keys", "file:///etc/keys", "jwks_uri: this is not https"],
  ["no address of keys", "jwks_uri: https://issuer.example/keys, ", "", "jwks_uri: missing"],
  ["no audience", "audience: oauth-token-service, ", "", "audience: missing"],
  ["several audiences", "audience: oauth-token-service", "audience: [a, b]", "audience: this is not text"],
  ["no algorithms", "algorithms: [RS256, ES256], ", "", "algorithms: missing"],
  ["an empty list of algorithms", "[RS256, ES256]", "[]", "algorithms: the list is empty"],
  ["no signature at all", "[RS256, ES256]", "[RS256, none]", 'algorithms[1]: "none" is unknown'],
  ["a shared secret", "[RS256, ES256]", "[HS256]", 'algorithms[0]: "HS256" is unknown'],
  ["an age without a unit", "max_age: 1h", "max_age: 3600", "max_age: 3600 is not a duration up to 24h"],
  ["an age above a day", "max_age: 1h", "max_age: 25h", 'max_age: "25h" is not a duration up to 24h'],
  ["an age of nothing", "max_age: 1h", "max_age: 0h", "is not a duration"],
  ["an issuer's name of its own", "  k8s-prod: {", "  k8s prod: {", "a name is 1 to 64 letters"],
  [
    "one issuer twice",
    "\ncallers:\n",
    "\n  again: { kind: oidc, issuer: https://issuer.example, audience: a, jwks_uri: https://x.example, algorithms: [RS256] }\ncallers:\n",
    "issuers.again.issuer: this is the issuer of k8s-prod as well",
  ],

  ["a caller without a name", "name: ci", "nam: ci", "callers[2].nam: unknown key"],
  ["a name with blanks", "name: ci", "name: my ci", "callers[2].name: a name is 1 to 64 letters"],
  ...["anonymous", "service", "operator", "Operator", "browser", "unauthenticated"].map(
    (name): [string, string, string, string] => [
      `${name}, who is named for others in the record`,
      "name: ci",
      `name: ${name}`,
      "callers[2].name: this name is the service's own",
    ],
  ),
  ["one name twice", "name: ci", "name: dashboard", "callers[1] (dashboard) has this name too"],
  [
    "no proof",
    'match: { mtls_san: "spiffe://example.org/ns/web/sa/dashboard" }',
    "match: {}",
    "this is no way to prove",
  ],
  [
    "a proof that is missing",
    'match: { mtls_san: "spiffe://example.org/ns/web/sa/dashboard" }\n',
    "\n",
    "match: missing",
  ],
  [
    "two proofs",
    "match: { mtls_san:",
    "match: { issuer: k8s-prod, subject: x, mtls_san:",
    "more than one way to prove",
  ],
  ["an unknown proof", "mtls_san:", "san:", "callers[1] (dashboard).match.san: unknown key"],
  [
    "an issuer that is none",
    "{ issuer: k8s-prod,",
    "{ issuer: k8s,",
    "match.issuer: there is no such issuer; the known",
  ],
  ["no subject", ', subject: "system:serviceaccount:ci:runner"', "", "match.subject: missing"],
  ["a pattern of subjects", "ci:runner", "ci:*", "values are compared as they stand, and * would only match itself"],
  ["a pattern of certificates", "sa/dashboard", "sa/*", "mtls_san: values are compared as they stand"],
  ["a pattern of owners", "owners: [acme]  ", 'owners: ["acme*"]  ', "owners[0]: values are compared as they stand"],
  ["every owner by a pattern", "owners: [acme]  ", 'owners: ["*"]  ', "there are no patterns"],
  [
    "an end of a certificate",
    '/sa/dashboard" }',
    '/sa/dashboard", expires: 2027-01-31 }',
    "only an api_key has an end",
  ],
  ["a hash that is cut", "sha256:0000", "sha256:", "this is not sha256: and 64 hexadecimal digits"],
  ["another hash", "sha256:", "sha512:", "match.api_key: this is not sha256:"],
  ["no day", "2027-01-31", "soon", "match.expires: this is not a day"],
  ["a day there is not", "2027-01-31", "2027-02-30", "match.expires: this is not a day"],
  ["a moment", "2027-01-31", "2027-01-31T12:00:00Z", "match.expires: this is not a day"],

  [
    "no rules",
    "allow: [{ methods: [GetToken], platforms: [github], owners: [acme] }]",
    "allow: []",
    "allow: the list is empty",
  ],
  ["an unknown key of a rule", "rate:", "rates:", "allow[0].rates: unknown key"],
  ["an unknown method", "methods: [GetToken]\n", "methods: [GetTokens]\n", 'methods[0]: "GetTokens" is unknown'],
  ["a method in small letters", "methods: [GetToken]\n", "methods: [getToken]\n", '"getToken" is unknown'],
  ["no methods", "methods: [GetToken]\n", "methods: []\n", "methods: the list is empty"],
  ["one method twice", "methods: [GetToken]\n", "methods: [GetToken, GetToken]\n", '"GetToken" stands twice'],
  ["methods as one word", "methods: [GetToken]\n", "methods: GetToken\n", "methods: this is not a list"],
  ["an unknown platform", "[github, jira, confluence, slack]", "[gitlab]", 'platforms[0]: "gitlab" is unknown'],
  ["no platforms", "        platforms: [github]\n", "", "platforms: missing"],
  ["an empty list of owners", "owners: [acme]  ", "owners: []  ", "owners: the list is empty"],
  ["an owner that is a number", "owners: [acme]  ", "owners: [12]  ", "put numbers and the like in quotes"],
  ["an owner with a blank at its end", "owners: [acme]  ", 'owners: ["acme "]  ', "there are blanks around it"],
  ["neither owners nor all", "        all_owners: true\n", "", "neither owners nor all_owners: true"],
  [
    "all owners, denied",
    "        all_owners: true",
    "        all_owners: false",
    "neither owners nor all_owners: true",
  ],
  ["all owners as a word", "        all_owners: true", "        all_owners: yes", '"yes" is neither true nor false'],
  [
    "owners and all",
    "        all_owners: true",
    "        all_owners: true\n        owners: [acme]",
    "exclude each other",
  ],
  [
    "a ceiling of another platform",
    "{ github: { contents",
    "{ jira: { contents",
    "only tokens of github can be narrowed",
  ],
  [
    "a ceiling without its platform",
    "platforms: [github]\n",
    "platforms: [jira]\n",
    "platforms of this rule do not have it",
  ],
  ["an unknown level", "contents: read", "contents: maintain", '"maintain" is not a level'],
  ["a permission that is none", "contents: read", '"con tents": read', "this is not a permission"],
  ["a permission of JavaScript", "contents: read", "__proto__: read", "this is not a permission"],
  ["an empty ceiling", "{ contents: read }", "{}", "this is not a mapping with something in it"],
  [
    "an empty mapping of ceilings",
    "{ github: { contents: read } }",
    "{}",
    "this is not a mapping with something in it",
  ],
  ["a rate of nothing", "per_second: 50", "per_second: 0", "per_second has to be a number above 0"],
  ["a rate without end", "per_second: 50", "per_second: .inf", "per_second has to be a number above 0"],
  ["half a burst", "burst: 100", "burst: 1.5", "a whole number of at least 1"],
  ["a burst as text", "burst: 100", 'burst: "100"', "a whole number of at least 1"],
  ["no burst", ", burst: 100", "", "a whole number of at least 1"],
  ["an unknown key of a rate", "burst: 100", "burst: 100, per_hour: 1", "rate.per_hour: unknown key"],
  [
    "an origin with a path",
    "https://portal.example",
    "https://portal.example/",
    "return_origins[0]: this is not an origin",
  ],
  ["an origin in capitals", "https://portal.example", "https://Portal.example", "this is not an origin"],
  ["an origin with its own port", "https://portal.example", "https://portal.example:443", "this is not an origin"],
  ["an origin in plain text", "https://portal.example", "http://portal.example", "this is not an origin"],
  ["an origin with a user", "https://portal.example", "https://u@portal.example", "this is not an origin"],
  ["an origin that is none", "https://portal.example", "null", "this is not an origin"],
  ["an origin for everybody", "https://portal.example", "https://*.example", "there are no patterns"],
  [
    "completion half allowed",
    "        all_owners: true",
    "        all_owners: true\n        complete_in_callback: maybe",
    "is neither true nor false",
  ],
];

describe("the file is refused for", () => {
  test("nothing that is good", () => {
    expect(refusalOf(good)).toBe("");
  });

  test.each(refusals)("%s", (_, find, replace, message) => {
    expect(good).toContain(find);
    const refusal = refusalOf(good.replace(find, () => replace));
    expect(refusal).toMatch(/^the caller file cannot be used:\n/);
    expect(refusal).toContain(message);
    expect(refusal).not.toContain("canary");
  });

  test.each([
    ["token", "issuer: k8s, subject: s"],
    ["certificate", "mtls_san: web.internal"],
    ["key", `api_key: "sha256:${"0".repeat(64)}"`],
  ])("two callers with the same %s", (_, match) => {
    const issuer =
      "k8s: { kind: oidc, issuer: https://i.example, audience: a, jwks_uri: https://i.example/k, algorithms: [RS256] }";
    const refusal = refusalOf(fileOf([callerOf("one", match), callerOf("two", match)], [issuer]));
    expect(refusal).toContain("callers[1] (two).match: callers[0] (one) is matched by the same proof");
  });

  test("all that is wrong at once", () => {
    const many = good.replace("version: 1", "version: 3").replace("kind: oidc", "kind: x").replace("[acme]  ", "[]  ");
    expect(refusalOf(many).split("\n")).toHaveLength(4);
  });

  test.each([
    ["no text", Buffer.from([0xff, 0xfe, 0x00]), "this is not UTF-8"],
    ["nothing", Buffer.from(""), "the file: this is not a mapping"],
    ["a list", Buffer.from("- a\n"), "the file: this is not a mapping"],
    ["no end of brackets", Buffer.from("[".repeat(10_000)), "this is not YAML"],
  ])("%s in it", (_, bytes, message) => {
    expect(refusalOf(bytes)).toContain(message);
  });
});

describe("what is refused is never repeated where a secret may be", () => {
  const key = `ots_canary00_${"A".repeat(43)}_canary`;

  test.each([
    ["in the place of its hash", good.replace(`sha256:${"0".repeat(64)}`, key)],
    ["as a key of a mapping", good.replace("api_key:", `${key}:`)],
    ["as a name", good.replace("name: ci", `name: ${key}`)],
    ["as a method", good.replace("[GetToken]\n", `[${key}]\n`)],
    ["beside what is not YAML", good.replace("callers:\n", `callers: ${key}: {\n`)],
    ["behind a tag", good.replace("name: ci", `name: !${key} ci`)],
    ["as an alias", good.replace("name: ci", `name: *${key}`)],
  ])("a key %s", (_, text) => {
    const refusal = refusalOf(text);
    expect(refusal).not.toBe("");
    expect(refusal).not.toContain("canary");
    expect(refusal).not.toContain("AAAAAAAAAAAA");
  });
});

describe("a rule may", () => {
  const rule = (text: string) =>
    parse(fileOf([`{ name: x, match: { mtls_san: x }, allow: [{ ${text} }] }`])).callers[0]!.caller.rules[0]!;

  test("name the reading of metrics alone, without platforms and owners", () => {
    expect(rule("methods: [Metrics]")).toMatchObject({ products: new Set(), owners: new Set() });
    expect(() => rule("methods: [Metrics, GetToken]")).toThrow("platforms: missing");
  });

  test("let links complete in the callback", () => {
    const base = "methods: [CreateInstallLink], platforms: [slack], all_owners: true";
    expect(rule(base).completeInCallback).toBe(false);
    expect(rule(`${base}, complete_in_callback: true`).completeInCallback).toBe(true);
  });

  test("send people back to this machine", () => {
    const base = "methods: [CreateInstallLink], platforms: [slack], all_owners: true";
    const origins = ["http://localhost:3000", "http://127.0.0.1:8010", "http://[::1]:1", "https://a.example:8443"];
    expect(rule(`${base}, return_origins: ${JSON.stringify(origins)}`).returnOrigins).toEqual(new Set(origins));
  });
});

describe("of API keys the file warns", () => {
  const warnings = (expires: string) =>
    parse(fileOf([callerOf("ci", `api_key: "sha256:${"0".repeat(64)}"${expires}`)])).warnings;

  test.each([
    ["", ["the API key of ci never expires: give it a day within 90 days"]],
    [", expires: 2026-11-20", ["the API key of ci has expired"]],
    [", expires: 2026-11-21", []],
    [", expires: 2027-02-19", []],
    [", expires: 2027-02-20", ["the API key of ci lives for 91 more days: 90 are plenty"]],
  ])("by their end%s", (expires, expected) => {
    expect(warnings(expires)).toEqual(expected);
  });
});

test("rules name every RPC there is, and every platform", () => {
  const names = TokenService.methods.map((method) => method.name);
  expect(names).toContain("GetToken");
  expect(knownMethods({ rpcs: methodNames, products: [], narrowable: [] })).toEqual(expect.arrayContaining(names));
  expect(registry.productNames).toEqual(["github", "github-oauth", "jira", "confluence", "slack", "sentry"]);
});
