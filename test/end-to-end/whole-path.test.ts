import { expect, test } from "vitest";
import { throughOtherDoors } from "./support/doors.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

const paths = [
  { what: "a GitHub installation", platform: "github", actor: {}, gone: "REVOKED" },
  { what: "a person of a GitHub OAuth App", platform: "github-oauth", actor: {}, gone: "REVOKED" },
  { what: "a Slack bot", platform: "slack", actor: {}, gone: "REVOKED" },
  { what: "a Slack user", platform: "slack", actor: { actor: "ACTOR_USER" as const }, gone: "REVOKED" },
  { what: "a Sentry installation", platform: "sentry", actor: {}, gone: "REVOKED" },
];

test.each(paths)(
  "$what is connected, asked for at every door, listed and revoked",
  async ({ platform, actor, gone }) => {
    const { service, callers } = shared;
    const [first, second] = [callers[0]!, callers[1]!];
    const connected = await service.connect(platform);
    const id = connected.installation_id;
    expect(connected).toMatchObject({ success: true, installations: [{ id, platform }] });

    const token = await second.token({ platform, ...actor });
    expect(token).toMatchObject({ token_type: "Bearer", installation_id: id });
    expect(token.token_id).toMatch(/^[0-9a-f]{64}$/);
    expect(await isAccepted(platform, token)).toBe(true);
    const doors = await throughOtherDoors(service.replicas[0]!, { platform, installation_id: id, ...actor });
    const { access_token: accessToken, token_id: tokenId, api_base_url: apiBaseUrl, external_org_id: orgId } = token;
    const handed = { accessToken, tokenId, apiBaseUrl, installationId: id, externalOrgId: orgId };
    expect(doors).toEqual({ bufCurl: handed, connectJson: handed, grpcWeb: handed, rest: handed });

    expect((await first.list({ platform })).installations).toMatchObject([
      { id, platform, status: "INSTALLATION_STATUS_ACTIVE", external_org_id: orgId },
    ]);
    expect(await first.installation(id)).toMatchObject({ id, status: "INSTALLATION_STATUS_ACTIVE", revoke_time: null });

    const revoked = await first.revoke(id);
    expect(revoked).toMatchObject({
      installation: { id, status: "INSTALLATION_STATUS_REVOKED" },
      provider_revocation: `PROVIDER_REVOCATION_${gone}`,
    });
    expect(await isAccepted(platform, token)).toBe(false);
    expect(await second.refusalSoon({ installation_id: id, ...actor })).toMatchObject({
      reason: "INSTALLATION_REVOKED",
    });
    expect(await second.refusalSoon({ platform, ...actor })).toMatchObject({
      code: "NOT_FOUND",
      reason: "INSTALLATION_NOT_FOUND",
      metadata: { install_url: `${service.replicas[0]!.publicUrl}/oauth/install/${platform}` },
    });
  },
);

test("Atlassian's two sites and two products are connected, asked for and revoked one by one", async () => {
  const { service, callers } = shared;
  const [first, second] = [callers[0]!, callers[1]!];
  const { installations } = await service.connect("confluence");
  const [acme, globex] = installations.map(({ id }) => String(id)) as [string, string];
  expect(installations).toMatchObject([
    { platform: "jira", external_org_name: "acme" },
    { platform: "jira", external_org_name: "globex" },
  ]);

  const atAcme = await first.token({ platform: "jira", installation_id: acme });
  const atGlobex = await second.token({ platform: "jira", external_org_id: installations[1]?.external_org_id });
  const confluence = await second.token({ platform: "confluence" });
  expect([atAcme.installation_id, atGlobex.installation_id, confluence.installation_id]).toEqual([acme, globex, acme]);
  expect(new Set([atAcme.access_token, atGlobex.access_token, confluence.access_token]).size).toBe(1);
  expect(atAcme.api_base_url).toBe(`${service.sandbox.atlassian.apiUrl}/ex/jira/${atAcme.external_org_id}`);
  expect(confluence.api_base_url).toBe(`${service.sandbox.atlassian.apiUrl}/ex/confluence/${atAcme.external_org_id}`);
  expect(await isAccepted("jira", atAcme)).toBe(true);
  expect(await isAccepted("jira", atGlobex)).toBe(true);
  expect(await isAccepted("confluence", confluence)).toBe(true);
  const doors = await throughOtherDoors(service.replicas[0]!, { platform: "confluence", installation_id: acme });
  for (const handed of Object.values(doors)) {
    expect(handed).toMatchObject({ tokenId: confluence.token_id, apiBaseUrl: confluence.api_base_url });
  }

  expect((await first.list({ platform: "jira" })).installations).toHaveLength(2);
  expect((await first.list({ platform: "confluence" })).installations).toMatchObject([{ id: acme }]);

  expect((await second.revoke(acme)).provider_revocation).toBe("PROVIDER_REVOCATION_SHARED");
  expect(await isAccepted("jira", atGlobex)).toBe(true);
  expect((await first.revoke(globex)).provider_revocation).toBe("PROVIDER_REVOCATION_REVOKED");
  expect(await isAccepted("jira", atGlobex)).toBe(false);
  expect(await first.refusal({ installation_id: globex })).toMatchObject({ reason: "INSTALLATION_REVOKED" });
});

test("Slack's bot and user are two tokens of one installation", async () => {
  const { service, caller } = shared;
  const { installation_id: id } = await service.connect("slack");
  const bot = await caller.token({ platform: "slack" });
  const app = await caller.token({ platform: "slack", actor: "ACTOR_APP" });
  const user = await caller.token({ platform: "slack", actor: "ACTOR_USER", external_user_id: "U0ALICE01" });
  expect(app.token_id).toBe(bot.token_id);
  expect(user.token_id).not.toBe(bot.token_id);
  expect([bot, user]).toMatchObject([
    { installation_id: id, scopes: ["channels:read", "chat:write", "users:read"] },
    { installation_id: id, scopes: ["search:read"] },
  ]);
  expect(await isAccepted("slack", user)).toBe(true);
  await caller.revoke(id);
  expect([await isAccepted("slack", bot), await isAccepted("slack", user)]).toEqual([false, false]);
});

test.each(["github", "github-oauth", "jira", "slack"])(
  "%s keeps its id when it is connected again, and gets a new one after it was revoked",
  async (platform) => {
    const { service, caller } = shared;
    const before = await service.connect(platform);
    const again = await service.connect(platform);
    expect(again.installations.map(({ id }) => id)).toEqual(before.installations.map(({ id }) => id));
    for (const { id } of again.installations) await caller.revoke(String(id));
    const anew = await service.connect(platform);
    expect(anew.installation_id).not.toBe(before.installation_id);
    const token = await caller.token({ installation_id: anew.installation_id });
    expect(await isAccepted(platform, token)).toBe(true);
  },
);
