import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { githubDelivery, type SignedDelivery, slackDelivery } from "../../rig/signed-deliveries.ts";
import type { InstallationMessage } from "./support/caller.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

/** To the first replica; what is asked is the second one. */
async function send(platform: string, { headers, body }: SignedDelivery): Promise<void> {
  const url = `${shared.service.replicas[0]!.publicUrl}/webhooks/${platform}`;
  expect((await fetch(url, { method: "POST", headers, body })).status).toBe(200);
}
const secretOf = (name: string) => shared.service.sandbox.environment[name] ?? "";
const github = (event: string, action: string, { external_install_id, external_org_id }: InstallationMessage) =>
  send(
    "github",
    githubDelivery(secretOf("GITHUB_WEBHOOK_SECRET"), event, {
      action,
      installation: { id: Number(external_install_id), account: { id: Number(external_org_id) } },
    }),
  );
const slack = ({ external_org_id }: InstallationMessage, event: object) =>
  send(
    "slack",
    slackDelivery(
      secretOf("SLACK_SIGNING_SECRET"),
      {
        type: "event_callback",
        event_id: randomUUID(),
        event_time: Math.floor(shared.service.clock.now().getTime() / 1000) + 1,
        team_id: external_org_id,
        event,
      },
      shared.service.clock.now(),
    ),
  );

const other = () => shared.callers[1]!;
const reason = async (request: object) => (await other().getToken({ ...request })).refusal?.reason;
const becomes = (request: object, wanted: string | undefined) =>
  until(async () => (await reason(request)) === wanted, `the other replica says ${wanted ?? "a token"}`, 15_000);

async function connected(platform: string) {
  const { installation_id } = await shared.service.connect(platform);
  await other().token({ installation_id });
  return { request: { installation_id }, installation: await shared.caller.installation(installation_id) };
}

describe("what a platform tells one replica", () => {
  test("has the other refuse what was uninstalled, for good once GitHub confirms it", async () => {
    const { request, installation } = await connected("github");
    shared.service.sandbox.github.controls.uninstall(installation.external_install_id);
    await github("installation", "deleted", installation);
    await becomes(request, "INSTALLATION_REVOKED");
    const { status, revoke_time } = await other().installation(installation.id);
    expect([status, revoke_time === null]).toEqual(["INSTALLATION_STATUS_REVOKED", false]);
    const rows = () => shared.sql`select detail from audit_events where kind = 'installation.revoked'`;
    await until(async () => (await rows()).length > 0, "it is on record");
    expect(await rows()).toEqual([{ detail: "revoked" }]);
  });

  test("is undone where GitHub contradicts it", async () => {
    const { request, installation } = await connected("github");
    await github("installation", "deleted", installation);
    await becomes(request, "INSTALLATION_SUSPENDED");
    await becomes(request, undefined);
    expect((await other().installation(installation.id)).status).toBe("INSTALLATION_STATUS_ACTIVE");
  });

  test("suspends, and lifts it when GitHub says so", async () => {
    const { request, installation } = await connected("github");
    const { controls } = shared.service.sandbox.github;
    controls.suspend(installation.external_install_id);
    await github("installation", "suspend", installation);
    await becomes(request, "INSTALLATION_SUSPENDED");
    const settled = async () => (await shared.sql`select 1 from installations where withheld`).length === 0;
    await until(settled, "GitHub has confirmed it");
    expect(await reason(request)).toBe("INSTALLATION_SUSPENDED");
    controls.unsuspend(installation.external_install_id);
    await github("installation", "unsuspend", installation);
    await becomes(request, undefined);
  });

  test("replaces tokens of both kinds that were minted before permissions changed", async () => {
    const { request, installation } = await connected("github");
    const { controls } = shared.service.sandbox.github;
    const narrow = { ...request, permissions: { contents: "read" } };
    const before = await other().token(narrow);
    const permissions = { metadata: "read", contents: "write", checks: "write" };
    controls.grant(installation.external_install_id, permissions);
    await github("installation", "new_permissions_accepted", installation);
    const whole = async () => (await other().token(request)).permissions;
    await until(async () => "checks" in (await whole()), "the new permissions are in the token");
    expect(await whole()).toEqual(permissions);
    expect((await other().token(narrow)).token_id).not.toBe(before.token_id);
    const shown = async () => (await shared.caller.list()).installations[0] as unknown as { permissions: object };
    expect((await shown()).permissions).toEqual(permissions);
  });

  test("ends a bot's grant and leaves the person's, and all of them with the app", async () => {
    const { request, installation } = await connected("slack");
    const person = { ...request, actor: "ACTOR_USER" };
    await other().token(person);
    await slack(installation, { type: "tokens_revoked", tokens: { bot: ["UBOT"] } });
    await becomes(request, "REAUTHORIZATION_REQUIRED");
    expect(await reason(person)).toBeUndefined();
    shared.service.sandbox.slack.controls.uninstall(installation.external_org_id);
    await slack(installation, { type: "app_uninstalled" });
    await becomes(request, "INSTALLATION_REVOKED");
    expect(await reason(person)).toBe("INSTALLATION_REVOKED");
  });

  test("makes nothing of an installation that nobody here connected", async () => {
    const stranger = { external_install_id: "4711", external_org_id: "815" } as InstallationMessage;
    await github("installation", "created", stranger);
    const done = async () => {
      const rows = await shared.sql`select status from webhook_deliveries`;
      return rows.every(({ status }) => status === "done");
    };
    await until(done, "the work is done");
    expect((await shared.caller.list()).installations).toEqual([]);
  });
});
