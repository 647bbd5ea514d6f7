import { describe, expect, test } from "vitest";
import { createAccess, shows, sightOfEverything } from "../../src/domain/access/access.ts";
import { anonymous, createCaller } from "../../src/domain/access/caller.ts";
import type { Permissions, Rule } from "../../src/domain/access/rule.ts";

interface Allowed {
  readonly methods?: readonly string[];
  readonly platforms?: "all" | readonly string[];
  readonly owners?: "all" | readonly string[];
  readonly github?: Permissions;
  readonly perSecond?: number;
}

function rule({ methods = ["GetToken"], platforms = ["github"], owners = ["acme"], github, perSecond }: Allowed): Rule {
  const named = (names: "all" | readonly string[]) => (names === "all" ? names : new Set(names));
  return {
    methods: new Set(methods),
    products: named(platforms),
    owners: named(owners),
    ceilings: new Map(github === undefined ? [] : [["github", github]]),
    rate: perSecond === undefined ? undefined : { perSecond, burst: 1 },
    returnOrigins: new Set(),
    completeInCallback: false,
  };
}

function access(...allowed: readonly Allowed[]) {
  return createAccess("somebody", "GetToken", allowed.map(rule));
}

const notAllowed = expect.objectContaining({ reason: "CALLER_NOT_ALLOWED" });
const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return "allowed";
};

describe("a method", () => {
  test("that no rule names is refused", () => {
    expect(refusal(() => createAccess("somebody", "RevokeInstallation", [rule({})]))).toEqual(notAllowed);
    expect(refusal(() => createAccess("somebody", "GetToken", []))).toEqual(notAllowed);
    expect(refusal(() => createCaller("somebody", [rule({})], undefined).access("gettoken"))).toEqual(notAllowed);
  });

  test("is not lent what another method's rule allows", () => {
    const mixed = access({}, { methods: ["ListInstallations"], owners: "all", platforms: "all", perSecond: 9 });
    expect(mixed.sees("github", "beta")).toBe(false);
    expect(refusal(() => mixed.check("slack", undefined))).toEqual(notAllowed);
    expect(mixed.visible(undefined).rules).toEqual([{ products: ["github"], owners: ["acme"] }]);
    expect(mixed.rates).toEqual([]);
  });

  test("has the rates of its rules, each counted by itself", () => {
    const rules = [
      rule({ perSecond: 1 }),
      rule({}),
      rule({ methods: ["Metrics"], perSecond: 2 }),
      rule({ perSecond: 3 }),
    ];
    expect(createAccess("somebody", "GetToken", rules).rates).toEqual([
      { key: "somebody#0", rate: { perSecond: 1, burst: 1 } },
      { key: "somebody#3", rate: { perSecond: 3, burst: 1 } },
    ]);
  });
});

describe("before any look-up", () => {
  const crossed = access({}, { platforms: ["slack"], owners: ["beta"] });

  test.each([
    [undefined, undefined],
    ["github", undefined],
    [undefined, "beta"],
    ["github", "acme"],
    ["slack", "beta"],
  ])("platform %s and owner %s are let through", (platform, owner) => {
    expect(refusal(() => crossed.check(platform, owner))).toBe("allowed");
  });

  test.each([
    ["jira", undefined],
    [undefined, "gamma"],
    ["github", "beta"],
    ["slack", "acme"],
    ["GitHub", undefined],
    [undefined, "acme "],
    [undefined, "acm"],
    [undefined, "acme-evil"],
    ["github", ""],
  ])("platform %s and owner %s are refused", (platform, owner) => {
    expect(refusal(() => crossed.check(platform, owner))).toEqual(notAllowed);
  });

  test("a refusal says whether it is the platform or the owner", () => {
    expect(() => crossed.check("jira", "acme")).toThrow("somebody may not call GetToken for this platform");
    expect(() => crossed.check("github", "beta")).toThrow("somebody may not call GetToken for this owner");
  });

  test("permissions above every ceiling are refused, with and without a platform", () => {
    const reader = access({ github: { contents: "read" } }, { platforms: ["slack"] });
    for (const platform of ["github", undefined]) {
      expect(refusal(() => reader.check(platform, undefined, { contents: "read" }))).toBe("allowed");
      expect(refusal(() => reader.check(platform, undefined, {}))).toBe("allowed");
      expect(refusal(() => reader.check(platform, undefined, { contents: "write" }))).toEqual(notAllowed);
      expect(refusal(() => reader.check(platform, undefined, { contents: "read", issues: "read" }))).toEqual(
        notAllowed,
      );
    }
  });

  test("without a platform permissions may be of any product that can be narrowed", () => {
    const limits = (github: Permissions | undefined, forge: Permissions | undefined): Rule => ({
      ...rule({ platforms: ["github", "forge", "slack"] }),
      ceilings: new Map([
        ["github", github],
        ["forge", forge],
      ]),
    });
    const asks = (allowed: Rule, platform?: string) =>
      refusal(() => createAccess("somebody", "GetToken", [allowed]).check(platform, undefined, { contents: "write" }));
    const reads = { contents: "read" };
    expect(asks(limits(reads, { contents: "write" }))).toBe("allowed");
    expect(asks(limits(reads, undefined))).toBe("allowed");
    expect(asks(limits(reads, undefined), "github")).toEqual(notAllowed);
    expect(asks(limits(reads, reads))).toEqual(notAllowed);
  });

  test("only the ceilings of the owner that is named count", () => {
    const two = access({ github: { contents: "read" } }, { owners: ["beta"] });
    expect(refusal(() => two.check("github", "acme", { contents: "write" }))).toEqual(notAllowed);
    expect(refusal(() => two.check("github", "beta", { contents: "write" }))).toBe("allowed");
    expect(refusal(() => two.check("github", undefined, { contents: "write" }))).toBe("allowed");
  });

  test("everybody may do everything where callers are not told apart", () => {
    const open = anonymous.access("GetToken");
    expect(refusal(() => open.check("github", "acme", { contents: "admin" }))).toBe("allowed");
    expect(open.visible("github")).toBe(sightOfEverything);
    expect(open.sees("github", undefined)).toBe(true);
    expect(open.ceiling("github", undefined)).toBeUndefined();
  });
});

