import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../../src/errors.ts";
import type { PublicAppOptions } from "../../../../src/web/browser/public-app.ts";
import { expectHarmless, payloads } from "../../support/harmless-page.ts";
import type { Answer } from "../../support/http.ts";
import { type MemoryLinks, memoryLinks } from "../../support/memory-links.ts";
import { startSite } from "../../support/site.ts";
import { parseStrictHtml } from "../../support/strict-html.ts";

const form = { "content-type": "application/x-www-form-urlencoded" };

/** The page, and a browser that keeps the one cookie it is given and sends the forms it is shown. */
async function page(options: Partial<PublicAppOptions> = {}, change: (links: MemoryLinks) => void = () => undefined) {
  const links = memoryLinks(new Date());
  change(links);
  const site = await startSite({ links, ...options });
  let cookie = "";
  const keep = (answer: Answer) => {
    const set = answer.setCookies.find((line) => /ots-link=/.test(line));
    if (set !== undefined) cookie = set.split(";")[0] ?? "";
    return answer;
  };
  return {
    ...site,
    links,
    cookie: () => cookie,
    open: async (query = "") => keep(await site.ask(`/link${query}`, { headers: { cookie } })),
    /** Sends the form of a page, with what a person adds. */
    send: async (shown: Answer, more: Record<string, string> = {}, headers: Record<string, string> = {}) =>
      keep(
        await site.ask("/link", {
          method: "POST",
          headers: { ...form, cookie, origin: "null", ...headers },
          body: new URLSearchParams({ ...fieldsOf(shown), ...more }).toString(),
        }),
      ),
  };
}

/** The fields of a page's form as a browser would send them. */
function fieldsOf({ text }: Answer): Record<string, string> {
  const inputs = parseStrictHtml(text).elements.filter(({ name }) => name === "input");
  return Object.fromEntries(
    inputs.map(({ attributes }) => [attributes.get("name") ?? "", attributes.get("value") ?? ""]),
  );
}

const policy = ({ headers }: Answer) => String(headers["content-security-policy"]);

