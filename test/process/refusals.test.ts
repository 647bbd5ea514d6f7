import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChildService, startChildService } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { until } from "../../rig/gate.ts";
import { createStage, type Stage } from "./stage.ts";

let stage: Stage;
let replicas: readonly ChildService[];

beforeEach(async () => {
  stage = await createStage("Postgres");
  const first = await stage.start();
  replicas = [first, await startChildService({ ...stage.env, PORT: String(await freePort()) })];
}, 120_000);
afterEach(async () => {
  await replicas[1]?.kill();
  await stage.close();
});

interface Answer {
  readonly access_token?: string;
  readonly token_id: string;
  readonly error?: { readonly reason: string; readonly metadata: Readonly<Record<string, string>> };
}

/** GetToken by REST at one of the replicas. */
async function ask(replica: number, platform: string, query: Readonly<Record<string, string>>): Promise<Answer> {
  const url = `${replicas[replica]?.internalUrl}/oauth/token/${platform}?${new URLSearchParams(query)}`;
  return (await (await fetch(url)).json()) as Answer;
}

const reasonOf = async (replica: number, platform: string, query: Readonly<Record<string, string>>) =>
  (await ask(replica, platform, query)).error?.reason;

const shown = async (id: string) => {
  const found = (await stage.installations()).find((one) => one.id === id);
  return [found?.status, found?.last_error];
};

/** What the back-off of a few seconds does. */
const letAsk = () => stage.sql("update credentials set lease_until = null");

/** A different token each: nothing is served from memory. */
const shapes = ["contents", "issues", "pull_requests"]
  .reduce<readonly (readonly string[])[]>(
    (all, name) => all.flatMap((one) => [one, [...one, `${name}:read`], [...one, `${name}:write`]]),
    [[]],
  )
  .filter((one) => one.length > 0)
  .map((one) => one.join(","));

const allowList = {
  status: 403,
  body: { message: "the `acme` organization has an IP allow list enabled, and your IP address is not permitted" },
};

test("an organization whose IP allow list shuts us out costs its neighbour nothing, and says so", {
  timeout: 180_000,
}, async () => {
  const { controls } = stage.sandbox.github;
  controls.chooseAccount("acme");
  const acme = (await stage.connect("github", "a")).installations[0]?.id ?? "";
  const [{ id: github } = { id: 0 }] = controls.installations().filter(({ account }) => account.login === "acme");
  controls.chooseAccount("globex");
  const globex = (await stage.connect("github", "b")).installations[0]?.id ?? "";
  controls.refusal = (path) => (path.includes(`/installations/${github}/`) ? allowList : undefined);

  let done = false;
  const loops = [0, 1].map(async (replica) => {
    const reasons = new Set<string | undefined>();
    for (let i = 0; !done; i++) {
      const permissions = shapes[i % shapes.length] ?? "";
      reasons.add(await reasonOf(replica, "github", { installation_id: acme, permissions }));
    }
    return [...reasons];
  });
  const neighbour: Answer[] = [];
  for (const replica of [0, 1]) {
    for (const permissions of shapes)
      neighbour.push(await ask(replica, "github", { installation_id: globex, permissions }));
    neighbour.push(await ask(replica, "github", { installation_id: globex }));
  }
  done = true;
  expect(neighbour.filter(({ access_token }) => access_token === undefined)).toEqual([]);
  // Who asks without end for what is not given is told so after a while.
  for (const reasons of await Promise.all(loops)) {
    expect(reasons[0]).toBe("INSTALLATION_SUSPENDED");
    expect(["INSTALLATION_SUSPENDED", "CALLER_RATE_LIMITED"]).toEqual(expect.arrayContaining(reasons));
  }
  const refusal = await ask(0, "github", { installation_id: acme });
  expect(refusal.error?.metadata).toMatchObject({ installation_id: acme, refused: "ip_allow_list" });
  expect(await shown(acme)).toEqual(["INSTALLATION_STATUS_ACTIVE", "refused:ip_allow_list"]);

  controls.refusal = () => undefined;
  await until(
    async () => (await ask(1, "github", { installation_id: acme })).access_token !== undefined,
    "it is let in",
    15_000,
  );
  expect(await shown(acme)).toEqual(["INSTALLATION_STATUS_ACTIVE", ""]);
});

describe("a grant that ended at its platform", { timeout: 120_000 }, () => {
  test.each([
    [
      "jira",
      "atlassian",
      { status: 403, body: { error: "unauthorized_client", error_description: "refresh_token is invalid" } },
      "unauthorized_client",
    ],
    ["slack", "slack", { status: 200, body: { ok: false, error: "token_revoked" } }, "token_revoked"],
    ["slack", "slack", { status: 200, body: { ok: false, error: "account_inactive" } }, "account_inactive"],
    ["slack", "slack", { status: 200, body: { ok: false, error: "refresh_token_expired" } }, "refresh_token_expired"],
  ] as const)(
    "of %s, in whatever words, asks for reauthorization on both replicas",
    async (platform, sandbox, answer, code) => {
      const installation_id = (await stage.connect(platform)).installations[0]?.id ?? "";
      const { token_id: rejected_token_id } = await ask(0, platform, { installation_id });
      stage.sandbox[sandbox].controls.refusal = () => answer;
      const asked = { installation_id, rejected_token_id };
      expect(await reasonOf(0, platform, asked)).toBe("REAUTHORIZATION_REQUIRED");
      expect(await reasonOf(1, platform, asked)).toBe("REAUTHORIZATION_REQUIRED");
      expect(await shown(installation_id)).toEqual(["INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED", code]);
    },
  );
});

test("a grant that is refused alone is neither our misconfiguration nor an outage for ever", {
  timeout: 120_000,
}, async () => {
  const { controls } = stage.sandbox.slack;
  const alone = (await stage.connect("slack")).installations[0]?.id ?? "";
  const { token_id: rejected_token_id } = await ask(0, "slack", { installation_id: alone });
  controls.chooseTeam("T0GLOBEX1");
  const neighbour = (await stage.connect("slack")).installations[0]?.id ?? "";
  const { token_id: neighbours } = await ask(0, "slack", { installation_id: neighbour });
  const asked = { installation_id: alone, rejected_token_id };
  for (let i = 0; i < 6; i++) {
    controls.refusal = () => ({ status: 200, body: { ok: false, error: "a_word_of_tomorrow" } });
    expect(await reasonOf(i % 2, "slack", asked)).toBe("PROVIDER_UNAVAILABLE");
    controls.refusal = () => undefined;
    await letAsk();
  }
  await stage.sql("update credentials set failing_since = failing_since - interval '1 hour'");
  const renewed = await ask(1, "slack", { installation_id: neighbour, rejected_token_id: neighbours });
  expect(renewed.access_token).toBeDefined();
  controls.refusal = () => ({ status: 200, body: { ok: false, error: "a_word_of_tomorrow" } });
  // The replica that has asked in vain so often pauses for three seconds.
  await until(
    async () => {
      await letAsk();
      return (await reasonOf(0, "slack", asked)) === "REAUTHORIZATION_REQUIRED";
    },
    "a person is asked for",
    10_000,
  );
  expect(await shown(alone)).toEqual([
    "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
    "refused_alone:a_word_of_tomorrow",
  ]);

  controls.refusal = () => undefined;
  await until(
    async () => {
      await letAsk();
      return (await ask(1, "slack", asked)).access_token !== undefined;
    },
    "it comes back by itself",
    10_000,
  );
  expect(await shown(alone)).toEqual(["INSTALLATION_STATUS_ACTIVE", ""]);
});
