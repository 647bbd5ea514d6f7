import { expect, test } from "vitest";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

/** Does what a process does that is killed right after it has stopped the hand-out. */
async function beginOnly(installationId: string): Promise<void> {
  const { service } = shared;
  const { storage, close } = await service.openStorage();
  await storage.installations.beginRevocation(installationId, "the process was killed", service.clock.now());
  await close();
}

function finishInterrupted(): Promise<void> {
  return shared.service.replicas[1]!.jobs.run("finish revocations");
}

async function result(): Promise<unknown> {
  const [row] = await shared.sql`select provider_revocation from installations`;
  return row?.provider_revocation;
}

test("a revocation that was interrupted has stopped the hand-out, and is finished a minute later", async () => {
  const { service, callers, sql } = shared;
  const { installation_id } = await service.connect("slack");
  const token = await callers[0]!.token({ installation_id });
  await beginOnly(installation_id);
  expect(await callers[1]!.refusalSoon({ installation_id })).toMatchObject({ reason: "INSTALLATION_REVOKED" });
  expect(await isAccepted("slack", token)).toBe(true);

  service.clock.advance(50_000);
  await finishInterrupted();
  expect(await result()).toBeNull();

  service.clock.advance(20_000);
  await finishInterrupted();
  expect(await result()).toBe("revoked");
  expect(await isAccepted("slack", token)).toBe(false);
  expect(await sql`select * from credentials`).toHaveLength(0);
});

test("revoking again finishes what was interrupted, and says so", async () => {
  const { service, caller } = shared;
  const { installation_id } = await service.connect("github");
  const token = await caller.token({ installation_id });
  await beginOnly(installation_id);
  expect((await caller.revoke(installation_id)).provider_revocation).toBe("PROVIDER_REVOCATION_REVOKED");
  expect(await isAccepted("github", token)).toBe(false);
});

test("an organization whose revocation was interrupted can be connected anew, and stays so when it is finished", async () => {
  const { service, caller } = shared;
  const before = await service.connect("slack");
  await beginOnly(before.installation_id);
  const anew = await service.connect("slack");
  expect(anew.installation_id).not.toBe(before.installation_id);
  service.clock.advance(61_000);
  await finishInterrupted();
  const token = await caller.token({ installation_id: anew.installation_id });
  expect(await isAccepted("slack", token)).toBe(true);
});

test("every replica looks for interrupted revocations every 30 seconds", () => {
  for (const { jobs } of shared.service.replicas) expect(jobs.intervals.get("finish revocations")).toBe(30);
});
