import { beforeEach, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import type { Replica } from "../support/service.ts";
import { approve, ask, openPage, poll, startCode } from "./support/link-codes.ts";
import { isAccepted } from "./support/platform-api.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const replicas = () => {
  const [first, second] = shared.service.replicas;
  if (first === undefined || second === undefined) throw new Error("there are two replicas");
  return [first, second] as const;
};

beforeEach(async () => {
  await shared.sql`delete from link_accounts`;
  await shared.sql`delete from link_codes`;
  await shared.sql`delete from rate_limits`;
});

const labels = {
  ...{ github: "GitHub", "github-oauth": "GitHub", jira: "Jira", confluence: "Confluence" },
  ...{ slack: "Slack", sentry: "Sentry" },
};

describe("a program without a browser", () => {
  test.each(Object.entries(labels))(
    "gets a token of %s once a person has said yes, whichever replica each of them asks",
    async (platform, label) => {
      const [one, other] = replicas();
      const started = await startCode(one, { platform, client_name: "ci on build-7" });
      expect(started).toEqual({
        link_code: expect.stringMatching(/^\d{11}$/),
        poll_secret: expect.stringMatching(/^[\w-]{43,}$/),
        verification_url: `${one.publicUrl}/link`,
        verification_url_complete: expect.stringContaining(`${one.publicUrl}/link?code=${started.link_code}`),
        expires_in: 600,
        interval: 5,
      });
      expect(await poll(other, started)).toMatchObject({ status: 202, body: { status: "pending" } });

      const browser = createBrowser();
      const typed = await (await openPage(browser, one, started.verification_url)).send({ code: started.link_code });
      expect(typed.text).toContain(`Did you start this, to use ${label}?`);
      expect(typed.text).toContain("ci on build-7");
      const { onward } = await typed.send({ decision: "approve" });
      const result = await browser.visit(onward ?? "");
      expect([result.status, result.text.includes("go on in the program that asked")]).toEqual([200, true]);

      const { status, body } = await poll(one, started);
      expect([status, body]).toMatchObject([
        200,
        {
          token_type: "Bearer",
          account_id: expect.any(String),
          account_secret: expect.any(String),
          token_id: expect.stringMatching(/^[0-9a-f]{64}$/),
          installations: expect.arrayContaining([expect.objectContaining({ status: "INSTALLATION_STATUS_ACTIVE" })]),
        },
      ]);
      const token = { access_token: String(body.access_token), api_base_url: String(body.api_base_url) };
      expect(await isAccepted(platform, token)).toBe(true);
      expect(await poll(other, started)).toMatchObject({ status: 410, body: { error: "already_delivered" } });
    },
  );

  test("hears at once that the person refused, here or at the platform", async () => {
    const [one, other] = replicas();
    const here = await startCode(one, { platform: "slack" });
    const asked = await (await openPage(createBrowser(), other, here.verification_url_complete)).send();
    expect((await asked.send({ decision: "deny" })).text).toContain("Refused, as you said");
    expect(await poll(one, here)).toMatchObject({ status: 403, body: { error: "access_denied" } });
    expect((await asked.send({ decision: "approve" })).text).toContain("This code is no longer good");

    const there = await startCode(one, { platform: "slack" });
    shared.service.sandbox.slack.controls.setDecision("deny");
    const result = await approve(createBrowser(), other, there);
    expect(result.text).toContain("The connection was not approved");
    expect(result.text).toContain("the program that asked is told so");
    expect(result.text).not.toContain('class="action"');
    expect(await poll(one, there)).toMatchObject({ status: 403, body: { error: "access_denied" } });
  });

  test("still waits after a failure on the way, and the page leads back to the code", async () => {
    const [one, other] = replicas();
    const started = await startCode(one, { platform: "slack" });
    shared.expectFaults();
    shared.service.sandbox.slack.controls.fail("reset", 9);
    const failed = await approve(createBrowser(), one, started);
    expect([failed.status, failed.text.includes("Your program still waits")]).toEqual([502, true]);
    expect(failed.text).toContain(`<a class="action" href="${one.publicUrl}/link">Connect again</a>`);
    expect(await poll(other, started)).toMatchObject({ status: 202 });
    shared.service.sandbox.slack.controls.recover();
    expect((await approve(createBrowser(), other, started)).status).toBe(200);
    expect(await poll(other, started)).toMatchObject({ status: 200 });
  });

  test("is told when its code has expired, and so is the person", async () => {
    const [one, other] = replicas();
    const started = await startCode(one, { platform: "jira" });
    const asked = await (await openPage(createBrowser(), one, started.verification_url_complete)).send();
    shared.service.clock.advance(600_001);
    expect(await poll(other, started)).toMatchObject({ status: 410, body: { error: "expired" } });
    for (const decision of ["approve", "deny"]) {
      const late = await asked.send({ decision });
      expect([late.status, late.text.includes("This code is no longer good")]).toEqual([410, true]);
    }
  });

  test("may ask at once, then as often as it was told, counted over both replicas", async () => {
    const [one, other] = replicas();
    const started = await startCode(one, { platform: "jira" });
    expect((await poll(one, started)).status).toBe(202);
    const early = await poll(other, started);
    expect(early).toMatchObject({ status: 429, body: { error: "slow_down" } });
    expect(Number(early.headers.get("retry-after"))).toBeGreaterThan(0);
    shared.service.clock.advance(5_000);
    expect((await poll(other, started)).status).toBe(202);
  });

  test("learns nothing by a wrong secret that it would not learn by a wrong code", async () => {
    const [one] = replicas();
    const started = await startCode(one, { platform: "jira" });
    const wrong = await poll(one, { ...started, poll_secret: `${started.poll_secret.slice(0, -1)}A` });
    const unknown = await poll(one, { ...started, link_code: "00000000000" });
    const bytes = ({ headers, ...answer }: typeof wrong) => {
      const { date: _date, "x-request-id": _id, ...others } = Object.fromEntries(headers);
      return { ...answer, others };
    };
    expect(bytes(wrong)).toEqual(bytes(unknown));
    expect(wrong.status).toBe(401);
    expect((await poll(one, started)).status, "and none of it used up the link").toBe(202);
  });

  test("names an owner where anybody may, and what it connects is that owner's at once", async () => {
    const [one] = replicas();
    const started = await startCode(one, { platform: "slack", owner: "acme" });
    const asked = await (await openPage(createBrowser(), one, started.verification_url_complete)).send();
    expect(asked.text).toMatch(/On behalf of<\/span><bdi class="name">acme</);
    await approve(createBrowser(), one, started);
    const { body } = await poll(one, started);
    expect(body.installations).toMatchObject([{ owner: "acme", status: "INSTALLATION_STATUS_ACTIVE" }]);
    const refused = await ask(one, "/v1/link-code", { method: "POST", body: '{"platform":"nothing"}' });
    expect(refused).toMatchObject({ status: 400, body: { error: "INVALID_REQUEST" } });
  });
});

