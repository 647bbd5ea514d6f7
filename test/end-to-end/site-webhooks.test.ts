import { beforeEach, describe, expect, test } from "vitest";
import { createGate, until } from "../../rig/gate.ts";
import { jiraDelivery } from "../../rig/signed-deliveries.ts";
import { defaultSites } from "../../sandbox/atlassian/people.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const dayMs = 86_400_000;
const [acme, globex] = defaultSites;
const person = "5b10ac8d82e05b22cc7d4ef5";

const sandbox = () => shared.service.sandbox.atlassian;
const atJira = () => sandbox().webhooks;
const url = () => `${shared.service.replicas[0]?.publicUrl}/webhooks/jira`;
const keep = (replica = 0) => shared.service.replicas[replica]!.jobs.run("keep webhooks");
const calls = (method: string) =>
  sandbox().calls.filter((call) => call.method === method && call.path.includes("/rest/api/3/webhook")).length;
const webhookOf = async (id: string) => (await shared.caller.installation(id)).webhook as Shown;
const idsOf = (cloudId = acme!.id) =>
  atJira()
    .all()
    .filter((webhook) => webhook.cloudId === cloudId)
    .map(({ id }) => String(id));

interface Shown {
  readonly registered: boolean;
  readonly url: string;
  readonly external_ids: readonly string[];
  readonly error: string;
  readonly expire_time: { readonly seconds: string } | null;
}

/** Connects one site, and gives the installation's id. */
async function connect(query = ""): Promise<string> {
  sandbox().controls.setSites([acme!]);
  const { installation_id } = await shared.service.connect("jira", { query });
  return installation_id;
}

const anotherOne = (jqlFilter: string, address = url(), cloudId = acme!.id) => ({
  ...{ cloudId, accountId: person, url: address, jqlFilter },
  events: ["jira:issue_created"],
});

beforeEach(() => {
  for (const { id, cloudId } of atJira().all()) atJira().drop(id, cloudId);
  Object.assign(atJira(), { showUrls: true, deletionMs: 0, beforeAnswer: async () => undefined });
  atJira().failures.length = 0;
  sandbox().controls.setSites(defaultSites);
});

describe("connecting", () => {
  test("registers a webhook at each site, all with one address, and shows it", async () => {
    const { installations } = await shared.service.connect("jira");
    const wanted = {
      ...{ url: url(), accountId: person, jqlFilter: "project != NULL" },
      events: ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated"],
    };
    expect(atJira().all()).toMatchObject([wanted, wanted]);
    for (const { id, external_org_id: site, webhook } of installations) {
      expect(webhook).toMatchObject({ registered: true, url: url(), external_ids: idsOf(String(site)), error: "" });
      const { expire_time, ...shown } = await webhookOf(String(id));
      expect(shown).toEqual({ registered: true, url: url(), external_ids: idsOf(String(site)), error: "" });
      const left = Number(expire_time?.seconds) * 1000 - shared.service.clock.now().getTime();
      expect(left / dayMs).toBeCloseTo(30, 1);
    }
  });

  test("again, or for another owner, finds what is there and registers nothing", async () => {
    const id = await connect();
    const before = calls("POST");
    expect(await connect()).toBe(id);
    const other = await connect("?owner=other");
    expect(calls("POST")).toBe(before);
    expect([await webhookOf(id), await webhookOf(other)]).toMatchObject([
      { external_ids: idsOf() },
      { external_ids: idsOf() },
    ]);
    expect(idsOf()).toHaveLength(1);
  });

  test.each([true, false])(
    "of one person for two owners at once leaves one webhook (list with addresses: %s)",
    async (showUrls) => {
      atJira().showUrls = showUrls;
      sandbox().controls.setSites([acme!]);
      const gate = createGate();
      let waiting = 0;
      atJira().beforeAnswer = () => {
        if (++waiting === 2) gate.open();
        return gate.opened;
      };
      const both = await Promise.all(["one", "two"].map((owner) => connect(`?owner=${owner}`)));
      await Promise.all([keep(0), keep(1)]);
      await keep(0);
      expect(idsOf()).toHaveLength(1);
      const wanted = { registered: true, external_ids: idsOf(), error: "" };
      expect(await Promise.all(both.map(webhookOf))).toMatchObject([wanted, wanted]);
    },
  );

  test("uses what an earlier deployment at this address left, and takes one of several away", async () => {
    const issues = ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted"];
    const all = { ...anotherOne("project  !=  null"), events: [...issues, "comment_created", "comment_updated"] };
    const [first] = [atJira().add(all), atJira().add(all)];
    const id = await connect();
    expect(await webhookOf(id)).toMatchObject({ registered: true, external_ids: [String(first?.id)] });
    expect(idsOf()).toEqual([String(first?.id)]);
  });

  test("does not wait for a Jira that hangs, and is registered when that answers", async () => {
    const gate = createGate();
    atJira().beforeAnswer = () => gate.opened;
    const id = await connect();
    expect((await webhookOf(id)).registered).toBe(false);
    gate.open();
    await expect.poll(async () => (await webhookOf(id)).registered).toBe(true);
  });

  test("a site without Jira has none", async () => {
    sandbox().controls.setSites([{ ...acme!, products: ["confluence"] }]);
    const { installation_id } = await shared.service.connect("confluence");
    await keep();
    expect(await webhookOf(installation_id)).toBeNull();
  });
});

