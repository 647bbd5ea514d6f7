import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Browser, createBrowser } from "../../rig/browser.ts";
import { until } from "../../rig/gate.ts";
import type { Replica } from "../support/service.ts";
import { at, redirect } from "./support/flow.ts";
import { complete, makeLink, portal } from "./support/links.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2, env: { ALLOWED_RETURN_ORIGINS: portal } });
const one = () => shared.service.replicas[0]!;
const other = () => shared.service.replicas[1]!;
const back = `${portal}/done`;

function openFlow() {
  const name = randomBytes(32).toString("base64url");
  const browser = createBrowser();
  const address = (replica: Replica, rest = "") => new URL(`/oauth/flows/${name}${rest}`, replica.publicUrl);
  return {
    browser,
    /** Where the popup is sent first. */
    start: (platform: string, link?: URL) => {
      const url =
        link ?? new URL(`/oauth/install/${platform}?${new URLSearchParams({ return_to: back })}`, one().publicUrl);
      url.searchParams.set("popup", "1");
      url.searchParams.set("flow", name);
      return url;
    },
    async look(replica = other(), origin = portal) {
      const response = await fetch(address(replica), { headers: { origin, accept: "application/json" } });
      return (await response.json()) as Record<string, unknown>;
    },
    close: () => fetch(address(other(), "/closed"), { method: "POST", headers: { origin: portal } }),
    /** What its stream tells, read to its end. */
    async stream(replica = other()) {
      const headers = { origin: portal, accept: "text/event-stream" };
      const text = await (await fetch(address(replica), { headers })).text();
      return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data) as Record<string, unknown>);
    },
  };
}

/** Passes the platform's consent, up to the callback. */
async function consent(browser: Browser, start: URL): Promise<URL> {
  return redirect(browser, await redirect(browser, start));
}

test.each(["github", "github-oauth", "jira", "slack", "sentry"])(
  "a stream at another replica follows a popup of %s to its end",
  async (platform) => {
    const flow = openFlow();
    const told = flow.stream();
    const callback = await consent(flow.browser, flow.start(platform));
    expect(await flow.look()).toEqual({ status: "at_platform" });
    expect((await flow.browser.visit(callback)).status).toBe(200);
    expect((await told).at(-1)).toEqual({ status: "connected" });
  },
);

test("a pending connection is told without its code, which comes with the popup's page alone", async () => {
  const link = await makeLink(shared.caller, { platform: "slack", owner: "acme", return_to: back });
  const flow = openFlow();
  const told = flow.stream();
  const page = await flow.browser.visit(await consent(flow.browser, flow.start("slack", link)));
  expect((await told).at(-1)).toEqual({ status: "connected", completion: true });
  expect(page.url.pathname).toMatch(/^\/oauth\/result\/[\w-]+$/);
  const code = /completion_code=([\w-]+)/.exec(page.text)?.[1] ?? "";
  expect((await complete(shared.caller, code, "acme")).installations).toHaveLength(1);
});

test("a person who declines is told of, with what to do", async () => {
  shared.service.sandbox.atlassian.controls.setDecision("deny");
  const flow = openFlow();
  await flow.browser.visit(await consent(flow.browser, flow.start("jira")));
  expect(await flow.look()).toMatchObject({ status: "denied", reason: "denied", message: expect.any(String) });
});

test("both legs of a GitHub flow are of one flow", async () => {
  const flow = openFlow();
  const callback = await consent(flow.browser, flow.start("github"));
  callback.searchParams.delete("code");
  const authorize = await redirect(flow.browser, callback);
  expect(await flow.look()).toEqual({ status: "at_platform" });
  await flow.browser.visit(authorize);
  expect(await flow.look()).toEqual({ status: "connected" });
});