describe("an account", () => {
  test("gets fresh tokens at any replica, another for one that was refused, and other secrets", async () => {
    const [one, other] = replicas();
    const { account_id, account_secret, token_id, access_token } = await connectFor(one, "jira");
    const path = `/v1/tokens/${account_id}`;
    const again = await ask(other, path, { bearer: String(account_secret) });
    expect([again.status, again.body]).toMatchObject([200, { account_id, token_id, access_token }]);
    expect(again.body).not.toHaveProperty("account_secret");
    const fresh = await ask(one, `${path}?rejected_token_id=${token_id}`, { bearer: String(account_secret) });
    expect(fresh.status).toBe(200);
    expect(fresh.body.access_token).not.toBe(access_token);

    const rotated = await ask(other, `${path}/secret`, { method: "POST", bearer: String(account_secret) });
    const next = String(rotated.body.account_secret);
    expect(rotated).toMatchObject({ status: 200, body: { account_id, account_secret: expect.any(String) } });
    expect((await ask(one, path, { bearer: String(account_secret) })).status, "until the next one is used").toBe(200);
    expect((await ask(one, path, { bearer: next })).status).toBe(200);
    expect((await ask(other, path, { bearer: String(account_secret) })).status).toBe(401);
  });

  test("is as unknown by a wrong secret as by a name that nobody has", async () => {
    const [one] = replicas();
    const { account_id, account_secret } = await connectFor(one, "slack");
    const answers: (readonly [number, unknown])[] = [];
    for (const [id, bearer] of [
      [account_id, "A".repeat(43)],
      ["0195e3a0-0000-7000-8000-00000000000b", account_secret],
      ["no-uuid", account_secret],
      [encodeURIComponent("'; --\0"), account_secret],
    ]) {
      for (const [method, path] of [
        ["GET", `/v1/tokens/${id}`],
        ["DELETE", `/v1/tokens/${id}`],
        ["POST", `/v1/tokens/${id}/secret`],
      ] as const) {
        const { status, body } = await ask(one, path, { method, bearer: String(bearer) });
        answers.push([status, body]);
      }
    }
    for (const answer of answers) expect(answer).toEqual([401, expect.objectContaining({ error: "unauthorized" })]);
  });

  test("ends with what its link made, and nothing of it is served any more", async () => {
    const [one, other] = replicas();
    const { account_id, account_secret, access_token, api_base_url } = await connectFor(one, "slack");
    const path = `/v1/tokens/${account_id}`;
    expect(await ask(other, path, { method: "DELETE", bearer: String(account_secret) })).toMatchObject({
      status: 200,
      body: { success: true },
    });
    expect((await ask(one, path, { bearer: String(account_secret) })).status).toBe(401);
    expect((await ask(one, path, { method: "DELETE", bearer: String(account_secret) })).status).toBe(401);
    const token = { access_token: String(access_token), api_base_url: String(api_base_url) };
    expect(await isAccepted("slack", token)).toBe(false);
  });
});

/** Connects a platform by a link code and gives what its program was handed. */
async function connectFor(replica: Replica, platform: string): Promise<Record<string, unknown>> {
  const started = await startCode(replica, { platform });
  await approve(createBrowser(), replica, started);
  return (await poll(replica, started)).body;
}

test("who tries codes is told to wait, at every replica, and an address with the code in it still works", async () => {
  const [one, other] = replicas();
  const started = await startCode(one, { platform: "jira" });
  const browser = createBrowser();
  const page = await openPage(browser, one, started.verification_url);
  expect((await page.send({ code: "not a code" })).status).toBe(404);
  const statuses: number[] = [];
  for (let tries = 0; tries < 21; tries++) {
    const at = tries % 2 === 0 ? one : other;
    const code = String(tries).padStart(11, "0");
    statuses.push((await (await openPage(browser, at, started.verification_url)).send({ code })).status);
  }
  expect(statuses).toEqual([...Array(20).fill(404), 429]);
  const right = await page.send({ code: started.link_code });
  expect([right.status, right.text.includes("Too many codes were tried")]).toEqual([429, true]);
  expect((await approve(createBrowser(), other, started)).status).toBe(200);
});