describe("what Jira refuses", () => {
  test("inside of a success is read, for the site that it is about", async () => {
    for (let n = 0; n < 5; n++) atJira().add(anotherOne(`project = P${n}`, url(), globex!.id));
    atJira().deletionMs = 3_600_000;
    const { success, installations } = await shared.service.connect("jira");
    expect(success).toBe(true);
    expect(installations.map(({ external_org_name, webhook }) => [external_org_name, webhook])).toMatchObject([
      ["acme", { registered: true, error: "" }],
      ["globex", { registered: false, error: "limit_reached", external_ids: [] }],
    ]);
  });

  test("a sixth webhook: five of other filters with our address make room for the one that has them all", async () => {
    for (let n = 0; n < 5; n++) atJira().add(anotherOne(`project = P${n}`));
    const id = await connect();
    expect(await webhookOf(id)).toMatchObject({ registered: true, external_ids: idsOf() });
    expect(idsOf()).toHaveLength(1);
  });

  test("another deployment's address stays, is told, and nothing is taken from it", async () => {
    atJira().add(anotherOne("project = P", "https://other.example/hook"));
    const id = await connect();
    expect(await webhookOf(id)).toMatchObject({ registered: false, url: url(), error: "other_address" });
    expect(idsOf()).toHaveLength(1);
    for (const { id: hook } of atJira().all()) atJira().drop(hook, acme!.id);
    shared.service.clock.advance(61_000);
    await keep();
    expect(await webhookOf(id)).toMatchObject({ registered: true, error: "" });
  });

  test.each([
    ["scope_missing", { status: 403, body: { errorMessages: ["The app does not have the required scope."] } }],
    ["scope_missing", { status: 401, body: { code: 401, message: "Unauthorized; scope does not match" } }],
    ["forbidden", { status: 403, body: { errorMessages: ["Only Connect and OAuth apps."] } }],
    ["site_not_found", { status: 404, body: { message: "Not Found" } }],
    ["http_503", { status: 503 }],
    ["unreadable_body", { status: 200, body: "<html>" }],
  ])("%s is shown, leaves the grant alone and is tried again", async (error, answer) => {
    const refreshes = sandbox().controls.refreshCalls;
    atJira().failures.push(answer);
    const id = await connect();
    expect(await webhookOf(id)).toEqual({ registered: false, url: url(), external_ids: [], error, expire_time: null });
    expect(sandbox().controls.refreshCalls).toBe(refreshes);
    await keep();
    expect((await webhookOf(id)).error).toBe(error);
    shared.service.clock.advance(61_000);
    await keep();
    expect(await webhookOf(id)).toMatchObject({ registered: true, error: "" });
  });

  test("a limit is kept for as long as Jira says", async () => {
    atJira().failures.push({ status: 429, headers: { "retry-after": "600" } });
    const id = await connect();
    expect((await webhookOf(id)).error).toBe("rate_limited");
    shared.service.clock.advance(300_000);
    const before = calls("GET");
    await keep();
    expect(calls("GET")).toBe(before);
    shared.service.clock.advance(301_000);
    await keep();
    expect((await webhookOf(id)).registered).toBe(true);
  });

  test("a limit ends the round: the other sites are asked in the next one", async () => {
    sandbox().controls.setSites(Array.from({ length: 12 }, (_, n) => ({ ...acme!, id: `site-${n}`, name: `s${n}` })));
    atJira().failures.push(...Array.from({ length: 12 }, () => ({ status: 503 })));
    await shared.service.connect("jira");
    shared.service.clock.advance(61_000);
    const before = calls("GET");
    atJira().failures.push(...Array.from({ length: 12 }, () => ({ status: 429, headers: { "retry-after": "60" } })));
    await keep();
    expect(calls("GET") - before).toBeLessThanOrEqual(4);
    atJira().failures.length = 0;
    shared.service.clock.advance(121_000);
    await keep();
    expect(atJira().all()).toHaveLength(12);
  });

  test("a token that it does not take is replaced once, by the refresh that all share", async () => {
    const refreshes = sandbox().controls.refreshCalls;
    atJira().failures.push({ status: 401, body: { code: 401, message: "Unauthorized" } });
    const id = await connect();
    expect((await webhookOf(id)).registered).toBe(true);
    expect(sandbox().controls.refreshCalls).toBe(refreshes + 1);
  });

  test("a registration that its list does not show is not believed, and is found later", async () => {
    atJira().failures.push(
      { status: 200, body: { values: [], isLast: true } },
      { status: 200, body: { webhookRegistrationResult: [{ createdWebhookId: 4711 }] } },
    );
    const id = await connect();
    expect(await webhookOf(id)).toMatchObject({ registered: false, error: "not_confirmed" });
    expect(idsOf()).toEqual([]);
  });
});

