import { expect, test } from "vitest";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const config = "/api/v3/app/hook/config";

const sandbox = () => shared.service.sandbox.github;
const hook = () => sandbox().app.webhook;
const url = () => `${shared.service.replicas[0]?.publicUrl}/webhooks/github`;
const changes = () => sandbox().calls.filter(({ method, path }) => method === "PATCH" && path === config).length;
const questions = () => sandbox().calls.filter(({ method, path }) => method === "GET" && path === config).length;
const registered = () => ({ registered: true, url: url(), external_ids: [], error: "", expire_time: null });

async function shownWebhook(id: string) {
  return (await shared.caller.installation(id)).webhook;
}
const look = (index = 0) => shared.service.replicas[index]!.jobs.run("keep webhooks");

test("the one webhook of the app is registered at start, once by two replicas, as JSON with the secret", async () => {
  expect(changes()).toBe(1);
  expect(questions()).toBe(2);
  expect(hook()).toMatchObject({ url: url(), contentType: "json", secret: "sandbox-github-webhook-secret" });
  for (const replica of [0, 1]) await look(replica);
  expect(questions()).toBe(2);
});

test("every door shows it of every installation of the app", async () => {
  const connected = await shared.service.connect("github");
  const id = connected.installation_id;
  expect(await shownWebhook(id)).toEqual(registered());
  const shown = { registered: true, url: url(), external_ids: [], error: "" };
  expect(connected.installations[0]?.webhook).toEqual(shown);
  const { internalUrl } = shared.service.replicas[0]!;
  const rest = await fetch(`${internalUrl}/oauth/installations`);
  const { installations } = (await rest.json()) as { installations: { webhook: unknown }[] };
  expect(installations[0]?.webhook).toEqual(shown);
  const body = JSON.stringify({ installationId: id });
  const headers = { "content-type": "application/json" };
  const path = "/oauth.token.v1.TokenService/GetInstallation";
  const connect = await fetch(`${internalUrl}${path}`, { method: "POST", headers, body });
  const answer = (await connect.json()) as { installation: { webhook: unknown } };
  expect(answer.installation.webhook).toEqual({ registered: true, url: url() });
  expect((await shared.caller.list()).installations[0]?.webhook).toEqual(registered());
  expect((await shared.caller.revoke(id)).installation.webhook).toEqual(registered());
  expect(changes()).toBe(1);
});

test("what platforms want entered by hand is shown as such, and what sends no events has none", async () => {
  const slack = await shared.service.connect("slack");
  const base = shared.service.replicas[0]?.publicUrl;
  expect(await shownWebhook(slack.installation_id)).toEqual({
    ...registered(),
    registered: false,
    url: `${base}/webhooks/slack`,
  });
  const oauth = await shared.service.connect("github-oauth");
  expect(await shownWebhook(oauth.installation_id)).toBeNull();
});

test("what somebody changed at GitHub is found within hours, and set right", async () => {
  hook().url = "https://elsewhere.example/hook";
  await look();
  expect(hook().url).not.toBe(url());
  shared.service.clock.advance(7 * 3_600_000);
  await look(1);
  expect(hook().url).toBe(url());
  Object.assign(hook(), { contentType: "form" });
  shared.service.clock.advance(7 * 3_600_000);
  await look();
  expect(hook().contentType).toBe("json");
});

test("an address or secret that changed is registered at start: of two secrets the first", async () => {
  const before = changes();
  await shared.startReplica({ GITHUB_WEBHOOK_SECRET: "next-secret,sandbox-github-webhook-secret" });
  expect(hook().secret).toBe("next-secret");
  await shared.startReplica({ GITHUB_WEBHOOK_SECRET: "next-secret,sandbox-github-webhook-secret" });
  expect(changes()).toBe(before + 1);
  await shared.startReplica({ GITHUB_WEBHOOK_SECRET: "next-secret", BASE_URL: "http://localhost:1" });
  expect(hook().url).toBe("http://localhost:1/webhooks/github");
  await shared.startReplica({ GITHUB_WEBHOOK_SECRET: "next-secret" });
  expect(hook()).toMatchObject({ url: url(), secret: "next-secret" });
});

test("GitHub's no fails neither start nor install, is shown, and is asked again when somebody connects", async () => {
  sandbox().controls.setUnreachable("localhost", true);
  await shared.startReplica({ GITHUB_WEBHOOK_SECRET: "third-secret" });
  const refused = { ...registered(), registered: false, error: "address_refused" };
  const first = await shared.service.connect("github");
  expect(first.success).toBe(true);
  expect(await shownWebhook(first.installation_id)).toEqual(refused);
  const told = shared.service.world.lines.find((line) => line.includes('"webhook.failed"'));
  expect(told).toContain("isn't reachable over the public Internet");
  sandbox().controls.setUnreachable("localhost", false);
  await shared.service.connect("github");
  expect(await shownWebhook(first.installation_id)).toEqual(registered());
});

test("an app whose webhook is switched off says so, and one without a secret is not registered", async () => {
  hook().active = false;
  await shared.startReplica({});
  const { installation_id } = await shared.service.connect("github");
  const off = { ...registered(), registered: false, error: "no_webhook" };
  expect(await shownWebhook(installation_id)).toEqual(off);
  hook().active = true;
  shared.service.clock.advance(3_600_000);
  await look();
  expect(await shownWebhook(installation_id)).toEqual(registered());
  const before = changes();
  await shared.startReplica({ GITHUB_WEBHOOK_SECRET: "" });
  expect(await shownWebhook(installation_id)).toEqual({ ...off, error: "no_secret" });
  expect(changes()).toBe(before);
});
