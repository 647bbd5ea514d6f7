import { describe, expect, test } from "vitest";
import type { ListedConcern } from "../../../src/domain/health/concern.ts";
import { ServiceError } from "../../../src/errors.ts";
import { startConsole } from "../support/console.ts";

const idOf = (n: number) => `0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6${n}`;
const dayMs = 86_400_000;

/** A console with two connections, and what needs a person of them. */
async function open() {
  const site = await startConsole();
  const at = (days: number) => new Date(site.clock.now().getTime() + days * dayMs);
  const concern = (n: number, changes: Partial<ListedConcern>): ListedConcern => ({
    ...{ id: idOf(n + 5), installationId: idOf(n), platform: "slack", owner: "acme", externalOrgId: "T1" },
    ...{ externalOrgName: "Acme <b>&", kind: "absolute_end", since: at(-3), detail: undefined, actBefore: at(12) },
    ...changes,
  });
  const shown = (n: number, owner: string) => ({
    ...{ id: idOf(n), platform: "slack", status: "INSTALLATION_STATUS_ACTIVE", owner },
    ...{ external_org_id: "T1", external_org_name: `Org ${n}`, create_time: at(-30).toISOString() },
  });
  const installations = [shown(1, "acme"), shown(2, "globex")];
  const answered = (body: object) => ({ status: 200, body: body as never, retryAfterSeconds: undefined });
  site.answers.set("ListInstallations", answered({ installations }));
  site.answers.set("GetInstallation", answered({ installation: installations[0] }));
  return { site, concern, at };
}

describe("what needs a person", () => {
  test("is marked in the list, and said with what to do on the page of the connection", async () => {
    const { site, concern } = await open();
    site.concerns.push(
      concern(1, {}),
      concern(1, { kind: "permissions_pending", detail: "issues:write", actBefore: undefined }),
    );
    const browser = site.browser();
    const list = await browser.signIn(site.addCaller("dashboard", {}));
    const row = (n: number) => list.text.split(`id="connection-${idOf(n)}"`)[1]?.split("</tr>")[0] ?? "";
    expect(row(1)).toContain("needs a person");
    expect(row(1)).toMatch(/The grant ends <time [^>]*>in 1\d days<\/time>/);
    expect(row(1)).toContain("Permissions not approved");
    expect(row(2)).not.toContain("needs a person");
    const page = await browser.get(`/console/connections/${idOf(1)}`);
    expect(page.text).toContain("(issues:write). Ask the organization&#39;s owner to accept them");
    expect(page.text).toContain("Connect it again before then.");
  });

  test("has a page of its own, the soonest first, for what the caller may see", async () => {
    const { site, concern, at } = await open();
    site.concerns.push(
      concern(2, { owner: "globex", externalOrgName: "Globex", kind: "suspended", actBefore: undefined }),
      concern(1, { kind: "idle_end", actBefore: at(20) }),
      concern(1, {}),
    );
    const all = site.browser();
    await all.signIn(site.addCaller("dashboard", {}));
    const page = await all.get("/console/concerns");
    expect(page.status).toBe(200);
    const places = ["whatever is refreshed", "has not been refreshed", "is suspended"].map((text) =>
      page.text.indexOf(text),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(page.text).toContain("<bdi>Acme &lt;b&gt;&amp;</bdi>");
    expect(page.text).toContain(`href="/console/connections/${idOf(1)}"`);
    const narrowed = await all.get("/console/concerns?kind=suspended");
    expect([narrowed.text.includes("Globex"), narrowed.text.includes("Acme")]).toEqual([true, false]);
    expect((await all.get("/console/concerns?kind=idle_end&kind=suspended")).status).toBe(200);
    expect((await all.get("/console/concerns?kind=%3Cscript%3E")).text).toContain("Globex");

    const some = site.browser();
    await some.signIn(site.addCaller("some", { owners: new Set(["acme"]) }));
    const theirs = await some.get("/console/concerns");
    expect([theirs.text.includes("Globex"), theirs.text.includes("Acme")]).toEqual([false, true]);
  });

  test("is not silently a part of what there is", async () => {
    const { site, concern } = await open();
    const browser = site.browser();
    await browser.signIn(site.addCaller("dashboard", {}));
    const says = async () => (await browser.get("/console/concerns")).text.includes("there may be more");
    site.concerns.push(...Array.from({ length: 499 }, () => concern(1, {})));
    expect(await says()).toBe(false);
    site.concerns.push(concern(2, {}));
    expect(await says()).toBe(true);
  });

  test("that cannot be read is no bug, and not nothing", async () => {
    const listConcerns = async () => {
      throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
    };
    const site = await startConsole({ listConcerns });
    const installation = { id: idOf(1), platform: "slack", status: "INSTALLATION_STATUS_ACTIVE" };
    const body = { installations: [installation], installation };
    for (const name of ["ListInstallations", "GetInstallation"]) {
      site.answers.set(name, { status: 200, body, retryAfterSeconds: undefined });
    }
    const browser = site.browser();
    expect((await browser.signIn(site.addCaller("dashboard", {}))).status).toBe(503);
    for (const path of ["/console/concerns", `/console/connections/${idOf(1)}`]) {
      const page = await browser.get(path);
      expect([page.status, page.text.includes("the database cannot be reached")]).toEqual([503, true]);
    }
    expect(site.world.lines.filter((line) => line.includes("http.unexpected"))).toEqual([]);
  });

  test("is nothing for whoever may not list, or is refused; where there is nothing the page says so", async () => {
    const { site, concern } = await open();
    const browser = site.browser();
    await browser.signIn(site.addCaller("dashboard", {}));
    expect((await browser.get("/console/concerns")).text).toContain("every connection that this caller may see works");
    site.concerns.push(concern(1, {}));
    const error = { code: "RESOURCE_EXHAUSTED", reason: "CALLER_RATE_LIMITED", message: "slow down" };
    site.answers.set("ListInstallations", { status: 429, body: { error }, retryAfterSeconds: 3 });
    const refused = await browser.get("/console/concerns");
    expect([refused.status, refused.text.includes("Acme")]).toEqual([429, false]);
    expect(refused.text).toContain("Too many requests");
    const other = site.browser();
    await other.signIn(site.addCaller("other", { methods: new Set(["GetToken", "GetInstallation"]) }));
    const page = await other.get(`/console/connections/${idOf(1)}`);
    expect(page.text).not.toContain("whatever is refreshed");
  });
});