describe("keeping", () => {
  test("renews at half of the thirty days, once by two replicas, and looks whether it worked", async () => {
    const id = await connect();
    const [before, ids] = [calls("PUT"), idsOf()];
    shared.service.clock.advance(14 * dayMs);
    await Promise.all([keep(0), keep(1)]);
    expect(calls("PUT")).toBe(before);
    shared.service.clock.advance(2 * dayMs);
    const gate = createGate();
    let asked = 0;
    // The first has seen that it is due, and its renewal is on its way while the other one looks.
    atJira().beforeAnswer = async () => (++asked === 2 ? gate.opened : undefined);
    const first = keep(0);
    await until(() => asked === 2, "the renewal is sent");
    await keep(1);
    expect(asked).toBe(2);
    gate.open();
    await first;
    expect(calls("PUT")).toBe(before + 1);
    const { expire_time, ...shown } = await webhookOf(id);
    expect(shown).toMatchObject({ registered: true, external_ids: ids });
    expect((Number(expire_time?.seconds) * 1000 - shared.service.clock.now().getTime()) / dayMs).toBeCloseTo(30, 1);
  });

  test("registers anew what has expired", async () => {
    const id = await connect();
    const [before] = idsOf();
    shared.service.clock.advance(31 * dayMs);
    expect(idsOf()).toEqual([]);
    await keep();
    expect(idsOf()).not.toEqual([before]);
    expect(await webhookOf(id)).toMatchObject({ registered: true, external_ids: idsOf() });
  });

  test("registers anew what is gone: within hours, and at the next start", async () => {
    const id = await connect();
    atJira().drop(Number(idsOf()[0]), acme!.id);
    shared.service.clock.advance(6 * 3_600_000 + 1_000);
    await keep();
    expect(await webhookOf(id)).toMatchObject({ registered: true, external_ids: idsOf() });
    atJira().drop(Number(idsOf()[0]), acme!.id);
    await shared.startReplica({});
    expect(idsOf()).toHaveLength(1);
    expect(await webhookOf(id)).toMatchObject({ registered: true, external_ids: idsOf() });
  });

  test("a renewal that Jira passes over in silence is told, and the webhook stays until it ends", async () => {
    const id = await connect();
    shared.service.clock.advance(16 * dayMs);
    const soon = new Date(shared.service.clock.now().getTime() + dayMs).toISOString();
    const [known] = idsOf();
    const { events } = atJira().all()[0]!;
    const listed = { id: Number(known), jqlFilter: "project != NULL", events, url: url(), expirationDate: soon };
    const list = { status: 200, body: { values: [listed], isLast: true } };
    atJira().failures.push(list, { status: 200, body: { expirationDate: soon } }, list);
    await keep();
    expect(await webhookOf(id)).toMatchObject({ registered: true, error: "not_renewed", external_ids: [known] });
  });

  test("trouble that passes is no reason to doubt what was confirmed", async () => {
    const id = await connect();
    shared.service.clock.advance(7 * 3_600_000);
    atJira().failures.push({ status: 503 });
    await keep();
    expect(await webhookOf(id)).toMatchObject({ registered: true, error: "" });
  });

  test.each([true, false])(
    "a changed address is registered at start, and the old one removed (list with addresses: %s)",
    async (showUrls) => {
      atJira().showUrls = showUrls;
      const id = await connect();
      expect(await webhookOf(id)).toMatchObject({ registered: true, error: "" });
      await shared.startReplica({ BASE_URL: "http://localhost:1" });
      expect(await webhookOf(id)).toMatchObject({ registered: true, url: "http://localhost:1/webhooks/jira" });
      expect(atJira().all()).toMatchObject([{ url: "http://localhost:1/webhooks/jira" }]);
      shared.service.clock.advance(11 * 60_000);
      await keep();
      expect(await webhookOf(id)).toMatchObject({ registered: true, url: url(), external_ids: idsOf() });
      expect(atJira().all()).toMatchObject([{ url: url() }]);
    },
  );

  test("a changed address waits for the old one to be removed, which Jira does later", async () => {
    const id = await connect();
    atJira().deletionMs = 30_000;
    await shared.startReplica({ BASE_URL: "http://localhost:1" });
    expect((await webhookOf(id)).error).toBe("other_address");
    shared.service.clock.advance(61_000);
    await shared.service.replicas.at(-1)!.jobs.run("keep webhooks");
    expect(await webhookOf(id)).toMatchObject({ registered: true, error: "", url: "http://localhost:1/webhooks/jira" });
    expect(atJira().all()).toHaveLength(1);
  });

  test("what was connected before there were webhooks gets one", async () => {
    const id = await connect();
    await shared.sql`delete from webhooks where installation_id is not null`;
    atJira().drop(Number(idsOf()[0]), acme!.id);
    await keep();
    expect(await webhookOf(id)).toMatchObject({ registered: true, external_ids: idsOf() });
  });

  test("who has to connect again is not asked about", async () => {
    await connect();
    await shared.sql`update installations set status = 'reauthorization_required'`;
    shared.service.clock.advance(20 * dayMs);
    const before = calls("GET");
    await keep();
    expect(calls("GET")).toBe(before);
  });
});

