import { expect, test } from "vitest";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { eventsOf } from "../end-to-end/support/links.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { type Outcome, runOperator } from "../support/operator.ts";

const key = Buffer.alloc(32, 7).toString("base64url");
const shared = useService({ env: { TOKEN_ENCRYPTION_KEY: key } });

/** Runs the command as an operator would, with the settings of the service. */
function run(...args: string[]): Promise<Outcome> {
  const { sandbox, databaseUrl, replicas } = shared.service;
  const env = {
    ...sandbox.environment,
    ...throwAwayDatabase,
    ...{ BASE_URL: replicas[0]!.publicUrl, DATABASE_URL: databaseUrl, TOKEN_ENCRYPTION_KEY: key },
  };
  return runOperator(["dead-grants", ...args], env);
}

test("dead-grants lists what is doubted, and believes a platform at an operator's word", {
  timeout: 120_000,
}, async () => {
  expect(await run()).toMatchObject({ code: 0, stdout: "no grant's death is doubted\n" });
  expect(await run("--json")).toMatchObject({ code: 0, stdout: `{"platforms":[]}\n` });
  const { installation_id } = await shared.service.connect("jira");
  const since = "2026-11-20T10:00:00.000Z";
  await shared.sql`update credentials set doubted_since = ${since}, last_error = 'doubted:invalid_grant'`;
  expect((await run()).stdout).toBe(`jira calls 1 grants dead, doubted since ${since}\n`);
  const listed = JSON.parse((await run("--json")).stdout);
  expect(listed).toEqual({ platforms: [{ platform: "jira", doubted: 1, since }] });

  // By either of its names.
  const { code, stdout } = await run("confirm", "confluence", "--json");
  const { installations: ended } = JSON.parse(stdout);
  expect(code).toBe(0);
  // One grant, and every site of it.
  expect(ended).toContainEqual({ installation_id, platform: "jira" });
  expect(await shared.caller.installation(installation_id)).toMatchObject({
    status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
    last_error: "invalid_grant",
  });
  const events = await eventsOf(shared.caller, "grant.rejected");
  expect(events).toHaveLength(ended.length);
  expect(events).toContainEqual(
    expect.objectContaining({ caller: "operator", installation_id, detail: "confirmed by an operator" }),
  );
});

test.each([["confirm"], ["confirm", "jira", "slack"], ["believe"]])(
  "dead-grants %s is not understood",
  async (...args) => {
    expect(await run(...args)).toMatchObject({ code: 2, stdout: "" });
  },
);

test("dead-grants explains itself, and knows which platforms there are", async () => {
  expect((await run("--help")).stdout).toContain("usage: oauth-token-service dead-grants [--json]");
  const usage = "usage: oauth-token-service dead-grants confirm PLATFORM [--json]";
  expect((await run("confirm", "--help")).stdout).toContain(usage);
  expect(await run("confirm", "nowhere")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("platform nowhere has no settings\n"),
  });
});
