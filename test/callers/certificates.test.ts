import { expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { callerOf, fileOf } from "./support/caller-files.ts";
import { openAuthenticator } from "./support/open-authenticator.ts";

const spiffe = "spiffe://example.org/ns/web/sa/dashboard";
const { who, refusal } = openAuthenticator(
  fileOf([callerOf("dashboard", `mtls_san: "${spiffe}"`), callerOf("batch", "mtls_san: batch.internal")]),
  createClock().now,
);

test.each([
  ["its URI", [`URI:${spiffe}`], "dashboard"],
  ["its DNS name", ["DNS:batch.internal"], "batch"],
  ["its name among others", ["DNS:x.internal", `URI:${spiffe}`, "IP Address:127.0.0.1"], "dashboard"],
  ["its name, written twice", [`URI:${spiffe}`, `URI:${spiffe}`], "dashboard"],
])("a certificate is a caller's by %s", async (_, names, caller) => {
  expect((await who(undefined, names)).name).toBe(caller);
});

test.each([
  ["no certificate", []],
  ["a certificate without names", [""]],
  ["another name", ["DNS:other.internal"]],
  ["names of two callers", [`URI:${spiffe}`, "DNS:batch.internal"]],
  ["a URI in the place of a DNS name", [`DNS:${spiffe}`]],
  ["a DNS name in the place of a URI", ["URI:batch.internal"]],
  ["a name without its kind", [spiffe]],
  ["a common name", ["CN:batch.internal"]],
  ["other letters", ["DNS:Batch.internal"]],
  ["a dot at the end", ["DNS:batch.internal."]],
  ["a pattern that would fit", ["DNS:*.internal"]],
  ["a name that begins alike", [`URI:${spiffe}-2`]],
  ["a name that is cut", [`URI:${spiffe.slice(0, -1)}`]],
  ["a name with a name inside", ["DNS:x, DNS:batch.internal"]],
])("%s is nobody's", async (_, names) => {
  expect(JSON.parse(await refusal(undefined, names)).reason).toBe("CALLER_UNAUTHENTICATED");
});
