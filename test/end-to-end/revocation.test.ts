import { describe, expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { isAccepted } from "./support/platform-api.ts";
import { dump, useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const hourMs = 3_600_000;

test("revoking one of two Atlassian sites leaves the other working; the last one takes the grant along", async () => {
  const { service, callers, sql } = shared;
  const { installations } = await service.connect("jira");
  const [acme, globex] = installations.map(({ id }) => String(id)) as [string, string];
  expect((await callers[0]!.revoke(acme)).provider_revocation).toBe("PROVIDER_REVOCATION_SHARED");
  expect(await callers[1]!.refusalSoon({ installation_id: acme })).toMatchObject({ reason: "INSTALLATION_REVOKED" });

  service.clock.advance(hourMs + 1_000);
  const token = await callers[1]!.token({ installation_id: globex });
  expect(await isAccepted("jira", token)).toBe(true);

  expect((await callers[1]!.revoke(globex)).provider_revocation).toBe("PROVIDER_REVOCATION_REVOKED");
  expect(await isAccepted("jira", token)).toBe(false);
  expect(await sql`select id from credentials`).toHaveLength(0);
});

test("revoking a grant of one owner leaves the same person's grant of another owner working", async () => {
  const { service, caller } = shared;
  const a = await service.connect("github-oauth", { query: "?owner=a" });
  const b = await service.connect("github-oauth", { query: "?owner=b" });
  await caller.revoke(a.installation_id);
  expect(await isAccepted("github-oauth", await caller.token({ installation_id: b.installation_id }))).toBe(true);
});

test("nothing is sent about one owner's Atlassian grant while the same account serves another owner", async () => {
  const { service, caller, sql } = shared;
  const revocations = () => service.sandbox.atlassian.calls.filter(({ path }) => path === "/oauth/revoke");
  const before = revocations().length;
  const a = await service.connect("jira", { query: "?owner=a" });
  const b = await service.connect("jira", { query: "?owner=b" });
  for (const { id } of a.installations) {
    expect((await caller.revoke(String(id))).provider_revocation).toBe("PROVIDER_REVOCATION_SHARED");
  }
  expect(await isAccepted("jira", await caller.token({ installation_id: b.installation_id }))).toBe(true);
  expect(await sql`select id from credentials where owner = 'a'`).toHaveLength(0);
  expect(revocations()).toHaveLength(before);
  const answers: string[] = [];
  for (const { id } of b.installations) answers.push((await caller.revoke(String(id))).provider_revocation);
  expect(answers.at(-1)).toBe("PROVIDER_REVOCATION_REVOKED");
  expect(revocations()).toHaveLength(before + 1);
});

test.each(["github", "github-oauth", "jira", "slack"])(
  "revoking %s again changes nothing and says the same",
  async (platform) => {
    const { service, callers, sql } = shared;
    const { installation_id, installations } = await service.connect(platform);
    for (const { id } of installations.slice(1)) await callers[0]!.revoke(String(id));
    const first = await callers[0]!.revoke(installation_id);
    // What was noted before may still be on its way to the record.
    for (const { jobs } of service.replicas) await jobs.run("flush counts");
    const before = [shared.platformCalls(), await dump(sql)];
    const again = await Promise.all(callers.map((caller) => caller.revoke(installation_id)));
    expect(again).toEqual([first, first]);
    expect([shared.platformCalls(), await dump(sql)]).toEqual(before);
  },
);

test("10 revocations at once over two replicas end in one result", async () => {
  const { service, callers } = shared;
  const { installation_id } = await service.connect("slack");
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => callers[n % callers.length]!.revoke(installation_id)),
  );
  const results = new Set(answers.map(({ provider_revocation }) => provider_revocation));
  expect(results).toEqual(new Set(["PROVIDER_REVOCATION_REVOKED"]));
  expect((await callers[0]!.revoke(installation_id)).provider_revocation).toBe("PROVIDER_REVOCATION_REVOKED");
});

test("an installation that does not exist cannot be revoked", async () => {
  const { error } = await shared.caller.call("RevokeInstallation", {
    installation_id: "01890000-0000-7000-8000-000000000000",
  });
  expect(error?.code).toBe(5);
});

test("what was revoked keeps its record and nothing secret", async () => {
  const { service, caller, sql } = shared;
  const { installation_id } = await service.connect("slack");
  await caller.revoke(installation_id);
  const [row] = await sql`select status, revoke_reason, provider_revocation from installations`;
  expect(row).toEqual({ status: "revoked", revoke_reason: "test", provider_revocation: "revoked" });
  expect(await sql`select * from credentials`).toHaveLength(0);
  expect(await sql`select * from installation_credentials`).toHaveLength(0);
  expect((await caller.list({ status: "INSTALLATION_STATUS_REVOKED" })).installations).toMatchObject([
    { id: installation_id, status: "INSTALLATION_STATUS_REVOKED" },
  ]);
});

test("over REST revoking answers success", async () => {
  const { service } = shared;
  const { installation_id } = await service.connect("slack");
  const { internalUrl } = service.replicas[1]!;
  const answer = await fetch(`${internalUrl}/oauth/installations/${installation_id}`, { method: "DELETE" });
  expect(await answer.json()).toMatchObject({
    success: true,
    provider_revocation: "PROVIDER_REVOCATION_REVOKED",
    installation: { id: installation_id, status: "INSTALLATION_STATUS_REVOKED" },
  });
});

describe("revoking while a refresh is under way", () => {
  test.each([
    { platform: "slack", lifeMs: 12 * hourMs, endpoint: "slack" },
    { platform: "jira", lifeMs: hourMs, endpoint: "atlassian" },
    { platform: "github-oauth", lifeMs: 8 * hourMs, endpoint: "github" },
  ] as const)("leaves no live token of $platform", async ({ platform, lifeMs, endpoint }) => {
    const { service, callers, secrets, sql } = shared;
    const { controls } = service.sandbox[endpoint];
    const { installation_id, installations } = await service.connect(platform);
    for (const { id } of installations.slice(1)) await callers[0]!.revoke(String(id));
    const { api_base_url } = await callers[0]!.token({ installation_id });
    service.clock.advance(lifeMs + 1_000);
    const [known, arrived, gate] = [secrets.accessTokens.length, createGate(), createGate()];
    controls.beforeTokenAnswer = () => {
      arrived.open();
      return gate.opened;
    };
    const asked = callers[0]!.getToken({ installation_id });
    await arrived.opened;
    controls.beforeTokenAnswer = async () => undefined;
    await callers[1]!.revoke(installation_id);
    gate.open();
    expect(await asked).toMatchObject({ refusal: { reason: "INSTALLATION_REVOKED" } });

    const obtained = secrets.accessTokens.slice(known);
    expect(obtained.length).toBeGreaterThan(0);
    for (const access_token of obtained) {
      expect(await isAccepted(platform, { access_token, api_base_url })).toBe(false);
    }
    expect(await sql`select * from credentials`).toHaveLength(0);
  });
});
