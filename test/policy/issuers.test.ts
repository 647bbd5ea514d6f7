import { expect, test } from "vitest";
import { parseCallerFile } from "../../src/callers/caller-file.ts";
import { createPolicy } from "../../src/callers/policy.ts";
import { registry } from "../../src/platforms/registry.ts";

const issuer = (name: string) => ({
  ...{ kind: "oidc", issuer: `https://${name}.example`, audience: "tokens" },
  ...{ jwks_uri: `https://${name}.example/keys`, algorithms: ["ES256"] },
});
const allow = [{ methods: ["GetToken"], platforms: ["github"], owners: ["acme"] }];
const file = {
  version: 1,
  issuers: { one: issuer("one"), two: issuer("two") },
  callers: [
    { name: "runner", match: { issuer: "one", subject: "runner" }, allow },
    { name: "cleaner", match: { issuer: "two", subject: "cleaner" }, allow },
  ],
};

test("a subject is a caller for its own issuer alone", () => {
  const options = {
    rpcs: ["GetToken"],
    products: ["github"],
    narrowable: ["github"],
    redact: registry.redact,
    now: new Date(),
    name: "callers",
  };
  const { issuerOf, bySubject } = createPolicy(parseCallerFile(Buffer.from(JSON.stringify(file)), options));
  const [one, two] = [issuerOf("https://one.example")!, issuerOf("https://two.example")!];
  expect(bySubject(one, "runner")?.name).toBe("runner");
  expect(bySubject(two, "cleaner")?.name).toBe("cleaner");
  expect(bySubject(two, "runner")).toBeUndefined();
  expect(bySubject(one, "cleaner")).toBeUndefined();
});
