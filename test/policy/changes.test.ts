import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../rig/gate.ts";
import type { UnaryName } from "../../src/rpc/rpc-names.ts";
import { openTestStorage } from "../support/domain.ts";
import { callers, type RawCaller, type RawRule } from "./cast.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
let close: () => Promise<void>;
beforeAll(async () => {
  const opened = await openTestStorage();
  close = opened.close;
  await until(() => opened.storage.changes.isAlive(), "changes are heard of");
  stage = await openStage(opened.storage, callers);
});
afterAll(() => close());
beforeEach(() => stage.use(callers));

function ruledBy(name: string, ...allow: readonly RawRule[]): readonly RawCaller[] {
  return callers.map((caller) => (caller.name === name ? { name, allow } : caller));
}

async function answered(caller: string, rpc: UnaryName, request: JsonObject): Promise<JsonObject> {
  const answer = await stage.call(caller, rpc, request);
  if (answer.kind === "failed") throw new Error(answer.failure.message);
  return answer.body;
}

async function reason(caller: string, rpc: UnaryName, request: JsonObject): Promise<string | undefined> {
  const answer = await stage.call(caller, rpc, request);
  return answer.kind === "failed" ? answer.failure.reason : "answered";
}

describe("rules that change", () => {
  const caller = "all-of-acme";
  const platforms = ["github", "slack"];
  const methods = ["GetToken", "GetInstallation"];

  test("decide over what is in memory, too", async () => {
    const request = { installation_id: stage.idOf("sl-acme") };
    for (let i = 0; i < 2; i++) await answered(caller, "getToken", request);
    stage.use(ruledBy(caller, { methods, platforms, owners: ["beta"] }));
    expect(await reason(caller, "getToken", request)).toBe("INSTALLATION_NOT_FOUND");
    expect(await reason(caller, "getInstallation", request)).toBe("INSTALLATION_NOT_FOUND");
    stage.use(ruledBy(caller, { methods: ["GetInstallation"], platforms, owners: ["acme"] }));
    expect(await reason(caller, "getToken", request)).toBe("CALLER_NOT_ALLOWED");
    stage.use(ruledBy(caller, { methods, platforms: ["github"], owners: ["acme"] }));
    expect(await reason(caller, "getToken", request)).toBe("INSTALLATION_NOT_FOUND");
    stage.use(callers.filter(({ name }) => name !== caller));
    expect(await reason(caller, "getToken", request)).toBe("CALLER_UNAUTHENTICATED");
  });

  test("lower a token that is in memory to a new ceiling", async () => {
    const request = { installation_id: stage.idOf("gh-acme-1") };
    const whole = await answered(caller, "getToken", request);
    expect(stage.github.bodyOf(String(whole.access_token))).toEqual({});
    expect((await answered(caller, "getToken", request)).access_token).toBe(whole.access_token);
    const ceiling = { permissions: { github: { contents: "read" } } };
    stage.use(ruledBy(caller, { methods, platforms, owners: ["acme"], ...ceiling }));
    const narrow = await answered(caller, "getToken", request);
    expect(stage.github.bodyOf(String(narrow.access_token))).toEqual({ permissions: { contents: "read" } });
    // Nor does the token's own name bring it back.
    const again = await answered(caller, "getToken", { ...request, rejected_token_id: String(narrow.token_id) });
    expect(stage.github.bodyOf(String(again.access_token))).toEqual({ permissions: { contents: "read" } });
  });
});

test("a rate is kept to, by each caller and method for itself", async () => {
  const caller = "all-of-acme";
  const rate = { per_second: 0.001, burst: 2 };
  stage.use(
    ruledBy(
      caller,
      { methods: ["GetToken"], platforms: ["slack"], owners: ["acme"], rate },
      { methods: ["GetInstallation"], platforms: ["slack"], owners: ["acme"] },
    ),
  );
  const request = { installation_id: stage.idOf("sl-acme") };
  expect(await reason(caller, "getToken", request)).toBe("answered");
  // What is refused counts, too.
  expect(await reason(caller, "getToken", { installation_id: "no id" })).toBe("INVALID_REQUEST");
  const answer = await stage.call(caller, "getToken", request);
  expect(answer).toMatchObject({ failure: { reason: "CALLER_RATE_LIMITED", retryAfterMs: expect.any(Number) } });
  // Before anything is read.
  expect(await reason(caller, "getToken", { nothing: "known" })).toBe("CALLER_RATE_LIMITED");
  expect(await reason(caller, "getInstallation", request)).toBe("answered");
  expect(await reason("two-owners", "getToken", request)).toBe("answered");
});

