import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { type Receiver, startReceiver } from "../../rig/receiver.ts";
import { githubDelivery } from "../../rig/signed-deliveries.ts";
import { createStage, type Stage } from "./stage.ts";

const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
let stage: Stage;
let receiver: Receiver;
beforeAll(async () => {
  stage = await createStage("Postgres");
  receiver = await startReceiver();
  await stage.start(forwarding());
});
afterAll(async () => {
  await stage.close();
  await receiver.close();
});
const forwarding = () => ({ WEBHOOK_FORWARD_URL: receiver.url, WEBHOOK_FORWARD_SECRET: secret });

function send(event: string, payload: object, id: string): Promise<Response> {
  const { headers, body } = githubDelivery(stage.env.GITHUB_WEBHOOK_SECRET ?? "", event, payload, id);
  return fetch(`${stage.service.publicUrl}/webhooks/github`, { method: "POST", headers, body });
}
const rowOf = async (id: string) =>
  (await stage.sql(`select * from webhook_deliveries where delivery_id = '${id}'`))[0] ?? {};
/** Nobody has to wait for the lease of the dead. */
const endLeases = () => stage.sql("update webhook_deliveries set due_at = now() where status in ('apply', 'forward')");

test("killed between the answer and the work: the work is done after the start", async () => {
  const installation_id = (await stage.connect("github")).installations[0]?.id ?? "";
  const [installation] = await stage.sql(
    `select external_install_id from installations where id = '${installation_id}'`,
  );
  const installId = Number(installation?.external_install_id);
  stage.sandbox.github.controls.uninstall(String(installId));
  const id = randomUUID();
  // It is kept; nothing that is done in the database afterwards arrives there.
  let kept = false;
  stage.tap.onSaying = ({ text, executes }) => {
    if (kept && executes) return "drop";
    if (text.includes(id)) kept = true;
    return "forward";
  };
  const answer = await send("installation", { action: "deleted", installation: { id: installId } }, id);
  expect(answer.status).toBe(200);
  await stage.service.kill();
  stage.tap.onSaying = () => "forward";
  expect(await rowOf(id)).toMatchObject({ status: "apply" });
  const [before] = await stage.sql(`select status, revoked_at from installations where id = '${installation_id}'`);
  expect(before).toMatchObject({ status: "active" });
  await endLeases();
  await stage.start(forwarding());
  const status = async () => (await stage.installations()).find((one) => one.id === installation_id)?.status;
  await until(async () => (await status()) === "INSTALLATION_STATUS_REVOKED", "it is obeyed");
  await until(async () => receiver.received.some(({ body }) => body.includes(id)), "and sent on");
});

test("killed in the middle of an attempt to send it on: it comes again under the same id", async () => {
  const held: string[] = [];
  receiver.answer = (_response, { headers }) => void held.push(String(headers["webhook-id"]));
  const id = randomUUID();
  expect((await send("issues", { action: "opened" }, id)).status).toBe(200);
  await until(() => held.length > 0, "the attempt");
  await stage.service.kill();
  expect(await rowOf(id)).toMatchObject({ status: "forward" });
  receiver.answer = 204;
  await endLeases();
  await stage.start(forwarding());
  await until(async () => (await rowOf(id)).status === "forwarded", "it arrived");
  const mine = receiver.received.filter(({ body }) => body.includes(id));
  expect([mine.length, new Set(mine.map(({ headers }) => headers["webhook-id"])).size]).toEqual([2, 1]);
  for (const { headers, body } of mine) new Webhook(secret).verify(body, headers as Record<string, string>);
});