describe("an installation", () => {
  test("is seen by one rule that has its product and its owner", () => {
    const crossed = access({}, { platforms: ["slack"], owners: ["beta"] });
    expect(crossed.sees("github", "acme")).toBe(true);
    expect(crossed.sees("slack", "beta")).toBe(true);
    expect(crossed.sees("github", "beta")).toBe(false);
    expect(crossed.sees("slack", "acme")).toBe(false);
  });

  test("without an owner is seen by callers of all owners only", () => {
    expect(access({}).sees("github", undefined)).toBe(false);
    expect(access({ owners: ["undefined", "null", ""] }).sees("github", undefined)).toBe(false);
    expect(access({ owners: "all" }).sees("github", undefined)).toBe(true);
    expect(shows(access({}).visible(undefined), "github", undefined)).toBe(false);
    expect(shows(access({ owners: "all" }).visible(undefined), "github", undefined)).toBe(true);
  });

  test("is visible as what it is seen as", () => {
    const crossed = access({ owners: ["acme", "gamma"] }, { platforms: ["slack"], owners: "all" }, { platforms: [] });
    for (const product of ["github", "slack", "jira"]) {
      for (const owner of ["acme", "beta", "gamma", undefined]) {
        expect(shows(crossed.visible(undefined), product, owner)).toBe(crossed.sees(product, owner));
        expect(shows(crossed.visible(product), product, owner)).toBe(crossed.sees(product, owner));
      }
    }
    expect(crossed.visible("github").rules).toEqual([{ products: ["github"], owners: ["acme", "gamma"] }]);
    expect(crossed.visible("unheard-of").rules).toEqual([]);
  });

  test("is remembered for those alone who see the same", () => {
    const key = (...allowed: readonly Allowed[]) => access(...allowed).visible(undefined).key;
    expect(key({ owners: ["a", "b"] })).toBe(key({ owners: ["b", "a"], github: { contents: "read" } }));
    const different = [
      key({}),
      key({ owners: ["b"] }),
      key({ owners: "all" }),
      key({ platforms: ["slack"] }),
      key({ platforms: "all" }),
    ];
    expect(new Set([...different, sightOfEverything.key]).size).toBe(different.length + 1);
    expect(key({ owners: ["all"] })).not.toBe(key({ owners: "all" }));
  });
});

describe("a ceiling", () => {
  test("is of the rules that cover the installation", () => {
    const two = access({ github: { contents: "read" } }, { owners: ["beta"], github: { issues: "write" } });
    expect(two.ceiling("github", "acme")).toEqual({ contents: "read" });
    expect(two.ceiling("github", "beta")).toEqual({ issues: "write" });
  });

  test("of several rules is all that they allow together, and none if one has none", () => {
    const together = access({ github: { contents: "read" } }, { owners: "all", github: { issues: "write" } });
    expect(together.ceiling("github", "acme")).toEqual({ contents: "read", issues: "write" });
    expect(together.ceiling("github", undefined)).toEqual({ issues: "write" });
    expect(access({ github: { contents: "read" } }, { owners: "all" }).ceiling("github", "acme")).toBeUndefined();
  });

  test("is nothing at all for what no rule covers", () => {
    expect(access({}).ceiling("github", "beta")).toEqual({});
    expect(access({}).ceiling("slack", "acme")).toEqual({});
    expect(access({}).ceiling("github", undefined)).toEqual({});
  });

  test("also limits a rule of all platforms and owners", () => {
    const wide = access({ platforms: "all", owners: "all", github: { contents: "read" } });
    expect(wide.ceiling("github", undefined)).toEqual({ contents: "read" });
    expect(refusal(() => wide.check("github", undefined, { contents: "write" }))).toEqual(notAllowed);
  });
});
