import { expect, test } from "vitest";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();
const hourMs = 3_600_000;

test("a platform that cannot be reached at all takes no valid token away, and revoking still deletes everything", async () => {
  const { service, caller, sql } = shared;
  const jira = await service.connect("jira");
  const slack = await service.connect("slack");
  const github = await service.connect("github");
  const token = await caller.token({ platform: "jira", installation_id: jira.installation_id });
  await service.sandbox.atlassian.close();
  await service.sandbox.slack.close();

  service.clock.advance(hourMs - 30_000);
  const request = { installation_id: jira.installation_id };
  expect((await caller.token(request)).token_id).toBe(token.token_id);
  expect(await caller.refusal({ ...request, min_ttl: { seconds: 120 } })).toMatchObject({
    code: "UNAVAILABLE",
    reason: "PROVIDER_UNAVAILABLE",
  });
  expect(await caller.refusal({ ...request, rejected_token_id: token.token_id })).toMatchObject({
    code: "UNAVAILABLE",
    reason: "PROVIDER_UNAVAILABLE",
  });
  expect(await isAccepted("github", await caller.token({ installation_id: github.installation_id }))).toBe(true);

  for (const { id } of jira.installations.slice(1)) await caller.revoke(String(id));
  for (const id of [jira.installation_id, slack.installation_id]) {
    expect(await caller.revoke(id)).toMatchObject({
      installation: { status: "INSTALLATION_STATUS_REVOKED" },
      provider_revocation: "PROVIDER_REVOCATION_FAILED",
    });
    expect(await caller.refusal({ installation_id: id })).toMatchObject({ reason: "INSTALLATION_REVOKED" });
  }
  expect(await sql`select platform from credentials`).toEqual([{ platform: "github" }]);
  expect(await sql`select credential_id from installation_credentials`).toHaveLength(1);
});
