import { expect, test } from "vitest";
import { codeChallenge } from "../../../src/domain/connecting/pkce.ts";
import { Secret } from "../../../src/secret.ts";

test.each([
  ["RFC 7636 appendix B", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
  ["Slack's documentation", "secretpassword", "ldMBaaWcQYtSATMV_IG8mf3wp7A6EW80arYoSW80ntU"],
])("the S256 challenge is the one of %s", (_, verifier, challenge) => {
  expect(codeChallenge(new Secret(verifier))).toBe(challenge);
});
