import { expect, test } from "vitest";
import type { StartFromLink } from "../../../src/domain/connecting/browser-flow.ts";
import { startedAttempt, startSite } from "../support/site.ts";

const path = "/oauth/install/github?link=the-link";

/** A link that wants to be confirmed; `starts` says how often it was spent. */
async function site(names: { caller: string; owner: string | undefined } = { caller: "portal", owner: "acme" }) {
  const starts: string[] = [];
  const startFromLink: StartFromLink = async ({ link, confirmed }) => {
    if (!confirmed) return { kind: "unconfirmed", ...names };
    starts.push(link.reveal());
    return { kind: "started", attempt: startedAttempt("s") };
  };
  const opened = await startSite({ startFromLink, installMode: "link" });
  return { ...opened, starts };
}

const goOnOf = (text: string) => {
  const href = /<a class="action" href="([^"]*)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const url = new URL(href);
  return url.pathname + url.search;
};
const cookieOf = (answer: { headers: Record<string, string | string[] | undefined> }) =>
  [answer.headers["set-cookie"] ?? []].flat()[0]?.split(";")[0] ?? "";

test("names caller and owner, and leads on with one press in the same browser", async () => {
  const { ask, starts } = await site();
  const page = await ask(path);
  expect(page.status).toBe(200);
  expect(page.text).toContain("Connect GitHub?");
  expect(page.text).toMatch(/Asked for by<\/span><bdi class="name">portal</);
  expect(page.text).toMatch(/On behalf of<\/span><bdi class="name">acme</);
  expect(page.text.match(/<a /g)).toHaveLength(1);
  expect(starts).toEqual([]);
  const next = await ask(goOnOf(page.text), { headers: { cookie: cookieOf(page) } });
  expect([next.status, next.headers.location]).toEqual([302, "https://platform.example/authorize?state=s"]);
  expect(starts).toEqual(["the-link"]);
});

test("is shown again to who did not press it here, and nothing is spent", async () => {
  const { ask, starts } = await site();
  const page = await ask(path);
  const [goOn, cookie] = [goOnOf(page.text), cookieOf(page)];
  const others: Record<string, string>[] = [
    {},
    { cookie: `${cookie}x` },
    { cookie, "sec-purpose": "prefetch;prerender" },
    { cookie, purpose: "prefetch" },
    { cookie, "x-moz": "prefetch" },
  ];
  for (const headers of others) expect((await ask(goOn, { headers })).status).toBe(200);
  expect((await ask(`${path}&go_on=`, { headers: { cookie } })).status).toBe(200);
  expect(starts).toEqual([]);
});

test("shows names as text, and none where there is none", async () => {
  const hostile = await site({ caller: `<script>alert("1")</script>`, owner: `"><img src=x>` });
  const { text } = await hostile.ask(path);
  expect(text).not.toMatch(/<script|<img/);
  expect(text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
  const nobodys = await site({ caller: "portal", owner: undefined });
  expect((await nobodys.ask(path)).text).not.toContain("On behalf of");
});