test("an approval that an owner has to give is told to the page that waits, though GitHub names no attempt", async () => {
  const flow = openFlow();
  await redirect(flow.browser, flow.start("github"));
  const asked = new URL("/oauth/callback/github?setup_action=request", one().publicUrl);
  expect((await flow.browser.visit(asked)).status).toBe(409);
  expect(await flow.look()).toMatchObject({ status: "failed", reason: "approval_pending" });
});

test("a refusal that names no attempt, which any page can send a browser to, ends no flow", async () => {
  const flow = openFlow();
  const callback = await consent(flow.browser, flow.start("jira"));
  const sentThere = new URL("/oauth/callback/jira?error=access_denied", one().publicUrl);
  expect((await flow.browser.visit(sentThere)).status).toBe(403);
  expect(await flow.look()).toEqual({ status: "at_platform" });
  await flow.browser.visit(callback);
  expect(await flow.look()).toEqual({ status: "connected" });
});

describe("a popup that was closed", () => {
  test("has abandoned its flow, which a later callback still wins", async () => {
    const flow = openFlow();
    const callback = await consent(flow.browser, flow.start("slack"));
    const told = flow.stream();
    await until(async () => (await flow.look()).status === "at_platform", "it is under way");
    expect((await flow.close()).status).toBe(204);
    shared.service.clock.advance(10_001);
    expect((await told).at(-1)).toMatchObject({ status: "abandoned" });
    await flow.browser.visit(callback);
    expect(await flow.look()).toEqual({ status: "connected" });
  });

  test("or is not come back from in time has expired", async () => {
    const flow = openFlow();
    await consent(flow.browser, flow.start("slack"));
    shared.service.clock.advance(600_001);
    expect(await flow.look()).toMatchObject({ status: "expired" });
  });
});

test("a link that was used is told to its product's page, and its first flow goes on", async () => {
  const link = await makeLink(shared.caller, { platform: "slack", owner: "acme", return_to: back });
  const [first, second] = [openFlow(), openFlow()];
  const callback = await consent(first.browser, first.start("slack", new URL(link)));
  expect((await second.browser.get(second.start("slack", new URL(link)))).status).toBe(403);
  expect(await second.look()).toMatchObject({ status: "failed", reason: "link_already_used" });
  const again = await first.browser.get(first.start("slack", new URL(link)));
  expect(again.status).toBe(409);
  expect(await first.look()).toEqual({ status: "at_platform" });
  await first.browser.visit(at(other(), callback));
  expect(await first.look()).toEqual({ status: "connected", completion: true });
});

test("a link that has to be confirmed is one flow, however often its page is read", async () => {
  const link = await makeLink(shared.caller, { platform: "slack", owner: "acme", return_to: back, confirm_page: true });
  const flow = openFlow();
  const start = flow.start("slack", link);
  const page = await (await flow.browser.get(start)).text();
  expect((await flow.browser.get(start)).status).toBe(200);
  expect(await flow.look()).toEqual({ status: "opened" });
  const latest = await (await flow.browser.get(start)).text();
  expect(latest).not.toBe(page);
  const next = /href="([^"]*go_on[^"]*)"/.exec(latest)?.[1]?.replaceAll("&amp;", "&") ?? "";
  await flow.browser.visit(await consent(flow.browser, new URL(next)));
  expect(await flow.look()).toEqual({ status: "connected", completion: true });
});

test("no name of a flow, and no completion code, is in the database or in the log", async () => {
  const flow = openFlow();
  const name = flow.start("slack").searchParams.get("flow") ?? "";
  const link = await makeLink(shared.caller, { platform: "slack", owner: "acme", return_to: back });
  const page = await flow.browser.visit(await consent(flow.browser, flow.start("slack", link)));
  const code = /completion_code=([\w-]+)/.exec(page.text)?.[1] ?? "";
  expect(code).not.toBe("");
  const rows = JSON.stringify(await shared.sql`select * from flows`);
  const lines = shared.service.world.lines.join("\n");
  for (const secret of [name, code]) expect([rows.includes(secret), lines.includes(secret)]).toEqual([false, false]);
});