describe("silence", () => {
  const statesOf = async () => {
    const { storage, close } = await shared.service.openStorage();
    const { webhooks } = await storage.statistics.read(shared.service.clock.now());
    await close();
    return webhooks.filter(({ platform }) => platform === "jira").map(({ state }) => state);
  };
  const tellOf = async (hooks: readonly string[], host: string) => {
    const self = `https://${host}/rest/api/2/issue/1`;
    const payload = {
      webhookEvent: "jira:issue_updated",
      matchedWebhookIds: hooks.map(Number),
      issue: { id: "1", self },
    };
    const { headers, body } = jiraDelivery(sandbox().registration.clientSecret, payload, shared.service.clock.now());
    expect((await fetch(url(), { method: "POST", headers, body })).ok).toBe(true);
  };
  const errorOf = async (id: string) => (await shared.caller.installation(id)).last_error;
  const silentLines = () => shared.service.world.lines.filter((line) => line.includes('"webhook.silent"')).length;

  test("of a site that never sent anything is told after three days, and ends with its first event", async () => {
    const id = await connect();
    shared.service.clock.advance(2 * dayMs);
    await keep();
    expect([await errorOf(id), await statesOf()]).toEqual(["", ["registered"]]);
    const lines = silentLines();
    for (const hours of [25, 7, 7]) {
      shared.service.clock.advance(hours * 3_600_000);
      await keep();
    }
    expect([await errorOf(id), await statesOf(), silentLines()]).toEqual(["webhook:silent", ["silent"], lines + 1]);
    expect(await webhookOf(id)).toMatchObject({ registered: true, error: "" });
    await tellOf(idsOf(), "stranger.atlassian.example");
    await tellOf(["4711"], "acme.atlassian.example");
    await keep();
    expect(await errorOf(id)).toBe("webhook:silent");
    await tellOf(idsOf(), "acme.atlassian.example");
    await expect.poll(() => errorOf(id)).toBe("");
    expect(await statesOf()).toEqual(["registered"]);
  });

  test("of a site that sent something is told seven days after that", async () => {
    const id = await connect();
    shared.service.clock.advance(2 * dayMs);
    await tellOf(idsOf(), "acme.atlassian.example");
    await expect
      .poll(async () => (await shared.sql`select delivered_at from webhooks where installation_id = ${id}`)[0])
      .not.toMatchObject({ delivered_at: null });
    for (const [days, error] of [
      [6, ""],
      [2, "webhook:silent"],
    ] as const) {
      shared.service.clock.advance(days * dayMs);
      await keep();
      expect(await errorOf(id)).toBe(error);
    }
  });

  test("is told with what failed: in the list, the numbers, and the last error", async () => {
    atJira().failures.push({ status: 403, body: { errorMessages: ["The app does not have the required scope."] } });
    const id = await connect();
    expect([await errorOf(id), await statesOf()]).toEqual(["webhook:scope_missing", ["failed"]]);
    expect(await shared.caller.token({ installation_id: id })).toBeDefined();
    expect(await errorOf(id)).toBe("webhook:scope_missing");
  });
});

