import { afterEach, beforeEach, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { type AtlassianSandbox, startAtlassian } from "../../sandbox/atlassian/atlassian.ts";
import { defaultSites } from "../../sandbox/atlassian/people.ts";
import { follow, get, type Reply, sendJson, text } from "./plain-client.ts";

let atlassian: AtlassianSandbox;
let token: string;
const clock = createClock();
const [acme, globex] = defaultSites;
const dayMs = 86_400_000;
const url = "https://here.example/webhooks/jira";

beforeEach(async () => {
  atlassian = await startAtlassian({ autoApprove: true, now: clock.now });
  token = await tokenWith("read:jira-work manage:jira-webhook offline_access");
});
afterEach(() => atlassian.close());

async function tokenWith(scope: string): Promise<string> {
  const { clientId, clientSecret, callbackUrls } = atlassian.registration;
  const redirectUri = callbackUrls[0] ?? "";
  const query = { audience: "api.atlassian.com", client_id: clientId, redirect_uri: redirectUri, state: "s" };
  const asked = new URLSearchParams({ ...query, scope, response_type: "code", prompt: "consent" });
  const code = (await follow(`${atlassian.url}/authorize?${asked}`)).get("code") ?? "";
  const grant = { grant_type: "authorization_code", code, redirect_uri: redirectUri };
  const reply = await sendJson("POST", `${atlassian.url}/oauth/token`, {
    ...{ client_id: clientId, client_secret: clientSecret },
    ...grant,
  });
  return text(reply, "access_token");
}

const path = (site = acme) => `${atlassian.apiUrl}/ex/jira/${site!.id}/rest/api/3/webhook`;
const ask = (method: string, to: string, body: unknown): Promise<Reply> =>
  sendJson(method, to, body, { authorization: `Bearer ${token}` });
const details = (jqlFilter = "project != NULL", events = ["jira:issue_created"]) => ({ jqlFilter, events });
const register = (webhooks: unknown[], at = url, site = acme) => ask("POST", path(site), { url: at, webhooks });
const list = async (site = acme) => (await get(path(site), token)).body as { values: { id: number; url?: string }[] };

test("registers in the order of the request, and refuses inside of a success", async () => {
  const refused = ["project is not EMPTY", "summary ~ x", "watchCount > 3", ""].map((filter) => details(filter));
  const answer = await register([details(), ...refused, details("status = Done", ["x"]), details("project IN (A, B)")]);
  expect(answer).toMatchObject({
    status: 200,
    body: {
      webhookRegistrationResult: [
        { createdWebhookId: 1000 },
        ...Array.from({ length: 5 }, () => ({ errors: [expect.any(String)] })),
        { createdWebhookId: 1001 },
      ],
    },
  });
});

test("has five for each person and site, and one address for the app", async () => {
  const five = await register(Array.from({ length: 6 }, () => details()));
  expect(JSON.stringify(five.body)).toContain("Maximum number");
  expect((await list()).values).toHaveLength(5);
  expect(JSON.stringify((await register([details()], "https://other.example", globex)).body)).toContain("single URL");
  expect(await register([details()], url, globex)).toMatchObject({
    body: { webhookRegistrationResult: [{ createdWebhookId: 1000 }] },
  });
});

test("drops what is not renewed after thirty days, and ignores ids that it does not know", async () => {
  await register([details(), details()]);
  const scope = "read:jira-work manage:jira-webhook";
  clock.advance(20 * dayMs);
  token = await tokenWith(scope);
  const renewed = await ask("PUT", `${path()}/refresh`, { webhookIds: [1001, 4711] });
  expect(renewed).toMatchObject({ status: 200, body: { expirationDate: expect.stringMatching(/\+0000$/) } });
  clock.advance(11 * dayMs);
  token = await tokenWith(scope);
  expect((await list()).values.map(({ id }) => id)).toEqual([1001]);
  expect(await ask("DELETE", path(), { webhookIds: [1001, 1002] })).toMatchObject({ status: 202 });
  expect((await list()).values).toEqual([]);
});

test("refuses who lacks the scope with 403, a body that is none with 400, and a stranger with 401", async () => {
  expect(await ask("DELETE", path(), "nothing")).toMatchObject({ status: 400 });
  token = await tokenWith("read:jira-work");
  expect(await register([details()])).toMatchObject({ status: 403 });
  token = "stranger";
  expect(await register([details()])).toMatchObject({ status: 401 });
});
