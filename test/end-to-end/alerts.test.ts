import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { until } from "../../rig/gate.ts";
import { type Received, startReceiver } from "../../rig/receiver.ts";
import { runOperator } from "../support/operator.ts";
import { parse } from "../telemetry/scrape.ts";
import { useService } from "./support/use-service.ts";

const key = Buffer.alloc(32, 9).toString("base64url");
const secret = `whsec_${randomBytes(24).toString("base64")}`;
const oldSecret = `whsec_${randomBytes(24).toString("base64")}`;
const receiver = await startReceiver();
const shared = useService({
  replicas: 2,
  env: {
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: `${secret},${oldSecret}`,
    TOKEN_ENCRYPTION_KEY: key,
  },
});
afterAll(() => receiver.close());
beforeEach(async () => {
  receiver.answer = 204;
  await shared.sql`delete from meta where key in ('health_watch', 'alerting_off')`;
});
afterEach(async () => {
  await shared.sql`delete from webhook_deliveries`;
});

interface Alert {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** As the receiver's own library reads it. @throws if it does not believe it. */
const judged = ({ headers, body }: Received, by = secret) =>
  new Webhook(by).verify(body, headers as Record<string, string>) as Alert;
const of = (id: string) => receiver.received.filter(({ body }) => body.includes(id));
const everywhere = (name: string) => Promise.all(shared.service.replicas.map(({ jobs }) => jobs.run(name)));
async function watch(): Promise<void> {
  await shared.sql`update meta set value = jsonb_set(value::jsonb, '{due}', '0')::text where key = 'health_watch'`;
  await everywhere("watch the health");
}
const waiting = () => shared.sql`select status, attempts, last_error from webhook_deliveries`;
const makeDue = () => shared.sql`update webhook_deliveries set due_at = now() - interval '1 s'`;

describe("a connection that needs a person", () => {
  test("is told of once, signed under both secrets, and once that it does not any more", async () => {
    const { installation_id: id } = await shared.service.connect("github", { query: "?owner=acme" });
    const [row] = await shared.sql`select * from installations where id = ${id}`;
    const { controls } = shared.service.sandbox.github;
    const granted = row?.permissions as Record<string, string>;
    const { contents: _lacking, ...fewer } = granted;
    const ask = () => shared.sql`update installations set permissions = ${shared.sql.json(fewer)} where id = ${id}`;
    controls.grant(String(row?.external_install_id), fewer);
    await ask();
    await watch();
    await watch();
    await everywhere("send alerts");
    await until(() => of(id).length > 0, "it arrived");
    await everywhere("send alerts");
    const [received, ...more] = of(id);
    expect(more).toEqual([]);
    for (const by of [secret, oldSecret]) {
      expect(judged(received!, by)).toEqual({
        type: "health.concern_began",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: {
          concern_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          kind: "permissions_pending",
          platform: "github",
          installation_id: id,
          owner: "acme",
          external_org_id: row?.external_org_id,
          external_org_name: row?.external_org_name,
          since: expect.any(String),
          detail: `contents:${granted.contents}`,
          message: expect.stringContaining(`contents:${granted.contents}`),
        },
      });
    }
    expect(() => judged({ ...received!, body: received!.body.replace("began", "ended") })).toThrow();
    const scrape = parse(await (await fetch(`${shared.service.replicas[0]!.internalUrl}/metrics`)).text());
    const value = (name: string, labels: Record<string, string>) =>
      scrape.samples.find(
        (one) =>
          one.name === `oauth_token_service_${name}` && Object.entries(labels).every(([k, v]) => one.labels[k] === v),
      )?.value;
    expect(value("concerns", { platform: "github", kind: "permissions_pending" })).toBe(1);
    expect(value("concerns", { platform: "github", kind: "suspended" })).toBe(0);
    expect(value("health_watch_age_seconds", {})).toBeLessThan(60);

    await shared.sql`update installations set permissions = ${shared.sql.json(granted)} where id = ${id}`;
    await watch();
    await everywhere("send alerts");
    await until(() => of(id).length === 2, "its end arrived");
    const { concern_id } = judged(received!).data;
    expect(judged(of(id)[1]!)).toMatchObject({
      type: "health.concern_ended",
      data: { concern_id, installation_id: id },
    });
    expect(new Set(of(id).map(({ headers }) => headers["webhook-id"])).size).toBe(2);
  });

  test("is told of though a process ends in the middle and the receiver is away, under the same id", async () => {
    receiver.answer = 503;
    const { installation_id: id } = await shared.service.connect("slack");
    await shared.sql`update installations set status = 'reauthorization_required' where id = ${id}`;
    const [first, second] = shared.service.replicas;
    await first!.jobs.run("watch the health");
    // Who noted it may be gone by now: another one sends it.
    await second!.jobs.run("send alerts");
    await until(async () => (await waiting()).some(({ last_error }) => last_error === "http_503"), "it failed");
    expect(JSON.stringify(await shared.sql`select content from webhook_deliveries`)).not.toContain(id);
    receiver.answer = 204;
    await makeDue();
    await everywhere("send alerts");
    await until(async () => (await waiting()).every(({ status }) => status === "forwarded"), "it arrived");
    expect(of(id)).toHaveLength(2);
    expect(new Set(of(id).map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    for (const one of of(id)) expect(judged(one).data).toMatchObject({ kind: "reauthorization_required" });
  });

  test("is told of to alerts' receiver alone, which can say that it is gone, until an operator has it sent again", async () => {
    receiver.answer = 410;
    const { installation_id: id } = await shared.service.connect("slack");
    await shared.sql`update installations set status = 'suspended' where id = ${id}`;
    await watch();
    await everywhere("send alerts");
    await until(async () => (await waiting()).some(({ last_error }) => last_error === "http_410"), "it was told");
    expect(shared.service.world.lines.filter((line) => line.includes('"alert.gone"'))).toHaveLength(1);
    receiver.answer = 204;
    await everywhere("send alerts");
    await everywhere("forward events");
    expect(of(id)).toHaveLength(1);
    const env = { ...throwAwayDatabase, DATABASE_URL: shared.service.databaseUrl, TOKEN_ENCRYPTION_KEY: key };
    const listed = await runOperator(["events", "list", "--json"], env);
    expect(JSON.parse(listed.stdout).events).toMatchObject([{ type: "health.concern_began", status: "alert" }]);
    expect((await runOperator(["events", "replay", "--since", "2020-01-01"], env)).code).toBe(0);
    await everywhere("send alerts");
    await until(() => of(id).length === 2, "it arrived");
  });
});