describe("the link page", () => {
  test("shows a form, and neither looks anything up nor changes anything when it is opened", async () => {
    const { open, links, ask } = await page();
    const empty = await open();
    expect([empty.status, fieldsOf(empty).code]).toEqual([200, ""]);
    const filled = await open(`?code=${links.code}&proof=the-proof`);
    expect(fieldsOf(filled)).toMatchObject({ code: "123 4567 8901", proof: "the-proof" });
    expect(filled.text).toContain("Does your program show this code?");
    expect((await ask("/link", { method: "HEAD" })).headers.allow).toBe("GET, POST");
    expect(links.asked).toEqual([]);
  });

  test("shows who asks, from where, for what, before anything is begun", async () => {
    const { open, send, links } = await page();
    const shown = await send(await open(), { code: "123-4567 8901" });
    expect(shown.status).toBe(200);
    const text = expectHarmless(shown.text);
    const facts = [
      ...["Did you start this, to use GitHub?", "123 4567 8901", "ci on build-7", "nobody has checked that"],
      ...["portal", "acme", "203.0.113.7", "2 minutes ago", `${links.link.startedAt.toISOString().slice(11, 16)} UTC`],
      ...["GitHub asks you next what it may do there", "If you did not start it"],
    ];
    for (const fact of facts) expect(text).toContain(fact);
    expect(links.asked.map(({ what }) => what)).toEqual(["look"]);
    expect([shown.setCookies.length, policy(shown).includes("form-action 'self'")]).toEqual([1, true]);
  });

  test("goes on to the platform by a page, since browsers hold what follows a form to form-action", async () => {
    const { open, send, links } = await page();
    const asked = await send(await open(`?code=${links.code}&proof=the-proof`));
    const going = await send(asked, { decision: "approve" });
    expect([going.status, going.headers.location]).toEqual([200, undefined]);
    const target = "https://platform.example/authorize?state=linked";
    expect(going.headers.refresh).toBe(`0;url=${target}`);
    expect(going.text).toContain(
      `<a class="action" href="${target}" rel="noreferrer">Continue to platform.example</a>`,
    );
    expect(policy(going)).toContain("form-action 'none'");
    expect(going.setCookies).toContainEqual(
      "ots-n-linked=browser-of-linked; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
    );
    expect(links.asked.map(({ what, by }) => [what, by.proof, by.address])).toEqual([
      ["look", "the-proof", "127.0.0.1"],
      ["approve", "the-proof", "127.0.0.1"],
    ]);
  });

  test("refuses for the person who says no", async () => {
    const { open, send, links } = await page();
    const denied = await send(await send(await open(), { code: links.code }), { decision: "deny" });
    expect([denied.status, denied.text.includes("Refused, as you said")]).toEqual([200, true]);
    expect(links.asked.map(({ what }) => what)).toEqual(["look", "deny"]);
  });

  test.each([
    ["without the cookie", { cookie: "" }, {}],
    ["with another browser's cookie", { cookie: `ots-link=${"A".repeat(43)}` }, {}],
    ["with another token", {}, { token: "A".repeat(43) }],
    ["with an empty token", {}, { token: "" }],
  ])("does nothing for a form that comes %s, and shows it again", async (_what, headers, more) => {
    const { open, send, links } = await page();
    const asked = await send(await open(), { code: links.code });
    for (const decision of ["approve", "deny"]) {
      const again = await send(asked, { decision, ...more }, headers);
      expect([again.status, again.headers.location, again.headers.refresh]).toEqual([403, undefined, undefined]);
      expect(parseStrictHtml(again.text).text).toContain("Please send this once more");
      // What other sites can make a browser send ends here; who sits at it sends it once more.
      expect(fieldsOf(again).code).toBe("123 4567 8901");
      expect((await send(again)).text).toContain("Did you start this");
    }
    expect(links.asked.map(({ what }) => what)).not.toContain("approve");
    expect(links.asked.map(({ what }) => what)).not.toContain("deny");
  });

  test("reads no more forms of an address than it is allowed", async () => {
    const counted: string[] = [];
    const count = async (key: string) => {
      counted.push(key);
      return counted.length > 1 ? 12_345 : 0;
    };
    const { open, send, links } = await page({ rateLimits: { count } });
    const asked = await send(await open(), { code: links.code });
    const refused = await send(asked, { decision: "approve" });
    expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "13"]);
    expect(counted).toEqual(["link 127.0.0.1", "link 127.0.0.1"]);
    expect(links.asked.map(({ what }) => what)).toEqual(["look"]);
  });

  test("lets several tabs be open at once", async () => {
    const { open, send, links } = await page();
    const [first, second] = [await open(), await open()];
    expect(fieldsOf(first).token).toBe(fieldsOf(second).token);
    for (const tab of [second, first]) expect((await send(tab, { code: links.code })).status).toBe(200);
  });

  test("has a cookie that only this host can set, where the base URL has https", async () => {
    const { open } = await page({ baseUrl: new URL("https://tokens.example/oauth") });
    const shown = await open();
    expect(shown.setCookies[0]).toMatch(
      /^__Host-ots-link=[\w-]{43}; Max-Age=1200; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(shown.text).toContain('action="/oauth/link"');
  });

  test.each([
    ["unknown", undefined, 404, "This code is not known", "11 digits"],
    ["ended", undefined, 410, "This code is no longer good", "Start again in your program"],
    ["slow_down", 240_000, 429, "Too many codes were tried", "Wait 4 minutes"],
  ] as const)(
    "says what to do about a code that is %s, and takes another",
    async (why, retryAfterMs, status, title, advice) => {
      for (const decision of [undefined, "approve", "deny"]) {
        const refused = async () => ({ kind: "refused", why, retryAfterMs }) as const;
        const { open, send } = await page({}, (links) =>
          Object.assign(links, { look: refused, approve: refused, deny: refused }),
        );
        const answer = await send(await open(), { code: "000 0000 0000", ...(decision && { decision }) });
        expect([answer.status, answer.headers["retry-after"]]).toEqual([status, retryAfterMs && "240"]);
        const text = expectHarmless(answer.text);
        expect(text).toContain(title);
        expect(text).toContain(advice);
        expect(fieldsOf(answer)).toMatchObject({ code: "000 0000 0000", token: expect.any(String) });
        expect(answer.text).toContain('aria-invalid="true"');
      }
    },
  );

  test("takes a code as people paste it, without a limit in the browser that would cut it", async () => {
    const { open, send, links } = await page();
    const shown = await open();
    const input = parseStrictHtml(shown.text).elements.find(({ attributes }) => attributes.get("id") === "code");
    expect([...(input?.attributes.keys() ?? [])]).not.toEqual(expect.arrayContaining(["maxlength"]));
    expect([...(input?.attributes.keys() ?? [])]).not.toEqual(expect.arrayContaining(["pattern"]));
    expect(input?.attributes.get("autocomplete"), "an old code is no help").toBe("off");
    expect((await send(shown, { code: "  123-4567-8901 " })).status).toBe(200);
    expect(links.asked[0]?.typed).toBe("  123-4567-8901 ");
  });

  test.each(payloads)("shows %j as text wherever who asks can put it", async (payload) => {
    const { open, send, links } = await page({}, (memory) => {
      memory.link = {
        ...memory.link,
        ...{ platform: payload, owner: payload, clientName: payload, caller: payload, fromAddress: payload },
      };
    });
    const text = expectHarmless((await send(await open(), { code: links.code })).text);
    expect(text).toContain(payload.replace(/[\p{Cc}\p{Cf}]/gu, " "));
    expectHarmless((await open(`?code=${encodeURIComponent(payload)}&proof=${encodeURIComponent(payload)}`)).text);
    expectHarmless((await send(await open(), { code: payload, proof: payload })).text);
  });

  test("tells where the program is, as seen from here", async () => {
    const shownFor = async (fromAddress: string | undefined, headers: Record<string, string> = {}) => {
      const { open, send, links } = await page({}, (memory) => {
        memory.link = { ...memory.link, fromAddress, caller: "anonymous", owner: undefined, clientName: undefined };
      });
      return parseStrictHtml((await send(await open(), { code: links.code }, headers)).text).text;
    };
    const proxied = await shownFor("127.0.0.1", { "x-forwarded-for": "198.51.100.20" });
    expect(proxied, "behind a proxy that nobody named all have one address").not.toContain("address that you have");
    expect(await shownFor("127.0.0.1")).toContain("the address that you have, too");
    const elsewhere = await shownFor("203.0.113.7");
    expect(elsewhere).toContain("right only if the program runs on another machine");
    expect(elsewhere).toContain("somebody who did not have to say who they are");
    expect(elsewhere).not.toMatch(/On behalf of|It calls itself/);
    expect(await shownFor(undefined)).toContain("an unknown address");
  });

  test.each([
    ["a code twice", form, "code=1&code=2", 400],
    ["JSON", { "content-type": "application/json" }, '{"code":"12345678901"}', 400],
    ["no type", {}, "code=12345678901", 400],
    ["too much", form, `code=${"1".repeat(5_000)}`, 413],
    ["too much in pieces", { ...form, "transfer-encoding": "chunked" }, `code=${"1".repeat(5_000)}`, 413],
  ])("takes no form with %s", async (_what, headers: Record<string, string>, body, status) => {
    const { ask, links } = await page();
    const answer = await ask("/link", { method: "POST", headers, body });
    expect([answer.status, answer.text.includes("<h1>")]).toEqual([status, true]);
    expect(links.asked).toEqual([]);
  });

  test("refuses a decision that nobody offered", async () => {
    const { open, send, links } = await page();
    expect((await send(await open(), { code: links.code, decision: "maybe" })).status).toBe(400);
    expect(links.asked).toEqual([]);
  });

  test.each([
    ["PLATFORM_NOT_CONFIGURED", 404, "cannot be connected here yet"],
    ["SERVICE_UNAVAILABLE", 502, "cannot reach its own database"],
  ] as const)("says %s in a page", async (reason, status, title) => {
    const { open, send, links } = await page({}, (memory) =>
      Object.assign(memory, { approve: () => Promise.reject(new ServiceError(reason, "for callers")) }),
    );
    const answer = await send(await open(), { code: links.code, decision: "approve" });
    expect([answer.status, answer.text.includes(title)]).toEqual([status, true]);
  });

  test("writes no code, proof or token into the log", async () => {
    const { open, send, links, world } = await page();
    const asked = await send(await open(`?code=${links.code}&proof=the-proof`));
    await send(asked, { decision: "approve" });
    const lines = world.lines.join();
    for (const secret of [links.code, "the-proof", fieldsOf(asked).token ?? "?"]) expect(lines).not.toContain(secret);
    expect(lines).toContain('"route":"/link"');
  });
});