describe("revoking", () => {
  test("removes the webhook, also with a token that has ended meanwhile", async () => {
    for (const hours of [0, 5]) {
      const id = await connect();
      shared.service.clock.advance(hours * 3_600_000);
      const { installation } = await shared.caller.revoke(id);
      expect(idsOf()).toEqual([]);
      expect(installation.webhook).toMatchObject({ registered: false, external_ids: [], error: "" });
      expect(await shared.sql`select * from credentials`).toEqual([]);
    }
  });

  test("leaves a webhook that another owner's installation of the site shares, until that ends too", async () => {
    const [one, other] = [await connect(), await connect("?owner=other")];
    await shared.caller.revoke(one);
    expect(idsOf()).toHaveLength(1);
    await shared.caller.revoke(other);
    expect(idsOf()).toEqual([]);
  });

  test("is not failed by a Jira that does not remove it, and says that it is still there", async () => {
    const id = await connect();
    atJira().failures.push({ status: 500 });
    const { installation, provider_revocation } = await shared.caller.revoke(id);
    expect(provider_revocation).toBe("PROVIDER_REVOCATION_REVOKED");
    expect(installation.webhook).toMatchObject({ registered: false, external_ids: idsOf(), error: "not_removed" });
    shared.service.clock.advance(20 * dayMs);
    const before = calls("GET");
    await keep();
    expect(calls("GET")).toBe(before);
  });
});
