import { expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();
const anyNumber = 1_000_000;

test("an installation that is not yet in the person's list is looked for again", async () => {
  const { service } = shared;
  const { controls } = service.sandbox.github;
  controls.beforeTokenAnswer = async () => {
    controls.beforeTokenAnswer = async () => undefined;
    controls.forgetNewest(2);
  };
  expect(await service.connect("github")).toMatchObject({ success: true });
});

test("an installation that GitHub does not know yet is asked about with patience", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("github");
  // Two for every try: the token, and whether it is gone.
  service.sandbox.github.controls.forgetNewest(6);
  expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "PROVIDER_UNAVAILABLE" });
  expect(await caller.installation(installation_id)).toMatchObject({
    status: "INSTALLATION_STATUS_ACTIVE",
    last_error: "not_known_yet",
  });
  const served = async () => (await caller.getToken({ installation_id })).token !== undefined;
  await until(served, "GitHub knows the installation", 10_000);
  expect((await caller.installation(installation_id)).last_error).toBe("");
});

test.each(["a call", "itself"])("one that seemed to be gone comes back by %s", async (by) => {
  const { service, caller, sql } = shared;
  const { installation_id } = await service.connect("github");
  await caller.token({ installation_id });
  service.sandbox.github.controls.forgetNewest(anyNumber);
  service.clock.advance(3_600_000);
  expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
  const calls = shared.platformCalls();
  await caller.refusal({ installation_id });
  await service.replicas[0]?.jobs.run("refresh what is due");
  expect(shared.platformCalls()).toBe(calls);

  const wait = () =>
    sql`update credentials set lease_until = clock_timestamp(), look_after = null where attempt_id is null`;
  await wait();
  expect(await caller.refusal({ installation_id })).toMatchObject({ reason: "REAUTHORIZATION_REQUIRED" });
  expect(shared.platformCalls()).toBeGreaterThan(calls);
  const rejections = sql`select count(*)::int as rows from audit_events where kind = 'grant.rejected'`;
  await service.replicas[0]?.jobs.run("flush counts");
  expect(await rejections).toMatchObject([{ rows: 1 }]);

  service.sandbox.github.controls.forgetNewest(0);
  await wait();
  if (by === "itself") await service.replicas[0]?.jobs.run("refresh what is due");
  else await caller.token({ installation_id });
  expect(await caller.installation(installation_id)).toMatchObject({
    status: "INSTALLATION_STATUS_ACTIVE",
    last_error: "",
  });
});

test("one that never was known is gone in the end", async () => {
  const { service, caller, sql } = shared;
  const { installation_id } = await service.connect("github");
  service.sandbox.github.controls.forgetNewest(anyNumber);
  const reasons: (string | undefined)[] = [];
  for (let round = 0; round < 9; round++) {
    reasons.push((await caller.refusal({ installation_id })).reason);
    await sql`update credentials set lease_until = clock_timestamp() where attempt_id is null`;
  }
  service.sandbox.github.controls.forgetNewest(0);
  expect(reasons).toEqual([...Array(8).fill("PROVIDER_UNAVAILABLE"), "REAUTHORIZATION_REQUIRED"]);
});
