import { describe, expect, test } from "vitest";
import type { Caller } from "./support/caller.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });

/** 120 installations, some of the same millisecond, two thirds of them active. */
async function insertMany(): Promise<void> {
  await shared.sql`
    insert into installations (id, platform, products, status, owner, external_org_id, external_org_name, scopes,
      permissions, metadata, created_at, updated_at, revoked_at)
    select gen_random_uuid(), 'slack', array['slack'], case when n % 3 = 0 then 'revoked' else 'active' end,
      'owner-' || n % 2, 'T' || n, 'Workspace ' || n, array['chat:write'], '{}', '{}',
      timestamptz '2026-01-01' + n / 4 * interval '1 millisecond', now(), case when n % 3 = 0 then now() end
    from generate_series(1, 120) as n`;
}

async function pages(caller: Caller, request: Record<string, unknown>): Promise<string[][]> {
  const found: string[][] = [];
  let page_token = "";
  do {
    const page = await caller.list({ ...request, page_token });
    found.push(page.installations.map(({ external_org_id }) => external_org_id));
    page_token = page.next_page_token;
  } while (page_token !== "");
  return found;
}

const everyOrg = Array.from({ length: 120 }, (_, n) => `T${n + 1}`);

describe("listing 120 installations", () => {
  test.each([
    [7, 18],
    [50, 3],
    [120, 1],
    [500, 1],
    [0, 3],
    [100_000, 1],
  ])("by pages of %i gives each of them once, newest first, in %i pages", async (page_size, count) => {
    await insertMany();
    const found = await pages(shared.caller, { page_size });
    expect(found).toHaveLength(count);
    const orgs = found.flat();
    expect(orgs.toSorted()).toEqual(everyOrg.toSorted());
    const made = orgs.map((org) => Math.floor(Number(org.slice(1)) / 4));
    expect(made).toEqual(made.toSorted((a, b) => b - a));
  });

  test("filters by status, owner and organization on every page", async () => {
    await insertMany();
    const active = (await pages(shared.caller, { page_size: 30, status: "INSTALLATION_STATUS_ACTIVE" })).flat();
    expect(active.toSorted()).toEqual(everyOrg.filter((_, n) => (n + 1) % 3 !== 0).toSorted());
    const owned = (await pages(shared.caller, { page_size: 30, owner: "owner-1" })).flat();
    expect(owned).toHaveLength(60);
    expect((await pages(shared.caller, { external_org_id: "T77" })).flat()).toEqual(["T77"]);
    expect((await pages(shared.caller, { platform: "jira" })).flat()).toEqual([]);
    const searched = await pages(shared.caller, { page_size: 4, search: "wORKSPACE 11", owner: "owner-1" });
    expect(searched.map((page) => page.length)).toEqual([4, 2]);
    expect(searched.flat().toSorted()).toEqual(["T11", "T111", "T113", "T115", "T117", "T119"]);
  });

  test("has no gap and no repetition when others connect between two pages", async () => {
    await insertMany();
    const first = await shared.caller.list({ page_size: 60 });
    await shared.service.connect("slack");
    const second = await shared.caller.list({ page_size: 100, page_token: first.next_page_token });
    const orgs = [...first.installations, ...second.installations].map(({ external_org_id }) => external_org_id);
    expect(orgs.toSorted()).toEqual(everyOrg.toSorted());
  });

  test("goes on at another replica", async () => {
    await insertMany();
    const first = await shared.callers[0]!.list({ page_size: 60 });
    const second = await shared.callers[1]!.list({ page_size: 60, page_token: first.next_page_token });
    expect(new Set([...first.installations, ...second.installations].map(({ id }) => id)).size).toBe(120);
  });

  test("over REST shows active ones unless another status is named", async () => {
    await insertMany();
    const { internalUrl } = shared.service.replicas[0]!;
    const list = async (query: string) =>
      (await (await fetch(`${internalUrl}/oauth/installations?page_size=500${query}`)).json()) as {
        installations: { status: string }[];
      };
    expect((await list("")).installations).toHaveLength(80);
    expect((await list("&status=revoked")).installations).toHaveLength(40);
  });
});

describe("a page token", () => {
  test.each([
    ["of other filters", { platform: "slack" }],
    ["of another status", { status: "INSTALLATION_STATUS_ACTIVE" }],
    ["of another owner", { owner: "owner-1" }],
    ["of another search", { search: "w" }],
  ])("%s is refused", async (_what, filter) => {
    await insertMany();
    const { next_page_token: page_token } = await shared.caller.list({ page_size: 10 });
    const { error } = await shared.caller.call("ListInstallations", { page_size: 10, page_token, ...filter });
    expect([error?.code, error?.details]).toEqual([3, expect.stringContaining("page_token")]);
  });

  test("that is garbage, cut or changed is refused", async () => {
    await insertMany();
    const { next_page_token: real } = await shared.caller.list({ page_size: 10 });
    const changed = `${real.slice(0, 20)}${real[20] === "A" ? "B" : "A"}${real.slice(21)}`;
    for (const page_token of ["x", "AAAA", real.slice(0, -4), changed, real + real, "\0", "x".repeat(2_000)]) {
      const { error } = await shared.caller.call("ListInstallations", { page_size: 10, page_token });
      expect(error?.code).toBe(3);
    }
  });

  test("says nothing that can be read", async () => {
    await insertMany();
    const { next_page_token, installations } = await shared.caller.list({ page_size: 10 });
    const plain = Buffer.from(next_page_token, "base64url").toString("latin1");
    expect(plain).not.toContain(installations.at(-1)?.id);
  });
});
