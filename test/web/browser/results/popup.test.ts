import { expect, test } from "vitest";
import type { FinishOutcome } from "../../../../src/domain/connecting/browser-flow.ts";
import { Secret } from "../../../../src/secret.ts";
import { cookiesOf, installation, resultOf, type Site, startSite } from "../../support/site.ts";

const callback = "/oauth/callback/slack?code=the-code&state=s";
const returnTo = "https://portal.example/done?tab=1";
const watched = { returnTo, fromLink: true };
const goOn = `${returnTo}&completion_code=the-completion-code`;

const pending: FinishOutcome = {
  kind: "pending",
  installations: [installation({ status: "pending" })],
  continueAt: new Secret(goOn),
  completionCode: new Secret("the-completion-code"),
  bindingName: "n-s",
  watched,
};
const failed = (more: Partial<Extract<FinishOutcome, { kind: "failed" }>> = {}): FinishOutcome => ({
  ...{ kind: "failed", failure: "no_sites", platform: "jira", watched },
  ...more,
});

/** The page that a popup ends with, what it tells, and to whom. */
async function pageOf(outcome: FinishOutcome, site?: Site) {
  const here = site ?? (await startSite({ finishInstall: async () => outcome }));
  const told = await here.ask(callback, { headers: { cookie: "ots-n-s=browser-of-s" } });
  const cookie = cookiesOf(told).join("; ");
  const answer = await here.ask(resultOf(told), { headers: { cookie } });
  const attribute = (name: string) =>
    new RegExp(`<div[^>]* ${name}="([^"]*)"`)
      .exec(answer.text)?.[1]
      ?.replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&amp;", "&");
  const message = attribute("data-popup-message");
  return {
    ...{ site: here, told, answer },
    message: message && JSON.parse(message),
    opener: attribute("data-opener-origin"),
    goOn: attribute("data-go-on"),
    nonce: /<script nonce="([^"]*)">/.exec(answer.text)?.[1],
  };
}

test("the page of a popup brings the code to the one origin that the connection leads back to", async () => {
  const { told, answer, ...page } = await pageOf(pending);
  expect(page.message).toEqual({
    source: "oauth-token-service",
    status: "connected",
    completion: true,
    completionCode: "the-completion-code",
  });
  expect([page.opener, page.goOn]).toEqual(["https://portal.example", goOn]);
  expect(answer.text, "and without a script the person does").toContain(`href="${goOn.replaceAll("&", "&amp;")}"`);
  expect(answer.text, "until then nothing is connected").toContain("<h1>One step is left</h1>");
  expect(answer.text).not.toContain("is set up");
  for (const { headers } of [told, answer]) {
    expect(headers["cross-origin-opener-policy"]).toBe("unsafe-none");
    expect(JSON.stringify(headers)).not.toContain("the-completion-code");
  }
});

test("its one script runs by a nonce of this answer", async () => {
  const { site, answer, nonce } = await pageOf(pending);
  expect(nonce).toMatch(/^[\w-]{22}$/);
  expect(answer.headers["content-security-policy"]).toContain(`script-src 'nonce-${nonce}'; `);
  expect(answer.text.match(/<script/g)).toHaveLength(1);
  expect((await pageOf(pending, site)).nonce).not.toBe(nonce);
});

test.each([
  [
    failed(),
    { status: "failed", reason: "no_sites", message: /^Your approval covers no site\. Connect again .* at Jira/ },
  ],
  [
    failed({ failure: "denied" }),
    { status: "denied", reason: "denied", message: /^The connection was not approved\. / },
  ],
])("a failure is told with what the person can do", async (outcome, { message, ...expected }) => {
  const page = await pageOf(outcome);
  expect(page.message).toEqual({
    source: "oauth-token-service",
    ...expected,
    message: expect.stringMatching(message),
  });
  expect([page.opener, page.goOn]).toEqual(["https://portal.example", undefined]);
  expect(page.answer.text, "the page that opened it begins again").not.toContain("/oauth/install/");
});

test.each<[string, FinishOutcome]>([
  ["that leads nowhere", { ...pending, watched: { returnTo: undefined, fromLink: true } }],
  [
    "whose address is not allowed any more",
    failed({ watched: { returnTo: "https://evil.example/", fromLink: false } }),
  ],
  ["that nobody watches", failed({ watched: undefined })],
])("one %s tells nothing, and runs nothing", async (_which, outcome) => {
  const { answer, opener, message, nonce } = await pageOf(outcome);
  expect([opener, message, nonce]).toEqual([undefined, undefined, undefined]);
  expect(answer.headers["content-security-policy"]).not.toContain("script-src");
});

test("whatever the address to return to holds stays in its attribute", async () => {
  const hostile = `https://portal.example/?"><script>alert(1)</script>'`;
  const { answer, ...page } = await pageOf({ ...pending, continueAt: new Secret(hostile) });
  expect(page.goOn).toBe(hostile);
  expect(answer.text.match(/<script/g)).toHaveLength(1);
});
