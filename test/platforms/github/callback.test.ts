import { expect, it } from "vitest";
import { readInstallCallback, readOauthCallback } from "../../../src/platforms/github/callback.ts";

const issuer = "https://github.com/login/oauth";

function install(query: string, hint?: string) {
  const callback = readInstallCallback(new URLSearchParams(query), issuer, hint);
  return callback.kind === "code" ? { ...callback, code: callback.code.reveal() } : callback;
}

function oauth(query: string) {
  const callback = readOauthCallback(new URLSearchParams(query), issuer);
  return callback.kind === "code" ? { ...callback, code: callback.code.reveal() } : callback;
}

it.each([
  ["code=c1&installation_id=77&setup_action=install&state=s", undefined, { kind: "code", code: "c1", hint: "77:new" }],
  ["code=c1&installation_id=77&setup_action=update", undefined, { kind: "settings_saved", hint: "77" }],
  ["code=c1&installation_id=77&setup_action=update", "78:new", { kind: "settings_saved", hint: "77" }],
  ["code=c1&installation_id=77&setup_action=update&state=s", undefined, { kind: "code", code: "c1", hint: "77" }],
  ["code=c1&installation_id=77&setup_action=install", undefined, { kind: "code", code: "c1", hint: "77" }],
  ["code=c1&state=s", "77", { kind: "code", code: "c1", hint: "77" }],
  ["code=c1&state=s", "77:new", { kind: "code", code: "c1", hint: "77:new" }],
  ["code=c1&installation_id=78&state=s", "77", { kind: "code", code: "c1", hint: "78" }],
  ["code=c1&state=s", undefined, { kind: "code", code: "c1", hint: undefined }],
  ["installation_id=77&setup_action=install", undefined, { kind: "authorize_first", hint: "77" }],
  ["installation_id=77&setup_action=install&state=s", undefined, { kind: "authorize_first", hint: "77:new" }],
  ["state=&installation_id=77&setup_action=install", undefined, { kind: "authorize_first", hint: "77" }],
  ["installation_id=77&setup_action=update&code=", undefined, { kind: "settings_saved", hint: "77" }],
  ["installation_id=77&setup_action=update&state=", undefined, { kind: "settings_saved", hint: "77" }],
  ["installation_id=77&setup_action=update&state=s", undefined, { kind: "authorize_first", hint: "77" }],
  ["setup_action=update&code=c1", undefined, { kind: "code", code: "c1", hint: undefined }],
  ["installation_id=x&setup_action=update", undefined, { kind: "malformed" }],
  ["installation_id=77&setup_action=update&error=access_denied", undefined, { kind: "denied" }],
  ["installation_id=77&setup_action=something_new", undefined, { kind: "authorize_first", hint: "77" }],
  ["setup_action=request&state=s", undefined, { kind: "approval_pending" }],
  ["setup_action=request&code=c1&state=s", undefined, { kind: "approval_pending" }],
  ["error=access_denied&error_description=The+user+has+denied&state=s", undefined, { kind: "denied" }],
  ["error=redirect_uri_mismatch", undefined, { kind: "misconfigured", code: "redirect_uri_mismatch" }],
  ["error=application_suspended", "77", { kind: "misconfigured", code: "application_suspended" }],
  ["error=<script>", undefined, { kind: "malformed" }],
  ["error=toString", undefined, { kind: "malformed" }],
  ["error=&code=c1&installation_id=77", undefined, { kind: "malformed" }],
  ["state=s", undefined, { kind: "malformed" }],
  ["setup_action=install", "77", { kind: "malformed" }],
  ["installation_id=77%2F..%2F78", undefined, { kind: "malformed" }],
  ["installation_id=-1&code=c1", undefined, { kind: "malformed" }],
  ["installation_id=007", undefined, { kind: "malformed" }],
  ["installation_id=77&installation_id=78&code=c1", undefined, { kind: "malformed" }],
  ["code=c1&code=c2&installation_id=77", undefined, { kind: "malformed" }],
])("reads the install callback %s with the hint %s", (query, hint, expected) => {
  expect(install(query, hint)).toEqual(expected);
});

it.each([
  ["code=c1&state=s&iss=https%3A%2F%2Fgithub.com%2Flogin%2Foauth", { kind: "code", code: "c1", hint: undefined }],
  ["code=c1&state=s", { kind: "code", code: "c1", hint: undefined }],
  ["code=c1&iss=https%3A%2F%2Fevil.example", { kind: "wrong_issuer" }],
  ["code=c1&iss=", { kind: "wrong_issuer" }],
  ["code=c1&iss=https%3A%2F%2Fgithub.com%2Flogin%2Foauth%2F", { kind: "wrong_issuer" }],
  ["error=access_denied&iss=https%3A%2F%2Fevil.example", { kind: "wrong_issuer" }],
  ["error=access_denied", { kind: "denied" }],
  ["installation_id=77", { kind: "malformed" }],
  ["", { kind: "malformed" }],
])("reads the OAuth callback %s", (query, expected) => {
  expect(oauth(query)).toEqual(expected);
});

it("refuses another issuer before it looks at an installation id", () => {
  expect(install("installation_id=77&iss=https%3A%2F%2Fevil.example")).toEqual({ kind: "wrong_issuer" });
});