describe("the record", () => {
  /** Which pairs of platform and owner a caller is shown events of. */
  async function shownTo(caller: string) {
    const { events } = await answered(caller, "listAuditEvents", { kind: "token.issued", page_size: 500 });
    const ids = (events as JsonObject[]).map(({ installation_id }) => stage.keyOf(String(installation_id)));
    return [...new Set(ids)].sort();
  }

  test("shows a caller what is about its own, and says whose each call was", async () => {
    const keys = ["gh-acme-1", "gh-beta", "gh-none", "sl-acme", "sl-beta-1", "sl-none", "at-acme-both", "at-none-both"];
    for (const key of keys) await answered("everything", "getToken", { installation_id: stage.idOf(key) });
    expect(await shownTo("everything")).toEqual([...keys].sort());
    expect(await shownTo("github-of-anyone")).toEqual(["gh-acme-1", "gh-beta", "gh-none"]);
    expect(await shownTo("github-of-acme")).toEqual(["gh-acme-1"]);
    expect(await shownTo("slack-of-beta")).toEqual(["sl-beta-1"]);
    expect(await shownTo("all-of-acme")).toEqual(["at-acme-both", "gh-acme-1", "sl-acme"]);
    expect(await shownTo("crossed")).toEqual(["gh-acme-1", "sl-beta-1"]);
    expect(await shownTo("stranger")).toEqual([]);

    await answered("slack-of-beta", "getToken", { installation_id: stage.idOf("sl-beta-1") });
    const { events } = await answered("everything", "listAuditEvents", { caller: "slack-of-beta" });
    expect(events).toEqual([expect.objectContaining({ caller: "slack-of-beta", kind: "token.issued" })]);
  });

  test("has a row of its own for each caller, also of a token that is in memory", async () => {
    const request = { installation_id: stage.idOf("sl-beta-2") };
    for (const caller of ["two-owners", "two-owners-twin"]) {
      await answered(caller, "getToken", request);
      const { events } = await answered("everything", "listAuditEvents", { ...request, caller });
      expect(events, caller).toEqual([expect.objectContaining({ caller, kind: "token.issued" })]);
    }
  });

  test("leads on by the caller's own page tokens alone", async () => {
    for (const key of ["sl-beta-1", "sl-acme"]) {
      await answered("everything", "getToken", { installation_id: stage.idOf(key) });
    }
    const { next_page_token } = await answered("two-owners", "listAuditEvents", { page_size: 1 });
    const page_token = String(next_page_token);
    expect(await reason("two-owners", "listAuditEvents", { page_token })).toBe("answered");
    expect(await reason("two-owners-twin", "listAuditEvents", { page_token })).toBe("INVALID_REQUEST");
    expect(await reason("two-owners", "listAuditEvents", { page_token, kind: "token.issued" })).toBe("INVALID_REQUEST");
    expect(await reason("two-owners", "listInstallations", { page_token })).toBe("INVALID_REQUEST");
  });
});

describe("a page token", () => {
  const page = { page_size: 1 };
  const next = async (caller: string, request: JsonObject = {}) => {
    const { next_page_token } = await answered(caller, "listInstallations", { ...page, ...request });
    expect(next_page_token).not.toBe("");
    return String(next_page_token);
  };

  test("of the same list leads on, whatever the size of its pages", async () => {
    const page_token = await next("two-owners", { platform: "github" });
    expect(await reason("two-owners", "listInstallations", { page_size: 3, platform: "github", page_token })).toBe(
      "answered",
    );
  });

  test.each([
    ["another caller's", "everything", {}],
    ["one of a caller who sees the same", "two-owners-twin", {}],
    ["one of a list of another platform", "two-owners", { platform: "slack" }],
    ["one of a list of another owner", "two-owners", { owner: "acme" }],
    ["one of a list of another status", "two-owners", { status: "INSTALLATION_STATUS_ACTIVE" }],
    ["one of a list of another organization", "two-owners", { external_org_id: "gh-acme-1" }],
    ["one of a list of another installation", "two-owners", { external_install_id: "1" }],
  ])("%s is refused", async (_what, caller, filter) => {
    const page_token = await next("two-owners");
    const answer = await stage.call(caller, "listInstallations", { ...page, ...filter, page_token });
    expect(answer).toMatchObject({ failure: { reason: "INVALID_REQUEST", violations: [{ field: "page_token" }] } });
  });

  test("of another RPC is refused", async () => {
    const request = { installation_id: stage.idOf("sl-acme") };
    await answered("everything", "getToken", request);
    await reason("none", "getToken", request);
    const ofInstallations = await next("everything");
    const answer = await stage.call("everything", "listAuditEvents", { ...page, page_token: ofInstallations });
    expect(answer).toMatchObject({ failure: { reason: "INVALID_REQUEST", violations: [{ field: "page_token" }] } });
  });

  test.each(["x", "AAAA", "0".repeat(1024)])("that is made up (%s) is refused", async (page_token) => {
    expect(await reason("everything", "listInstallations", { page_token })).toBe("INVALID_REQUEST");
  });

  test("that was altered is refused", async () => {
    const page_token = await next("everything");
    const altered = `${page_token.slice(0, -2)}${page_token.endsWith("AA") ? "BB" : "AA"}`;
    expect(await reason("everything", "listInstallations", { ...page, page_token: altered })).toBe("INVALID_REQUEST");
  });
});
