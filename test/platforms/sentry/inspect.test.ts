import { expect, test } from "vitest";
import { confirmSentry, inspectSentry } from "../../../src/platforms/sentry/inspect.ts";
import { Secret } from "../../../src/secret.ts";
import { installation, type Scripted, scripted, uuid } from "./support.ts";

const renamed: Scripted = [200, { id: 4505001, slug: "acme", name: "Acme & Sons" }];

async function inspect(...answers: readonly Scripted[]) {
  const { client, sent } = scripted(...answers);
  const inspection = await inspectSentry(client, { subject: uuid, accessToken: new Secret("token") });
  return { inspection, sent };
}

test("asks with the token, and tells what people see of the organization now", async () => {
  const { inspection, sent } = await inspect([200, installation], renamed);
  expect(inspection).toMatchObject({
    kind: "present",
    facts: { externalOrgName: "Acme & Sons", metadata: { organization_slug: "acme" }, scopes: undefined },
  });
  expect(sent.map(({ method }) => method)).toEqual(["GET", "GET"]);
  expect(sent[0]?.headers.get("authorization")).toBe("Bearer token");
});

test("says that it is finished where that did not arrive at the install", async () => {
  const { inspection, sent } = await inspect([200, { ...installation, status: "pending" }], [500, "down"], renamed);
  expect(inspection.kind).toBe("present");
  expect(sent[1]).toMatchObject({ method: "PUT", body: { status: "installed" } });
});

test("without a token there is nothing to ask with", async () => {
  const { client, sent } = scripted(renamed);
  const inspection = await inspectSentry(client, { subject: uuid, accessToken: undefined });
  expect([inspection.kind, sent]).toEqual(["unavailable", []]);
});

test.each<readonly [Scripted, object]>([
  [[200, { ...installation, status: "pending_deletion" }], { kind: "gone", code: "pending_deletion" }],
  [[404, { detail: "Could not find given sentry app installation" }], { kind: "gone", code: "installation_unknown" }],
  [[404, { detail: "The requested resource does not exist" }], { kind: "gone" }],
  [[401, { detail: "Invalid token" }], { kind: "grant_dead", code: "invalid_token" }],
  [[401, { detail: "Token expired" }], { kind: "grant_dead" }],
  [[403, { detail: "You do not have permission to perform this action." }], { kind: "present" }],
  [[401, { detail: "Who knows" }], { kind: "unavailable", cause: "http_401" }],
  [[404, "<html>"], { kind: "unavailable" }],
  [[200, "<html>"], { kind: "unavailable", cause: "unreadable_body" }],
  [[200, { ...installation, uuid: "b8e5d37a-696c-4c54-adb5-b3f28d64c7de" }], { kind: "unavailable" }],
  [[503, { detail: "Not found." }], { kind: "unavailable", cause: "http_503" }],
  [[429, {}], { kind: "rate_limited" }],
  [{ error: "ECONNRESET" }, { kind: "unavailable" }],
])("answered with %j", async (answer, expected) => {
  expect((await inspect(answer, renamed)).inspection).toMatchObject(expected);
});

test.each<readonly [Scripted, object]>([
  [[200, installation], { kind: "confirmed" }],
  [[401, { detail: "Invalid token" }], { kind: "token_rejected" }],
  [[404, { detail: "Could not find given sentry app installation" }], { kind: "failed", code: "installation_unknown" }],
  [[429, {}], { kind: "failed", code: "rate_limited" }],
  [[503, "down"], { kind: "failed", code: "http_503" }],
])("told that it is installed, Sentry answers %j", async (answer, expected) => {
  const { client, sent } = scripted(answer);
  expect(await confirmSentry(client, uuid, new Secret("token"))).toEqual(expected);
  expect(sent).toMatchObject([{ method: "PUT", body: { status: "installed" } }]);
});
