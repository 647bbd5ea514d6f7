import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { expiryOf } from "./support/caller.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({
  replicas: 2,
  sandbox: { slack: { registration: { rotation: false }, installedOn: "org" } },
});

test("an app on a whole Slack organization, without rotation, is named by its enterprise and has tokens without end", async () => {
  const { service, caller } = shared;
  await service.connect("slack");
  const token = await caller.token({ platform: "slack", external_org_id: "E0HOLDING" });
  expect(token.external_org_id).toBe("E0HOLDING");
  expect(expiryOf(token)).toBeUndefined();
  service.clock.advance(10 * 365 * 24 * 3_600_000);
  const later = await caller.token({ platform: "slack", min_ttl: { seconds: 31_536_000 } });
  expect(later.token_id).toBe(token.token_id);
  expect(await isAccepted("slack", later)).toBe(true);
});

test("a long-lived token that was rejected is handed out again only once the platform has confirmed it", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack");
  const token = await caller.token({ installation_id });
  const before = service.sandbox.slack.calls.length;
  const confirmed = await caller.token({ installation_id, rejected_token_id: token.token_id });
  expect(confirmed.token_id).toBe(token.token_id);
  expect(service.sandbox.slack.calls.slice(before).map(({ path }) => path)).toEqual(["/api/auth.test"]);
});

test("a long-lived token that was revoked at the platform asks for reauthorization, and connecting heals it", async () => {
  const { service, callers } = shared;
  const { installation_id } = await service.connect("slack");
  const token = await callers[0]!.token({ installation_id });
  service.sandbox.slack.controls.revokeEverything();
  const rejected = { installation_id, rejected_token_id: token.token_id };
  for (const caller of callers) {
    expect(await caller.refusal(rejected)).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
  }
  expect(await callers[1]!.installation(installation_id)).toMatchObject({
    status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
  });
  expect((await service.connect("slack")).installation_id).toBe(installation_id);
  const healed = async () => (await callers[1]!.getToken({ installation_id })).token;
  await until(async () => (await healed())?.token_id !== token.token_id, "the new token is handed out");
  expect(await isAccepted("slack", await callers[1]!.token({ installation_id }))).toBe(true);
});

test("a rejected long-lived token is not handed out while the platform cannot be asked", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("slack");
  const token = await caller.token({ installation_id });
  await service.sandbox.slack.close();
  const refusal = await caller.refusal({ installation_id, rejected_token_id: token.token_id });
  expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "PROVIDER_UNAVAILABLE" });
  expect((await caller.token({ installation_id })).token_id).toBe(token.token_id);
});
