import { randomBytes, randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { until } from "../../rig/gate.ts";
import { type Received, startReceiver } from "../../rig/receiver.ts";
import { githubDelivery, jiraDelivery } from "../../rig/signed-deliveries.ts";
import { runOperator } from "../support/operator.ts";
import { useService } from "./support/use-service.ts";

const key = Buffer.alloc(32, 7).toString("base64url");
const secret = `whsec_${randomBytes(24).toString("base64")}`;
const oldSecret = "any text is a secret";
const receiver = await startReceiver();
const shared = useService({
  env: {
    WEBHOOK_FORWARD_URL: receiver.url,
    WEBHOOK_FORWARD_SECRET: `${secret}, ${oldSecret}`,
    TOKEN_ENCRYPTION_KEY: key,
  },
});
afterAll(() => receiver.close());
afterEach(async () => {
  receiver.answer = 204;
  await shared.sql`delete from webhook_deliveries`;
});

interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** As the receiver's own library reads it. @throws if it does not believe it. */
function judged({ headers, body }: Received, by = secret): Message {
  return new Webhook(
    by.startsWith("whsec_") ? by : Buffer.from(by),
    by.startsWith("whsec_") ? {} : { format: "raw" },
  ).verify(body, headers as Record<string, string>) as Message;
}

async function send(payload: object, id: string = randomUUID(), event = "issues"): Promise<string> {
  const { publicUrl } = shared.service.replicas[0]!;
  const webhookSecret = shared.service.sandbox.environment.GITHUB_WEBHOOK_SECRET ?? "";
  const { headers, body } = githubDelivery(webhookSecret, event, payload, id);
  const answer = await fetch(`${publicUrl}/webhooks/github`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
  return id;
}

const of = (id: string) => receiver.received.filter(({ body }) => body.includes(id));
const row = async (id: string) => (await shared.sql`select * from webhook_deliveries where delivery_id = ${id}`)[0];
const job = (name: string) => shared.service.replicas[0]!.jobs.run(name);
const makeDue = (id: string) =>
  shared.sql`update webhook_deliveries set due_at = now() - interval '1 s' where delivery_id = ${id}`;
const secondsAhead = async (id: string) =>
  Number(
    (
      await shared.sql`select extract(epoch from due_at - now()) as s from webhook_deliveries
    where delivery_id = ${id}`
    )[0]?.s,
  );
const failed = (id: string, attempts: number) =>
  until(async () => (await row(id))?.attempts === attempts && (await row(id))?.last_error !== null, "it failed");
function operator(...args: string[]) {
  const env = { ...throwAwayDatabase, ...shared.service.databaseEnv(), TOKEN_ENCRYPTION_KEY: key };
  return runOperator(args, env);
}

describe("a verified event", () => {
  test("goes to who wants to hear of it, signed, with whose it is, text for text what came", async () => {
    const { installation_id } = await shared.service.connect("github", { query: "?owner=acme" });
    const [installation] = await shared.sql`select * from installations where id = ${installation_id}`;
    const payload = {
      action: "opened",
      installation: { id: Number(installation?.external_install_id) },
      issue: { id: 9_007_199_254_740_991, title: "ü ☃ \u2028 </script>", ratio: 1.5e300 },
    };
    const id = await send(payload);
    await until(() => of(id).length === 1, "it arrived");
    const [received] = of(id);
    for (const by of [secret, oldSecret]) {
      expect(judged(received!, by)).toEqual({
        type: "github.issues.opened",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: {
          platform: "github",
          installation_id,
          owner: "acme",
          external_org_id: installation?.external_org_id,
          external_install_id: installation?.external_install_id,
          delivery_id: id,
          event: "issues",
          payload,
        },
      });
    }
    expect(() => judged(received!, "another secret")).toThrow();
    expect(() => judged({ ...received!, body: received!.body.replace("opened", "closed") })).toThrow();
    expect(received?.body).toContain(JSON.stringify(payload));
    expect(received?.headers["content-type"]).toBe("application/json");
    await until(async () => (await row(id))?.status === "forwarded", "it is noted");
    expect(await row(id)).toMatchObject({ content: null, key_id: null });
    // What has a meaning here goes there, too, once it has had its effect.
    const ended = await send({ action: "deleted", installation: { id: 999_999 } }, randomUUID(), "installation");
    await until(() => of(ended).length === 1, "it arrived");
    expect(judged(of(ended)[0]!)).toMatchObject({
      type: "github.installation.deleted",
      data: { external_install_id: "999999" },
    });
    expect(judged(of(ended)[0]!).data).not.toHaveProperty("installation_id");
  });

  test("is sealed while it waits, and sent once, however often it came", async () => {
    receiver.answer = 500;
    const id = await send({ action: "opened", marker: "in clear" });
    await Promise.all(Array.from({ length: 20 }, () => send({ action: "opened", marker: "in clear" }, id)));
    await failed(id, 1);
    expect(JSON.stringify(await row(id))).not.toContain("in clear");
    receiver.answer = 204;
    await makeDue(id);
    await job("forward events");
    await until(async () => (await row(id))?.status === "forwarded", "it arrived");
    expect(of(id)).toHaveLength(2);
    expect(new Set(of(id).map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    for (const one of of(id)) judged(one);
  });

  test("is tried again after the times that were promised, and is dead then, until an operator wants it sent", async () => {
    receiver.answer = 503;
    const id = await send({ action: "opened" });
    for (const [index, seconds] of [5, 60, 600, 3_600, 21_600, 86_400].entries()) {
      await failed(id, index + 1);
      const ahead = await secondsAhead(id);
      expect([index, ahead > seconds * 0.85 - 3 && ahead < seconds * 1.15]).toEqual([index, true]);
      await makeDue(id);
      await shared.sql`update webhook_deliveries set last_error = null where delivery_id = ${id}`;
      await job("forward events");
    }
    await until(async () => (await row(id))?.status === "dead", "it is dead");
    expect(of(id)).toHaveLength(7);
    const listed = await operator("events", "list", "--dead", "--json");
    const eventId = (await row(id))?.id;
    expect(JSON.parse(listed.stdout).events).toMatchObject([
      { id: eventId, type: "github.issues.opened", status: "dead", attempts: 7, last_error: "http_503" },
    ]);
    receiver.answer = 200;
    expect(await operator("events", "replay", eventId)).toMatchObject({ code: 0, stdout: "1 event is sent again\n" });
    await job("forward events");
    await until(async () => (await row(id))?.status === "forwarded", "it arrived");
    expect(of(id)).toHaveLength(8);
    const again = await operator("events", "replay", eventId, "--json");
    expect([again.code, JSON.parse(again.stdout)]).toEqual([1, { replayed: [], not_replayed: [eventId] }]);
  });

  test("is sent no more once the receiver is gone, for every replica, until an operator or another address", async () => {
    receiver.answer = 410;
    const id = await send({ action: "opened" });
    await until(async () => (await row(id))?.last_error === "http_410", "it was told");
    const lines = () => shared.service.world.lines.filter((line) => line.includes('"forward.gone"'));
    expect(lines()).toHaveLength(1);
    receiver.answer = 200;
    const later = await send({ action: "opened" });
    await job("forward events");
    expect([of(id).length, of(later).length]).toEqual([1, 0]);
    expect(await row(later)).toMatchObject({ status: "forward" });
    expect((await operator("events", "replay", "--since", "2020-01-01")).code).toBe(0);
    await job("forward events");
    await until(() => of(id).length === 2 && of(later).length === 1, "both arrived");
  });

  test("holds up nothing while its receiver is slow, refuses or breaks off", async () => {
    const held: (() => void)[] = [];
    receiver.answer = (response) => void held.push(() => response.writeHead(204).end());
    const slow = await Promise.all(Array.from({ length: 30 }, () => send({ action: "opened" })));
    await until(() => held.length >= 12, "those under way");
    const { installation_id } = await shared.service.connect("slack");
    expect((await shared.caller.token({ installation_id })).token_id).toBeTruthy();
    const ended = await send({ action: "deleted", installation: { id: 5 } }, randomUUID(), "installation");
    await until(async () => (await row(ended))?.status === "forward", "it was worked off");
    receiver.answer = 204;
    for (const go of held) go();
    // Those that waited for too long are left to whoever looks next.
    await shared.sql`update webhook_deliveries set due_at = now() - interval '1 s' where status = 'forward'`;
    await job("forward events");
    await until(() => slow.every((id) => of(id).length > 0), "all arrived");
    receiver.answer = (response) => response.destroy();
    const broken = await send({ action: "opened" });
    await failed(broken, 1);
    expect(await row(broken)).toMatchObject({ last_error: "unreachable", status: "forward" });
    receiver.answer = (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    const moved = await send({ action: "opened" });
    await failed(moved, 1);
    expect(await row(moved)).toMatchObject({ last_error: "http_302" });
  });

  test("counts as tried only once it is sent, however many wait for a slow receiver", async () => {
    const held: (() => void)[] = [];
    receiver.answer = (response) => void held.push(() => response.writeHead(204).end());
    const { storage, close } = await shared.service.openStorage();
    const message = { kind: "message", body: "{}" } as const;
    const waiting = {
      platform: "github",
      type: "github.issues",
      content: message,
      task: "forward",
      leased: false,
    } as const;
    const ids = Array.from({ length: 40 }, () => randomUUID());
    await storage.deliveries.keep(
      ids.map((deliveryId) => ({ ...waiting, deliveryId })),
      0,
    );
    await close();
    const sending = job("forward events");
    const tried = () => shared.sql`select id from webhook_deliveries where attempts > 0`;
    await until(async () => (await tried()).length > 0, "some were taken up");
    const { length } = await tried();
    await until(() => held.length >= length, "all of them are sent", 10_000);
    receiver.answer = 204;
    for (const go of held) go();
    await sending;
    expect(await shared.sql`select id from webhook_deliveries where attempts > 1`).toEqual([]);
  });

  test("of Jira belongs to the installation whose webhook it was sent for", async () => {
    const { installations } = await shared.service.connect("jira", { query: "?owner=acme" });
    const id = String(installations[0]?.id);
    await shared.sql`insert into webhooks (subject, platform, installation_id, external_ids, site_host)
      values (${id}, 'jira', ${id}, '{4711}', 'acme.atlassian.net')
      on conflict (subject) do update set external_ids = '{4711}', site_host = 'acme.atlassian.net'`;
    const { publicUrl } = shared.service.replicas[0]!;
    const payload = {
      webhookEvent: "jira:issue_created",
      matchedWebhookIds: [4711],
      issue: { self: "https://acme.atlassian.net/rest/api/2/issue/1" },
    };
    const delivery = jiraDelivery(
      shared.service.sandbox.environment.JIRA_CLIENT_SECRET ?? "",
      payload,
      shared.service.clock.now(),
    );
    await fetch(`${publicUrl}/webhooks/jira`, { method: "POST", ...delivery });
    await until(() => of("jira:issue_created").length === 1, "it arrived");
    expect(judged(of("jira:issue_created")[0]!)).toMatchObject({
      type: "jira.jira:issue_created",
      data: { installation_id: id, owner: "acme", event: "jira:issue_created", payload },
    });
  });
});

describe("a change of ours", () => {
  test("is sent the same way, once, and what was before anybody wanted to hear of it is not", async () => {
    await job("forward changes");
    const begun = receiver.received.length;
    const { installation_id } = await shared.service.connect("slack", { query: "?owner=acme" });
    await shared.caller.revoke(installation_id);
    await job("forward changes");
    await job("forward changes");
    await job("forward events");
    const mine = () => receiver.received.slice(begun).filter(({ body }) => body.includes(installation_id));
    await until(() => mine().some(({ body }) => body.includes("installation.ended")), "its end arrived");
    const messages = mine().map((one) => judged(one));
    expect(messages.filter(({ type }) => type === "installation.created")).toMatchObject([
      { data: { platform: "slack", installation_id, owner: "acme", external_org_id: "T0ACME001", status: "active" } },
    ]);
    expect(messages.filter(({ type }) => type === "installation.ended")).toMatchObject([
      { data: { status: "revoked" } },
    ]);
  });
});
