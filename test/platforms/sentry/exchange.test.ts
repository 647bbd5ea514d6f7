import { describe, expect, test } from "vitest";
import { readSentryCallback, sentryInstallUrl } from "../../../src/platforms/sentry/authorize.ts";
import { exchangeSentryCode } from "../../../src/platforms/sentry/exchange.ts";
import { Secret } from "../../../src/secret.ts";
import { granted, installation, type Scripted, scripted, uuid } from "./support.ts";

const base = `https://sentry.io/api/0/sentry-app-installations/${uuid}/`;
const organization: Scripted = [200, { id: "4505001", slug: "acme", name: "Acme Inc." }];
const ok: Scripted = [201, granted];

async function exchange(...answers: readonly Scripted[]) {
  const { client, sent } = scripted(...answers);
  return { outcome: await exchangeSentryCode(client, { code: new Secret("code"), hint: uuid }), sent };
}

describe("the browser", () => {
  test("is sent to the page of the integration with nothing but the state", () => {
    const url = sentryInstallUrl({ sentryUrl: "https://sentry.io", slug: "acme-bot" }, { state: "a&b" });
    expect(url.href).toBe("https://sentry.io/sentry-apps/acme-bot/external-install/?state=a%26b");
  });

  const read = (query: Record<string, string> | string) => readSentryCallback(new URLSearchParams(query));

  test("brings a code that has to fit the installation beside it", () => {
    const callback = read({ code: "c", installationId: uuid, orgSlug: "acme", state: "s" });
    expect(callback).toMatchObject({ kind: "code", hint: uuid });
    expect(read({ code: "c", installationId: uuid.replaceAll("-", ""), state: "s" })).toMatchObject({ kind: "code" });
  });

  test("without a state names the installation that the code has to fit all the same", () => {
    expect(read({ code: "c", installationId: uuid })).toMatchObject({ kind: "code", hint: uuid });
    expect(read({ code: "c", installationId: uuid, state: "" })).toMatchObject({ kind: "code", hint: uuid });
  });

  test.each([
    "code=c&state=s",
    `installationId=${uuid}&state=s`,
    `code=c&installationId=${uuid}&installationId=${uuid}&state=s`,
    `code=c&code=d&installationId=${uuid}&state=s`,
    "code=c&installationId=../../organizations/acme&state=s",
    `code=c&installationId=${uuid}/..&state=s`,
    "code=c&installationId=1&state=s",
  ])("with %s brings nothing that could be meant", (query) => {
    expect(read(query)).toEqual({ kind: "malformed" });
  });
});

describe("the code", () => {
  test("is spent in JSON, and what Sentry says with the new token is what was connected", async () => {
    const { outcome, sent } = await exchange(ok, [200, installation], organization);
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `POST ${base}authorizations/`,
      `GET ${base}`,
      "GET https://sentry.io/api/0/organizations/acme/",
    ]);
    expect(sent[0]?.headers.get("content-type")).toBe("application/json");
    expect(sent[0]?.body).toEqual({
      grant_type: "authorization_code",
      code: "code",
      client_id: "client",
      client_secret: "secret",
    });
    expect(sent[1]?.headers.get("authorization")).toBe("Bearer ec48bf98");
    expect(outcome).toMatchObject({
      kind: "connected",
      connection: {
        installations: [
          {
            products: ["sentry"],
            externalOrgId: "4505001",
            externalOrgName: "Acme Inc.",
            externalInstallId: uuid,
            metadata: { organization_slug: "acme" },
            scopes: granted.scopes,
          },
        ],
        credentials: [{ kind: "rotating", actor: "app", subject: uuid, natural: true }],
      },
    });
  });

  test("of a pending installation leaves it pending: nothing is kept here yet", async () => {
    const { outcome, sent } = await exchange(ok, [200, { ...installation, status: "pending" }], organization);
    expect(outcome.kind).toBe("connected");
    expect(sent.map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
  });

  test("of an integration that may not read its installation: the same word tells", async () => {
    const forbidden: Scripted = [403, { detail: "You do not have permission to perform this action." }];
    const { outcome } = await exchange(ok, forbidden, [200, installation], forbidden);
    expect(outcome).toMatchObject({ connection: { installations: [{ externalOrgName: "acme" }] } });
  });

  test("is spent: the questions after it are asked patiently", async () => {
    const down: Scripted = [503, "down"];
    const { outcome, sent } = await exchange(ok, down, { error: "ECONNRESET" }, [200, installation], organization);
    expect(outcome.kind).toBe("connected");
    expect(sent).toHaveLength(5);
  });

  test("is not believed to be of another installation than was asked for", async () => {
    const other = { ...installation, uuid: "b8e5d37a-696c-4c54-adb5-b3f28d64c7de" };
    const { outcome } = await exchange(ok, [200, other]);
    expect(outcome).toMatchObject({ kind: "unavailable", cause: "installation_unreadable" });
  });

  test("takes the slug for a name where the organization is another one, or is not told", async () => {
    for (const answer of [
      [200, { id: "1", name: "Other" }],
      [403, {}],
      [200, "<html>"],
    ] as const) {
      const { outcome } = await exchange(ok, [200, installation], answer);
      expect(outcome).toMatchObject({ connection: { installations: [{ externalOrgName: "acme" }] } });
    }
  });

  test.each<readonly [Scripted, object]>([
    [[401, { detail: "Could not find grant for given code" }], { kind: "code_rejected", code: "grant_unknown" }],
    [[403, { error: "Could not find grant" }], { kind: "code_rejected", code: "grant_unknown" }],
    [[401, { detail: "Forbidden grant" }], { kind: "code_rejected" }],
    [[401, { detail: "Grant has already expired" }], { kind: "code_rejected" }],
    [[404, { detail: "Could not find given sentry app installation" }], { kind: "code_rejected" }],
    [[403, { detail: "You do not have permission to perform this action." }], { kind: "code_rejected" }],
    [[401, { detail: "Invalid Client ID / Secret pair" }], { kind: "misconfigured", code: "invalid_client" }],
    [[401, { detail: "Invalid request" }], { kind: "misconfigured" }],
    [[401, { detail: "Application is not active" }], { kind: "misconfigured" }],
    [[400, { code: ["This field is required."] }], { kind: "unavailable" }],
    [[500, { detail: "Organization not found, please try again later" }], { kind: "unavailable" }],
    [[404, "<html>"], { kind: "unavailable" }],
    [[301, ""], { kind: "unavailable" }],
    [[429, {}], { kind: "rate_limited" }],
    [{ error: "ECONNRESET" }, { kind: "unavailable", mayHaveBeenProcessed: true }],
  ])("answered with %j", async (answer, expected) => {
    const { outcome, sent } = await exchange(answer);
    expect(outcome).toMatchObject(expected);
    expect(sent).toHaveLength(1);
  });
});
