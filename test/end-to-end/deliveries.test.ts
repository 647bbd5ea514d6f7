import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import {
  githubDelivery,
  jiraDelivery,
  type SignedDelivery,
  sentryDelivery,
  slackDelivery,
} from "../../rig/signed-deliveries.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

async function send(platform: string, { headers, body }: SignedDelivery, replica = 0): Promise<Response> {
  const { publicUrl } = shared.service.replicas[replica]!;
  return fetch(`${publicUrl}/webhooks/${platform}`, { method: "POST", headers, body });
}

const secretOf = (name: string) => shared.service.sandbox.environment[name] ?? "";
const github = (event: string, payload: object, id: string = randomUUID()) =>
  githubDelivery(secretOf("GITHUB_WEBHOOK_SECRET"), event, payload, id);
const deleted = { action: "deleted", installation: { id: 424_242, account: { id: 1 } } };
const rows = () => shared.sql`select * from webhook_deliveries order by id`;

describe("what platforms tell", () => {
  test("is answered once it is on disk, and has one effect however often it comes", async () => {
    const before = (await rows()).length;
    const delivery = github("installation", deleted);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => send("github", delivery, i % 2)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const kept = (await rows()).slice(before);
    expect(kept).toMatchObject([{ platform: "github", type: "github.installation.deleted" }]);
    await until(async () => (await rows()).every(({ status }) => status === "done"), "the work is done");
    expect((await rows()).slice(before)).toMatchObject([{ status: "done", content: null }]);
  });

  test("is believed of Slack, Jira and Sentry as well, and Slack's challenge is answered", async () => {
    const { service } = shared;
    const now = service.clock.now();
    const slack = (payload: object) => slackDelivery(secretOf("SLACK_SIGNING_SECRET"), payload, now);
    const challenge = await send("slack", slack({ type: "url_verification", challenge: "c-1" }));
    expect([challenge.status, await challenge.text()]).toEqual([200, "c-1"]);
    const event = { type: "event_callback", event_id: randomUUID(), team_id: "T1", event: { type: "message" } };
    expect((await send("slack", slack(event))).status).toBe(200);
    const jira = jiraDelivery(secretOf("JIRA_CLIENT_SECRET"), { webhookEvent: "jira:issue_created" }, now);
    expect((await send("jira", jira)).status).toBe(200);
    const sentry = sentryDelivery(secretOf("SENTRY_CLIENT_SECRET"), "issue", { action: "created", data: {} });
    expect((await send("sentry", sentry)).status).toBe(200);
    const types = (await rows()).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["slack.message", "jira.jira:issue_created", "sentry.issue.created"]));
  });

  test("changes nothing if it is not signed, and is 401", async () => {
    const before = await rows();
    const forged = githubDelivery("another secret", "installation", deleted);
    const { "x-hub-signature-256": _, ...unsigned } = forged.headers;
    const stale = slackDelivery(secretOf("SLACK_SIGNING_SECRET"), {}, new Date(0));
    const answers = await Promise.all([
      send("github", forged),
      send("github", { ...forged, headers: unsigned }),
      send("slack", stale),
      send("jira", { headers: {}, body: "{}" }),
      send("sentry", sentryDelivery("another secret", "installation", { action: "deleted" })),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(await rows()).toEqual(before);
    expect((await send("sentry-none", forged)).status).toBe(404);
  });

  test("is done by whoever looks next where the process that took it up has ended", async () => {
    const { sql, service } = shared;
    const { storage, close } = await service.openStorage();
    const event = { event: "installation", action: "deleted", about: {}, happenedAt: undefined } as const;
    const deliveryId = randomUUID();
    const content = {
      kind: "event",
      event: { ...event, deliveryId, news: { kind: "ended" } },
      payload: undefined,
    } as const;
    const known = { platform: "github", type: "github.installation.deleted", deliveryId } as const;
    const [kept] = await storage.deliveries.keep([{ ...known, content, task: "apply", leased: true }], 11_000);
    const id = kept?.id ?? "";
    await close();
    const status = async () => (await rows()).find((row) => row.id === id)?.status;
    await service.replicas[1]!.jobs.run("work off deliveries");
    expect(await status()).toBe("apply");
    await sql`update webhook_deliveries set due_at = due_at - interval '11 seconds' where id = ${id}`;
    await service.replicas[1]!.jobs.run("work off deliveries");
    expect(await status()).toBe("done");
  });
});
